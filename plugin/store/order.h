/*
 * Order: the one statement a target expression becomes, with its parameters. For the store's own files.
 *
 * Its rows are prospects (prospect_row.h), and where the expression asks when devices were seen, whether each is meant as one
 * that is away, and whether as one that is online. Like the table of statements it is written for SQLite and PostgreSQL alike.
 */
#ifndef OTA_PLUGIN_STORE_ORDER_H
#define OTA_PLUGIN_STORE_ORDER_H

#include "common/bytes.h"
#include "plugin/store/db.h"
#include "plugin/store/target.h"

/* Which devices are looked at. */
struct ota_order_part {
	int64_t group;             /* the members of this one; 0 = the product's */
	const char *after, *until; /* names; until NULL = to the end */
	const char *only;          /* in place of them: this one; NULL = any */
	int64_t buckets;           /* in place of names: those of the product below; 0 = by name, and in the order of names */
	int64_t limit;             /* of rows */
};

/* The two columns behind those of a prospect. */
enum { OTA_ORDER_AWAY = 13, OTA_ORDER_ONLINE };

struct ota_order {
	struct ota_bytes sql, texts;
	struct ota_order_parameter {
		bool is_text;
		int64_t number;
		size_t offset; /* of a text with its NUL, in texts */
	} *parameters;
	size_t count, capacity;
	bool failed; /* no memory */
	bool too_many;
	bool online; /* what is put now is for devices that are online */
};

/* Whether its expression asks when devices were seen last: for those that are online it is then another one. */
bool ota_order_asks_seen(const struct ota_target *target);

/* Begin with zeros; ota_order_free() also after a failure. OTA_ELIMIT when more versions pass than a statement can hold. */
int ota_order_make(struct ota_order *order, struct ota_store *store, const struct ota_target_scope *scope,
		   const struct ota_order_part *part, struct ota_error *error);
void ota_order_free(struct ota_order *order);

/* Ready for its first step. */
void ota_order_start(const struct ota_order *order, struct ota_store *store, struct ota_query *query);

#endif
