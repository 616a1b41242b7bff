/*
 * Trace: what happened, a line a step. Every line goes into a hash, so that two runs of a seed can be compared byte for byte
 * without keeping them; a replay prints them as well.
 */
#ifndef OTA_TESTS_SIM_TRACE_H
#define OTA_TESTS_SIM_TRACE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

struct trace {
	uint64_t hash;
	bool prints;
	int64_t at_ms; /* of the lines that follow */
};

void trace_begin(struct trace *trace, bool prints);
void trace_line(struct trace *trace, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
