#include "plugin/store/operator.h"

#include "plugin/store/handle.h"

static const struct ota_field fields[] = {
	OTA_FIELD(TEXT, struct ota_operator, token_hash),
	OTA_FIELD(TEXT, struct ota_operator, name),
	OTA_FIELD(TEXT, struct ota_operator, role),
	OTA_FIELD(INTEGER, struct ota_operator, created_ms),
	OTA_FIELD(INTEGER, struct ota_operator, expires_ms),
};
static const struct ota_layout operator_layout = OTA_LAYOUT(fields, struct ota_operator);

int ota_operator_insert(struct ota_store *store, const struct ota_operator *operator, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_OPERATOR_INSERT);
	ota_row_bind(&operator_layout, operator, & query);
	return ota_query_run_one(&query, error, "that token of operator %s exists", operator->name);
}

int ota_operator_find(struct ota_store *store, const char *token_hash, struct ota_operator *ret_operator, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_OPERATOR_FIND);
	ota_query_text(&query, token_hash);
	return ota_query_find(&query, &operator_layout, ret_operator, error);
}

int ota_operator_count(struct ota_store *store, int64_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_OPERATOR_COUNT);
	return ota_query_find_integer(&query, ret_count, error);
}
