/*
 * Held: progress of one device that waits, because a newer report may say it all. Pure but for memory; belongs to the broker's
 * thread.
 *
 * A download on a fast line, or C 4.x on chunked replies, tells hundreds of steps a second (aliyun-ota.md 0.12). Of those only
 * the last one of each attempt matters, and that one is never lost: it waits here until it is taken out and written.
 */
#ifndef OTA_PLUGIN_BROKER_HELD_H
#define OTA_PLUGIN_BROKER_HELD_H

#include "common/message.h"

enum {
	OTA_HELD_MAX = 4,            /* attempts of one device: one is in work, a liar may name more */
	OTA_HELD_PAYLOAD_MAX = 1024, /* a longer report is no step of a download */
};

/* May a newer report take its place: a step on the way, neither an end (100, negative) nor an answer. */
bool ota_progress_may_wait(const struct ota_progress *progress);
/* Do both tell of the same module and attempt? */
bool ota_progress_is_same(const struct ota_progress *a, const struct ota_progress *b);

struct ota_held_report {
	struct ota_held_report *next;
	uint64_t connection;
	struct ota_progress progress;
	size_t size;
	char payload[];
};

/* Zero-initialise. In the order in which they were last told. */
struct ota_held {
	struct ota_held_report *first;
	size_t count;
};

/* Copies the report, in the place of one that told of the same. 0 (*ret_replaced: there was one), OTA_ELIMIT when it is too long
 * or OTA_HELD_MAX others wait, OTA_ENOMEM; on a failure nothing has changed. */
int ota_held_put(struct ota_held *held, uint64_t connection, const struct ota_progress *progress, struct ota_span payload,
		 bool *ret_replaced);
/* The first one is written: forgets it. */
void ota_held_shift(struct ota_held *held);
void ota_held_clear(struct ota_held *held);

#endif
