#include "plugin/store/meta.h"

#include <stdio.h>

#include "common/text.h"

int ota_meta_find(struct ota_db *db, const char *name, struct ota_bytes *out, struct ota_error *error)
{
	struct ota_query query;
	struct ota_span value;
	int status = 0;

	ota_query_start(&query, db, OTA_SQL_META_FIND);
	ota_query_text(&query, name);
	status = ota_query_step(&query, error);
	if (status > 0) {
		value = ota_query_column_text(&query, 0);
		ota_bytes_append(out, value.data, value.size);
	}
	ota_query_end(&query);
	if (status == 0)
		return OTA_ENOTFOUND;
	if (status > 0 && out->failed)
		return ota_fail(error, OTA_ENOMEM, "store: no memory for %s", name);
	return status < 0 ? status : 0;
}

int ota_meta_find_integer(struct ota_db *db, const char *name, int64_t *ret_value, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	int status = ota_meta_find(db, name, &text, error);

	if (status == 0 && !ota_text_parse_i64((struct ota_span){text.data, text.size}, ret_value))
		return ota_fail(error, OTA_ECORRUPT, "store: meta row \"%s\" is not a number", name);
	return status;
}

int ota_meta_save(struct ota_db *db, const char *name, const char *value, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, db, OTA_SQL_META_SAVE);
	ota_query_text(&query, name);
	ota_query_text(&query, value);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

int ota_meta_save_integer(struct ota_db *db, const char *name, int64_t value, struct ota_error *error)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return ota_meta_save(db, name, text, error);
}

int ota_meta_remove(struct ota_db *db, const char *name, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, db, OTA_SQL_META_REMOVE);
	ota_query_text(&query, name);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}
