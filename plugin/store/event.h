/* The event log: what happened to whom, why, and by whom. Append only. See store.h for threads, transactions and errors. */
#ifndef OTA_PLUGIN_STORE_EVENT_H
#define OTA_PLUGIN_STORE_EVENT_H

#include "plugin/store/store.h"

enum { OTA_EVENT_WORD_MAX = 32, OTA_EVENT_DETAIL_MAX = 512 };

struct ota_event {
	int64_t id;
	int64_t at_ms;
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	int64_t device_id;                         /* 0 = none */
	char device_name[OTA_DEVICE_NAME_MAX + 1]; /* filled by list */
	int64_t batch_id;                          /* 0 = none */
	int64_t task_id;                           /* 0 = none */
	char event[OTA_EVENT_WORD_MAX + 1];
	char detail[OTA_EVENT_DETAIL_MAX + 1]; /* a sentence or key=value words, UTF-8 without control bytes */
	char actor[OTA_LABEL_MAX + 1];         /* operator's name, "" = a device or the server itself */
};

int ota_event_insert(struct ota_store *store, const struct ota_event *event, struct ota_error *error);
struct ota_event_filter {
	const char *product_key; /* "" = any */
	int64_t device_id;       /* 0 = any */
	int64_t batch_id;        /* 0 = any */
	int64_t before;          /* ids below this; 0 = from the newest */
};
/* Newest first. */
int ota_event_list(struct ota_store *store, const struct ota_event_filter *filter, struct ota_event *rows, size_t capacity,
		   size_t *ret_count, struct ota_error *error);

#endif
