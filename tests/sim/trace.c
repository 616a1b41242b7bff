#include "tests/sim/trace.h"

#include <stdio.h>

/* FNV-1a */
#define HASH_START 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u

void trace_begin(struct trace *trace, bool prints)
{
	*trace = (struct trace){ .hash = HASH_START, .prints = prints };
}

void trace_line(struct trace *trace, const char *format, ...)
{
	char line[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	for (const char *at = line; *at; at++)
		trace->hash = (trace->hash ^ (unsigned char)*at) * HASH_PRIME;
	trace->hash = (trace->hash ^ (uint64_t)trace->at_ms) * HASH_PRIME;
	if (trace->prints)
		printf("%9lld.%03d  %s\n", (long long)(trace->at_ms / 1000), (int)(trace->at_ms % 1000), line);
}
