/* The event log: what happened to whom, why, and by whom. Append only. See store.h for threads, transactions and errors. */
#ifndef OTA_PLUGIN_STORE_EVENT_H
#define OTA_PLUGIN_STORE_EVENT_H

#include "plugin/store/store.h"

enum { OTA_EVENT_DETAIL_MAX = 512 };

struct ota_event {
	int64_t id;
	int64_t at_ms;
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	int64_t device_id;                         /* 0 = none */
	char device_name[OTA_DEVICE_NAME_MAX + 1]; /* filled by list */
	int64_t batch_id;                          /* 0 = none */
	int64_t task_id;                           /* 0 = none */
	int64_t attempt;                           /* of the task, for the log line; not kept, the detail says it too */
	char event[OTA_EVENT_WORD_MAX + 1];
	char detail[OTA_EVENT_DETAIL_MAX + 1]; /* a sentence or key=value words, UTF-8 without control bytes */
	char actor[OTA_LABEL_MAX + 1];         /* operator's name, "" = a device or the server itself */
};

int ota_event_insert(struct ota_store *store, const struct ota_event *event, struct ota_error *error);

/* Texts that are NULL or "" and numbers that are 0 filter nothing. */
struct ota_event_filter {
	const char *product_key;
	const char *actor;
	const char *event;
	int64_t device_id;
	int64_t batch_id;
	int64_t task_id;
	int64_t since_ms, until_ms; /* both included */
	int64_t before;             /* newest first, ids below this */
	bool rising;                /* oldest first instead, ids above `above` */
	int64_t above;
};

/* A page looks at OTA_EVENT_LOOK_MAX rows at the most, so that a filter that little passes holds nobody up: it may be short, even
 * empty, and still be followed by another one. */
enum { OTA_EVENT_LOOK_MAX = 4000 };
struct ota_event_page {
	struct ota_event *rows; /* of the caller, room for `capacity` */
	size_t capacity;
	size_t count;
	int64_t last; /* the id the next page goes on from, as before or above; 0 = nothing was looked at */
	bool more;    /* perhaps; the last page says no */
};
int ota_event_list(struct ota_store *store, const struct ota_event_filter *filter, struct ota_event_page *page,
		   struct ota_error *error);
/* The newest id, 0 without events. */
int ota_event_newest(struct ota_store *store, int64_t *ret_id, struct ota_error *error);

/* Removes the oldest of those before a time, at most `limit`. */
int ota_event_prune(struct ota_store *store, int64_t before_ms, int64_t limit, int64_t *ret_count, struct ota_error *error);

#endif
