/* How a prospect lies in a statement, one of the table or one that order.c puts together. For the store's own files. */
#ifndef OTA_PLUGIN_STORE_PROSPECT_ROW_H
#define OTA_PLUGIN_STORE_PROSPECT_ROW_H

#include "plugin/store/row.h"

extern const struct ota_layout ota_prospect_layout;

/* The column of the name is given; what is NULL, because there is no such row, reads as 0 or "". */
#define OTA_PROSPECT_COLUMNS(name)                                                                                               \
	"d.id, d.rev, d.product_key, " name ", d.bucket, d.created_ms, d.last_seen_ms, d.caps, d.agent, d.barred, d.disabled,"   \
	" r.version, u.id"

/* Behind each stands the module. The states are spelled as in the index task_unfinished. */
#define OTA_PROSPECT_RUNS " LEFT JOIN device_module r ON r.device_id = d.id AND r.module = "
#define OTA_PROSPECT_UNFINISHED                                                                                                  \
	" LEFT JOIN task u ON u.device_id = d.id AND u.state IN ('pending', 'pushed', 'upgrading') AND u.module = "

#endif
