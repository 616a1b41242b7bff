/*
 * Complete: what could stand where the cursor is, for shells. `otactl complete WORD...` prints a candidate a line, with a tab and
 * a few words about it; the completions of bash, zsh and fish (ctl/completion/) are no more than calls of it, so that they
 * know what the table of verbs knows.
 */
#ifndef OTA_CTL_COMPLETE_H
#define OTA_CTL_COMPLETE_H

#include <cjson/cJSON.h>
#include <stdio.h>

/* The line that says: the name of a file. */
#define OTA_COMPLETE_FILE ":file"

struct ota_complete {
	FILE *stream;
	/* The items of the first page of a list, the caller's to delete; NULL when there is no access or no answer. Only asked
	 * where a name or an id of the server's fits. */
	cJSON *(*ask)(void *context, const char *command, const char *product);
	void *context;
};

/* words: what stands behind "otactl", the last one being typed and perhaps "". */
void ota_complete(const struct ota_complete *complete, int count, char *const *words);

/* The same with the server that the environment and the configuration name, asked for no longer than two seconds. */
void ota_complete_live(FILE *stream, int count, char *const *words);

#endif
