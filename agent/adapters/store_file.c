#include "agent/adapters/store_file.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/core/record.h"
#include "common/file.h"

enum { STATE_MODE = 0600 };

static void state_path(const void *context, const char *suffix, char target[PATH_MAX])
{
	snprintf(target, PATH_MAX, "%s/state.json%s", (const char *)context, suffix);
}

static int state_load(void *context, struct ota_bytes *out, struct ota_error *error)
{
	char path[PATH_MAX];

	state_path(context, "", path);
	return ota_file_read(path, AGENT_RECORD_MAX, out, error);
}

static int state_save(void *context, struct ota_span record, struct ota_error *error)
{
	char path[PATH_MAX];

	state_path(context, "", path);
	return ota_file_replace(path, record, STATE_MODE, error);
}

static void state_set_aside(void *context)
{
	char from[PATH_MAX], to[PATH_MAX];

	state_path(context, "", from);
	state_path(context, ".unreadable", to);
	rename(from, to);
}

struct agent_store agent_store_file(const char *state_dir)
{
	return (struct agent_store){
		.load = state_load,
		.save = state_save,
		.set_aside = state_set_aside,
		.context = (void *)(uintptr_t)state_dir, /* only read */
	};
}
