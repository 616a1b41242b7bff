/*
 * How other people's clients read a push: oracles, written from the description of what they do (aliyun-ota.md sections 0, 2
 * and 4, security-reliability.md 0.4), not from their code. They are as wrong as the clients are: that is their use.
 */
#ifndef OTA_TESTS_UNIT_COMMON_PUSH_READERS_H
#define OTA_TESTS_UNIT_COMMON_PUSH_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { READ_FILES_MAX = 20 };

struct read_text {
	const char *data; /* borrowed from the message */
	size_t size;
};

struct read_file {
	uint64_t size;
	struct read_text url, digest, name;
};

/* What a client took out of the message; what it does not look for stays empty. */
struct read_push {
	struct read_text version, module, method;
	size_t count; /* of files; a full image is one */
	struct read_file files[READ_FILES_MAX];
	bool over_mqtt;
	uint64_t stream_id, stream_file_id;
};

/* Each returns NULL, or why the client drops the message. `text` is all of it. */

/* Link SDK C 4.x: a scan for `"key":` at whatever depth, nothing between the two; the first one wins. */
const char *read_by_scan(const char *text, struct read_push *ret_push);

/* Link SDK C 3.x: a reader of true JSON, white space and all, that undoes no escape, takes the next word for a null, and insists
 * on message, version, url, md5 and size. It knows md5 alone, no module, and one file. */
const char *read_by_path(const char *text, struct read_push *ret_push);

/* Hobby clients: one sscanf in the key order of the live platform. */
const char *read_by_template(const char *text, struct read_push *ret_push);

bool read_text_is(struct read_text text, const char *other);

#endif
