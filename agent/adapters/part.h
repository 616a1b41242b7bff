/*
 * Part: a download on its way into a file, able to go on after any interruption.
 *
 * Two files in the state directory: "<module>.part", the bytes, and "<module>.part.json", the checkpoint that tells what they are
 * bytes of: digest and size of the offer, and the ETag of the server's file. Bytes without a checkpoint that fits the offer are
 * worth nothing and are thrown away; bytes with one are hashed again before they count, so a half-written block cannot slip in.
 */
#ifndef OTA_AGENT_ADAPTERS_PART_H
#define OTA_AGENT_ADAPTERS_PART_H

#include <stdbool.h>

#include "agent/ports/watch.h"
#include "common/digest.h"
#include "common/message.h"

enum { AGENT_ETAG_MAX = 128 };

struct agent_part {
	int fd;
	uint64_t size;  /* bytes in the file, all of them hashed */
	bool resumed;   /* some of them come from an earlier call */
	char etag[AGENT_ETAG_MAX + 1]; /* of those bytes, with its quotes; "" = the server named none, or a weak one */
	struct ota_digest *digest;
	const struct ota_offer *offer;
	const char *state_dir;
};

/* Opens or begins the part of an offer and hashes what it holds. offer and state_dir are borrowed. OTA_ECANCELED by the watch. */
int agent_part_open(struct agent_part *part, const char *state_dir, const struct ota_offer *offer,
		    const struct agent_watch *watch, struct ota_error *error);
void agent_part_close(struct agent_part *part);

/* Back to no bytes at all. */
int agent_part_restart(struct agent_part *part, struct ota_error *error);
/* Writes the checkpoint; before the first byte of a server's file. */
int agent_part_bind(struct agent_part *part, const char *etag, struct ota_error *error);
/* size must not lead past the announced size. */
int agent_part_append(struct agent_part *part, const void *data, size_t size, struct ota_error *error);
/* All bytes are there: to disk, and the digest compared. OTA_EVERIFY says which differs. Ends the digest. */
int agent_part_finish(struct agent_part *part, char ret_sha256[OTA_SHA256_HEX + 1], struct ota_error *error);

void agent_part_path(const char *state_dir, const char *module, char *target); /* target[PATH_MAX] */
void agent_part_discard(const char *state_dir, const char *module);

#endif
