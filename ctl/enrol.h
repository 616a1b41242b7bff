/*
 * Enrol: a list of names of any size into a group of the server. A file goes to the gateway as one upload, which takes it apart;
 * what is in the group stays there when it breaks off, and the same list again does no harm.
 */
#ifndef OTA_CTL_ENROL_H
#define OTA_CTL_ENROL_H

#include "ctl/names.h"
#include "ctl/verb.h"

/* What the answers to addToGroup or removeFromGroup add up to; "added already unknown" names their counts. NULL without memory.
 */
cJSON *ota_enrol_sums(const char *counts);
/* Adds an answer up: counts, the first of the unknown names, the last count of members. As ota_pieces.answered. */
int ota_enrol_answered(void *sums, const cJSON *data, struct ota_error *error);

/* command: an addToGroup without names. Draws a bar for the file. */
int ota_enrol(struct ota_invocation *invocation, cJSON *command, const struct ota_names *names, cJSON *sums,
	      struct ota_error *error);

/* Makes the group that is these names alone, called by their digest, and gives its name: the same list is the same group. */
enum { OTA_ENROL_NAME_SIZE = 32 };
int ota_enrol_list(struct ota_invocation *invocation, const char *product, const struct ota_names *names,
		   char ret_group[OTA_ENROL_NAME_SIZE], struct ota_error *error);

#endif
