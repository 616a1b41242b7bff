/* The kept counts of what devices said when they were asked to give a task up. For the store's own files; others read them by
 * batch.h. */
#ifndef OTA_PLUGIN_STORE_ASK_H
#define OTA_PLUGIN_STORE_ASK_H

#include "plugin/store/task.h"

/* A task whose `ask` changed from that of `before`. */
int ota_ask_recount(struct ota_store *store, const struct ota_task *before, const struct ota_task *task, struct ota_error *error);

#endif
