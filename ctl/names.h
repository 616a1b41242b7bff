/*
 * Names: device names from the command line and from a file, in pieces. A file is read twice: first to find every mistake before
 * anything is asked of the server, then piece by piece, so that its size does not matter.
 *
 * A file holds one name a line; white space around them, empty lines and lines that begin with # are skipped.
 */
#ifndef OTA_CTL_NAMES_H
#define OTA_CTL_NAMES_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "common/limits.h"

struct ota_names {
	const char *const *words; /* borrowed, before the file's */
	int word_count, word_next;
	FILE *stream; /* NULL = no file */
	const char *path;
	char *line;
	size_t line_size;
	size_t number;        /* of the line */
	uint64_t size;        /* bytes of the file */
	size_t count;         /* names of the whole, doubles too */
	size_t file_count;    /* of them in the file */
	char sha256[OTA_SHA256_HEX + 1]; /* of the whole: the same names in the same order have the same */
};

/* path NULL = no file. OTA_EINVALID names file and line of what is no device name. Only an opened one is closed. */
int ota_names_open(const char *const *words, int word_count, const char *path, struct ota_names *ret_names,
		   struct ota_error *error);
void ota_names_close(struct ota_names *names);

/* The next names as an array of the caller's, as many as one command holds, `most` at the most, each once; empty at the end. */
int ota_names_take(struct ota_names *names, size_t most, cJSON **ret_array, struct ota_error *error);
/* How much of the file was taken, in bytes. */
uint64_t ota_names_taken(const struct ota_names *names);

#endif
