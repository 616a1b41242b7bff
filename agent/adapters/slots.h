/*
 * Installer `file`: two slots and a link.
 *
 *   <slots_dir>/a/{image,manifest.json}   <slots_dir>/b/{image,manifest.json}   <slots_dir>/current -> a | b
 *
 * manifest.json: {"version","module","size","sha256"}. The version that runs is that of the slot `current` points at, and only if
 * its image has the manifest's size and hash. An installation fills the other slot; only the last step, the rename of the link,
 * changes what runs next. A slot without a manifest is being filled: nothing points at it and the next installation begins it
 * anew.
 *
 * A download on the same filesystem is linked into its slot, so that one image needs room once; on another it is copied.
 */
#ifndef OTA_AGENT_ADAPTERS_SLOTS_H
#define OTA_AGENT_ADAPTERS_SLOTS_H

#include "agent/ports/install.h"

struct agent_slots {
	const char *slots_dir;
	/* Hook with verb `check`, run on the filled slot (OTA_FILE) before it is made current; "" = none. */
	const char *check;
	int64_t check_timeout_ms;
	/* Told before each lasting change, with its name. For tests that end the process there. NULL: nobody listens. */
	void (*step)(void *context, const char *name);
	void *context;
	/* The slot this boot began with, 'a', 'b' or 0; learnt by the installer's version(), zero before. It is never written to,
	 * even when `current` points elsewhere because a restart failed. */
	char running;
};

/* slots are borrowed, and changed only by the installer's own calls. */
struct ota_installer agent_slots_installer(struct agent_slots *slots);

/* Makes the first slot of a new device current. OTA_ECONFLICT when there is a current one already. */
int agent_slots_provision(const struct agent_slots *slots, const char *image_path, const char *module, const char *version,
			  struct ota_error *error);

#endif
