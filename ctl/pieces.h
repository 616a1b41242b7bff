/*
 * Pieces: work that is too long for one command goes as several, and their answers are summed up. Each piece is a command of its
 * own with a request id of its own, so that the whole can be sent again.
 */
#ifndef OTA_CTL_PIECES_H
#define OTA_CTL_PIECES_H

#include "ctl/names.h"
#include "ctl/verb.h"

/* A list of names on its way. */
struct ota_pieces {
	struct ota_invocation *invocation;
	struct ota_names *names;
	size_t most;       /* names in one command; 0 = OTA_NAMES_MAX */
	const cJSON *more; /* members that go with every piece; may be NULL */
	cJSON *sums;       /* of the answers */
	int (*answered)(void *context, const cJSON *data, struct ota_error *error); /* with each answer; may be NULL */
	void *context;
};
/* Sends them all, with a bar for a file. A failure says how far it had come; the same command again does no harm. */
int ota_pieces_send(const struct ota_pieces *pieces, struct ota_error *error);

/* An object of zeros, "registered already". NULL without memory. */
cJSON *ota_pieces_sums(const char *names);
/* Adds the members of an answer that the sums have. */
void ota_pieces_add_up(cJSON *sums, const cJSON *data);
/* The reason, and the request id that was given, with ".<number>" behind it from the second piece on. */
int ota_pieces_label(const struct ota_invocation *invocation, cJSON *command, int number, struct ota_error *error);
/* Says how far it had come. Returns code. */
int ota_pieces_blame(const cJSON *sums, int code, struct ota_error *error);

#endif
