#include "plugin/store/row.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "plugin/store/db.h"

static void field_bind_integer(const struct ota_field *field, const char *at, struct ota_query *query)
{
	int64_t value = 0;

	assert(field->size == sizeof(value));
	memcpy(&value, at, sizeof(value));
	ota_query_integer(query, value);
}

static void field_bind_number(const struct ota_field *field, const char *at, struct ota_query *query)
{
	int value = 0;

	assert(field->size == sizeof(value));
	memcpy(&value, at, sizeof(value));
	ota_query_integer(query, value);
}

static void field_bind_bool(const struct ota_field *field, const char *at, struct ota_query *query)
{
	bool value = false;

	assert(field->size == sizeof(value));
	memcpy(&value, at, sizeof(value));
	ota_query_integer(query, value);
}

static void field_bind_word(const struct ota_field *field, const char *at, struct ota_query *query)
{
	int value = 0;

	assert(field->size == sizeof(value));
	memcpy(&value, at, sizeof(value));
	ota_query_text(query, field->words->write(value));
}

void ota_row_bind(const struct ota_layout *layout, const void *row, struct ota_query *query)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct ota_field *field = &layout->fields[i];
		const char *at = (const char *)row + field->offset;

		switch (field->type) {
		case OTA_FIELD_INTEGER:
			field_bind_integer(field, at, query);
			break;
		case OTA_FIELD_NUMBER:
			field_bind_number(field, at, query);
			break;
		case OTA_FIELD_BOOL:
			field_bind_bool(field, at, query);
			break;
		case OTA_FIELD_TEXT:
			ota_query_text(query, at);
			break;
		case OTA_FIELD_WORD:
			field_bind_word(field, at, query);
			break;
		}
	}
}

static bool field_read_number(int64_t stored, char *at)
{
	int value = (int)stored;

	if (stored < INT_MIN || stored > INT_MAX)
		return false;
	memcpy(at, &value, sizeof(value));
	return true;
}

static bool field_read_bool(int64_t stored, char *at)
{
	bool value = stored == 1;

	if (stored != 0 && stored != 1)
		return false;
	memcpy(at, &value, sizeof(value));
	return true;
}

static bool field_read_text(const struct ota_field *field, struct ota_span stored, char *at)
{
	if (stored.size >= field->size || (stored.size > 0 && memchr(stored.data, '\0', stored.size)))
		return false;
	if (stored.size > 0)
		memcpy(at, stored.data, stored.size);
	at[stored.size] = '\0';
	return true;
}

static bool field_read_word(const struct ota_field *field, struct ota_span stored, char *at)
{
	char word[64];
	int value = 0;
	struct ota_field copy = {.size = sizeof(word)};

	if (!field_read_text(&copy, stored, word) || !field->words->read(word, &value))
		return false;
	memcpy(at, &value, sizeof(value));
	return true;
}

static bool field_read(const struct ota_field *field, struct ota_query *query, int column, char *at)
{
	int64_t integer = 0;

	switch (field->type) {
	case OTA_FIELD_INTEGER:
		integer = ota_query_column_integer(query, column);
		memcpy(at, &integer, sizeof(integer));
		return true;
	case OTA_FIELD_NUMBER:
		return field_read_number(ota_query_column_integer(query, column), at);
	case OTA_FIELD_BOOL:
		return field_read_bool(ota_query_column_integer(query, column), at);
	case OTA_FIELD_TEXT:
		return field_read_text(field, ota_query_column_text(query, column), at);
	case OTA_FIELD_WORD:
		return field_read_word(field, ota_query_column_text(query, column), at);
	}
	return false;
}

int ota_row_read(const struct ota_layout *layout, struct ota_query *query, void *row, struct ota_error *error)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct ota_field *field = &layout->fields[i];

		if (!field_read(field, query, (int)i, (char *)row + field->offset))
			return ota_fail(error, OTA_ECORRUPT, "store: %s: column %s holds no value of its kind",
					ota_query_name(query), ota_query_column_name(query, (int)i));
	}
	return 0;
}
