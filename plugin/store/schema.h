/*
 * Schema: the tables, as a list of steps. Step n brings a store from version n - 1 to n in one transaction of its own, so a crash
 * leaves a store at a whole version and the next start goes on from there. Steps that were released never change; a new need is a
 * new step at the end.
 *
 * Words in braces are spelled per database when a step runs: {id} {int} {flag} {text} are types (never NULL), {heap} and {keyed}
 * end a table (rows in the order of their ids, rows in the order of their key). {text} compares bytes, on PostgreSQL by
 * COLLATE "C", so that pages by key run in the same order everywhere.
 */
#ifndef OTA_PLUGIN_STORE_SCHEMA_H
#define OTA_PLUGIN_STORE_SCHEMA_H

#include <stddef.h>

#include "common/bytes.h"
#include "common/error.h"
#include "plugin/store/db.h"

struct ota_schema_step {
	const char *const *statements; /* ends with NULL */
};

struct ota_schema {
	const struct ota_schema_step *steps;
	size_t count; /* = the version it leads to */
};

/* The schema of this software; its count is OTA_STORE_SCHEMA. */
const struct ota_schema *ota_schema(void);
/* The table that holds the version itself; it stands before the first step. */
const char *ota_schema_root(void);

/* Appends one statement of a step in the words of a dialect. */
void ota_schema_print(const char *statement, enum ota_dialect dialect, struct ota_bytes *out);

/* Brings the database to the schema's version. OTA_EVERSION when it is beyond that: nothing is changed then. */
int ota_schema_migrate(struct ota_db *db, const struct ota_schema *schema, struct ota_error *error);

#endif
