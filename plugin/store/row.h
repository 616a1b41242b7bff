/*
 * Rows: how a struct of ours lies in the columns of a statement. One table of fields per struct, in the order of its columns; a
 * part of that table is a layout too, so that a save can write the tail of what an insert writes. For the store's own files.
 */
#ifndef OTA_PLUGIN_STORE_ROW_H
#define OTA_PLUGIN_STORE_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct ota_query;

/* An enum whose words are what is stored. read() returns false for a word that is not one of them. */
struct ota_words {
	const char *(*write)(int value);
	bool (*read)(const char *word, int *ret_value);
};

enum ota_field_type {
	OTA_FIELD_INTEGER, /* int64_t, or uint64_t up to INT64_MAX */
	OTA_FIELD_NUMBER,  /* int, or unsigned up to INT_MAX */
	OTA_FIELD_BOOL,    /* bool, 0 or 1 in the column */
	OTA_FIELD_TEXT,    /* char[size] with its NUL */
	OTA_FIELD_WORD,    /* an enum, its word in the column */
};

struct ota_field {
	enum ota_field_type type;
	size_t offset;
	size_t size;
	const struct ota_words *words;
};

struct ota_layout {
	const struct ota_field *fields;
	size_t count;
	size_t size; /* of the struct, at most OTA_ROW_SIZE_MAX */
};

enum { OTA_ROW_SIZE_MAX = 12288 };

#define OTA_FIELD(kind, type, member) {OTA_FIELD_##kind, offsetof(type, member), sizeof(((type *)0)->member), NULL}
#define OTA_FIELD_OF(type, member, vocabulary)                                                                                   \
	{OTA_FIELD_WORD, offsetof(type, member), sizeof(((type *)0)->member), &(vocabulary)}

/* The whole of a table of fields, or the part of it that begins at field `first`. */
#define OTA_LAYOUT(fields, type) {(fields), sizeof(fields) / sizeof((fields)[0]), sizeof(type)}
#define OTA_LAYOUT_FROM(fields, first, type) {(fields) + (first), sizeof(fields) / sizeof((fields)[0]) - (first), sizeof(type)}

/* Binds every field of a row to the next parameters. */
void ota_row_bind(const struct ota_layout *layout, const void *row, struct ota_query *query);
/* Reads the columns of the current result row. OTA_ECORRUPT, naming the column, for what cannot be a value of its field: row is
 * then half written. */
int ota_row_read(const struct ota_layout *layout, struct ota_query *query, void *row, struct ota_error *error);

#endif
