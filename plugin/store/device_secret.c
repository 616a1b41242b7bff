#include "plugin/store/device_secret.h"

#include "plugin/store/handle.h"

static const struct ota_field secret_fields[] = {
	OTA_FIELD(INTEGER, struct ota_device_secret, device_id),
	OTA_FIELD(TEXT, struct ota_device_secret, sealed),
	OTA_FIELD(INTEGER, struct ota_device_secret, at_ms),
};
static const struct ota_layout secret_layout = OTA_LAYOUT(secret_fields, struct ota_device_secret);

int ota_device_secret_save(struct ota_store *store, const struct ota_device_secret *secret, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_SECRET_SAVE);
	ota_row_bind(&secret_layout, secret, &query);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

int ota_device_secret_find(struct ota_store *store, int64_t device_id, struct ota_device_secret *ret_secret,
			   struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_SECRET_FIND);
	ota_query_integer(&query, device_id);
	return ota_query_find(&query, &secret_layout, ret_secret, error);
}

int ota_device_secret_any(struct ota_store *store, bool *ret_any, struct ota_error *error)
{
	struct ota_query query;
	int64_t id = 0;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_SECRET_ANY);
	status = ota_query_find_integer(&query, &id, error);
	*ret_any = status == 0;
	return status == OTA_ENOTFOUND ? 0 : status;
}

int ota_device_secret_read(struct ota_reader *reader, const struct ota_identity *identity, struct ota_device_secret *ret_secret,
			   struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, reader->db, OTA_SQL_SECRET_FIND_OF_NAME);
	ota_query_text(&query, identity->product_key);
	ota_query_text(&query, identity->device_name);
	return ota_query_find(&query, &secret_layout, ret_secret, error);
}
