#include "plugin/store/db.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *ota_query_name(const struct ota_query *query)
{
	return query->own ? query->own : ota_statement(query->sql)->name;
}

int ota_query_run(struct ota_query *query, struct ota_error *error)
{
	int status = ota_query_step(query, error);
	int64_t changed = status < 0 ? 0 : ota_query_changed(query);

	ota_query_end(query);
	return status < 0 ? status : (int)changed;
}

int ota_query_run_one(struct ota_query *query, struct ota_error *error, const char *format, ...)
{
	char sentence[OTA_ERROR_TEXT_MAX];
	va_list arguments;
	int status = ota_query_run(query, error);

	if (status != 0)
		return status < 0 ? status : 0;
	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	return ota_fail(error, OTA_ECONFLICT, "%s", sentence);
}

int ota_query_find(struct ota_query *query, const struct ota_layout *layout, void *row, struct ota_error *error)
{
	/* Read aside first: the caller's row stays as it was when a column turns out to be damaged. */
	_Alignas(16) unsigned char found[OTA_ROW_SIZE_MAX];
	int status = ota_query_step(query, error);

	assert(layout->size <= sizeof(found));
	if (status == 0)
		status = OTA_ENOTFOUND;
	if (status > 0) {
		memset(found, 0, layout->size);
		status = ota_row_read(layout, query, found, error);
	}
	ota_query_end(query);
	if (status == 0)
		memcpy(row, found, layout->size);
	return status;
}

int ota_query_find_integer(struct ota_query *query, int64_t *ret_value, struct ota_error *error)
{
	int status = ota_query_step(query, error);

	if (status == 0)
		status = OTA_ENOTFOUND;
	if (status > 0) {
		*ret_value = ota_query_column_integer(query, 0);
		status = 0;
	}
	ota_query_end(query);
	return status;
}

int ota_query_list(struct ota_query *query, const struct ota_layout *layout, struct ota_page page, struct ota_error *error)
{
	size_t count = 0;
	int status = 0;

	ota_query_integer(query, (int64_t)page.capacity);
	while ((status = ota_query_step(query, error)) > 0 && count < page.capacity) {
		char *row = (char *)page.rows + count * layout->size;

		memset(row, 0, layout->size);
		status = ota_row_read(layout, query, row, error);
		if (status < 0)
			break;
		count++;
	}
	ota_query_end(query);
	if (status < 0)
		return status;
	*page.ret_count = count;
	return 0;
}
