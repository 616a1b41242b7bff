#include "plugin/store/product.h"

#include "plugin/store/handle.h"
#include "plugin/store/words.h"

/* What a save writes stands together. */
enum { PRODUCT_SAVED = 2, PRODUCT_SAVED_END = 6 };

static const struct ota_field fields[] = {
	OTA_FIELD(TEXT, struct ota_product, product_key),
	OTA_FIELD(INTEGER, struct ota_product, rev),
	OTA_FIELD(TEXT, struct ota_product, name),
	OTA_FIELD(BOOL, struct ota_product, open_registration),
	OTA_FIELD_OF(struct ota_product, sign, ota_words_product_sign),
	OTA_FIELD_OF(struct ota_product, delivery, ota_words_delivery),
	OTA_FIELD(INTEGER, struct ota_product, created_ms),
	OTA_FIELD(INTEGER, struct ota_product, devices),
};
static const struct ota_layout product_layout = OTA_LAYOUT(fields, struct ota_product);
static const struct ota_layout product_saved = {fields + PRODUCT_SAVED, PRODUCT_SAVED_END - PRODUCT_SAVED,
						sizeof(struct ota_product)};

int ota_product_insert(struct ota_store *store, const struct ota_product *product, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PRODUCT_INSERT);
	ota_row_bind(&product_layout, product, &query);
	return ota_query_run_one(&query, error, "product %s exists", product->product_key);
}

int ota_product_save(struct ota_store *store, struct ota_product *product, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_PRODUCT_SAVE);
	ota_row_bind(&product_saved, product, &query);
	ota_query_text(&query, product->product_key);
	ota_query_integer(&query, product->rev);
	status = ota_query_run_one(&query, error, "product %s was changed meanwhile", product->product_key);
	if (status == 0)
		product->rev++;
	return status;
}

int ota_product_find(struct ota_store *store, const char *product_key, struct ota_product *ret_product, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PRODUCT_FIND);
	ota_query_text(&query, product_key);
	return ota_query_find(&query, &product_layout, ret_product, error);
}

int ota_product_list(struct ota_store *store, const char *after, struct ota_product *rows, size_t capacity, size_t *ret_count,
		     struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PRODUCT_LIST);
	ota_query_text(&query, after);
	return ota_query_list(&query, &product_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_product_count(struct ota_store *store, int64_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PRODUCT_COUNT);
	return ota_query_find_integer(&query, ret_count, error);
}
