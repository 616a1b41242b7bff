/*
 * Fetch: reads what a URL holds once, to count and hash it. Nothing is kept. No token goes along: the host is a stranger's.
 */
#ifndef OTA_CTL_FETCH_H
#define OTA_CTL_FETCH_H

#include "common/digest.h"

enum { OTA_FETCH_REDIRECTS_MAX = 5 };

struct ota_fetch {
	const char *url;
	const char *ca_file; /* "" = the system's authorities */
	/* size 0 = the server has not said; NULL = nobody looks */
	void (*progress)(void *context, uint64_t got, uint64_t size);
	void *context;
};

struct ota_fetch_result {
	struct ota_digest_result digests;
	long redirects; /* followed on the way: no Link SDK follows one */
};

/* From https nobody is led to http. OTA_EUNAVAILABLE: not reached, not answered with 200, cut off, or nothing came for a minute;
 * OTA_ELIMIT: more than OTA_PACKAGE_SIZE_MAX bytes; OTA_EINVALID: empty. */
int ota_fetch_run(const struct ota_fetch *fetch, struct ota_fetch_result *ret_result, struct ota_error *error);

#endif
