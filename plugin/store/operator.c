#include "plugin/store/operator.h"

#include "plugin/store/handle.h"

static const struct ota_field fields[] = {
	OTA_FIELD(TEXT, struct ota_operator, token_hash),
	OTA_FIELD(TEXT, struct ota_operator, name),
	OTA_FIELD(TEXT, struct ota_operator, role),
	OTA_FIELD(INTEGER, struct ota_operator, created_ms),
	OTA_FIELD(INTEGER, struct ota_operator, expires_ms),
	OTA_FIELD(TEXT, struct ota_operator, created_by),
	OTA_FIELD(INTEGER, struct ota_operator, last_used_ms),
};
static const struct ota_layout operator_layout = OTA_LAYOUT(fields, struct ota_operator);

int ota_operator_insert(struct ota_store *store, const struct ota_operator *operator, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_OPERATOR_INSERT);
	ota_row_bind(&operator_layout, operator, & query);
	return ota_query_run_one(&query, error, "there is a token named %s", operator->name);
}

int ota_operator_find(struct ota_store *store, const char *token_hash, struct ota_operator *ret_operator, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_OPERATOR_FIND);
	ota_query_text(&query, token_hash);
	return ota_query_find(&query, &operator_layout, ret_operator, error);
}

int ota_operator_find_name(struct ota_store *store, const char *name, struct ota_operator *ret_operator, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_OPERATOR_FIND_NAME);
	ota_query_text(&query, name);
	return ota_query_find(&query, &operator_layout, ret_operator, error);
}

int ota_operator_list(struct ota_store *store, const char *after, struct ota_operator *rows, size_t capacity, size_t *ret_count,
		      struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_OPERATOR_LIST);
	ota_query_text(&query, after);
	return ota_query_list(&query, &operator_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_operator_save_last_used(struct ota_store *store, const char *token_hash, int64_t at_ms, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_OPERATOR_SAVE_LAST_USED);
	ota_query_integer(&query, at_ms);
	ota_query_text(&query, token_hash);
	return ota_query_run_one(&query, error, "the token in use was revoked meanwhile");
}

int ota_operator_delete(struct ota_store *store, const char *name, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_OPERATOR_DELETE);
	ota_query_text(&query, name);
	int changed = ota_query_run(&query, error);
	return changed < 0 ? changed : changed == 0 ? OTA_ENOTFOUND : 0;
}

int ota_operator_count(struct ota_store *store, int64_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_OPERATOR_COUNT);
	return ota_query_find_integer(&query, ret_count, error);
}

int ota_operator_count_lasting(struct ota_store *store, const char *role, int64_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_OPERATOR_COUNT_LASTING);
	ota_query_text(&query, role);
	return ota_query_find_integer(&query, ret_count, error);
}
