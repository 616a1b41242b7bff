/*
 * Install port: what a module is made of, and how a new version of it gets there. People who embed libota-agent write one of
 * these; ota-agent brings two (agent/adapters/install_file.h, install_exec.h).
 *
 * Both functions block and run in a worker thread, never two at a time for one agent.
 */
#ifndef OTA_AGENT_PORTS_INSTALL_H
#define OTA_AGENT_PORTS_INSTALL_H

#include <stdint.h>

#include "agent/ports/watch.h"
#include "common/error.h"
#include "common/limits.h"

/* A package that was downloaded and verified. */
struct ota_image {
	const char *path;
	const char *module;
	const char *version;
	const char *previous_version; /* what runs now */
	uint64_t size;
	const char *sha256; /* of the file; lower-case hex */
};

struct ota_installer {
	/* The version that really runs, proven as well as the device can; asked once at every start. Anything but 0 means that
	 * the version is unknown, which is what the server is then told. */
	int (*version)(void *context, const char *module, const struct agent_watch *watch, char ret_version[OTA_VERSION_MAX + 1],
		       struct ota_error *error);
	/* Before a download: is there room to install image->size bytes that will stand at image->path? OTA_ELIMIT names what is
	 * needed and what is free, and the download does not begin. NULL: always. */
	int (*room)(void *context, const struct ota_image *image, struct ota_error *error);
	/*
	 * Puts the image where the next start will run it. Must leave the running version untouched until its last step, and must
	 * bear being called again for the same image after a power cut at any moment. The file may be linked to, for the agent
	 * only ever removes it; it must not be changed.
	 *
	 * 0 = installed, a restart brings it up. OTA_EUNAVAILABLE = not now (reported as -1), OTA_EVERIFY = the image is not what
	 * it should be (-3), OTA_ECANCELED = stopped by the watch, anything else = burning failed (-4). The error's text travels
	 * to the operator.
	 */
	int (*install)(void *context, const struct ota_image *image, const struct agent_watch *watch, struct ota_error *error);
	void *context;
};

#endif
