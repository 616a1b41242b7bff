/* Products: kinds of devices. See store.h for threads, transactions and errors. */
#ifndef OTA_PLUGIN_STORE_PRODUCT_H
#define OTA_PLUGIN_STORE_PRODUCT_H

#include "plugin/store/store.h"

enum ota_product_sign {
	OTA_PRODUCT_SIGN_AUTO, /* SHA256 to devices that announced caps, Md5 to the rest */
	OTA_PRODUCT_SIGN_MD5,
	OTA_PRODUCT_SIGN_SHA256,
};

/* How devices get their bytes unless they or an operator say otherwise. */
enum ota_delivery {
	OTA_DELIVERY_HTTP, /* by a URL */
	OTA_DELIVERY_MQTT, /* block by block (common/block.h) */
};

struct ota_product {
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	char name[OTA_LABEL_MAX + 1];
	bool open_registration; /* unknown devices are registered when they first speak */
	enum ota_product_sign sign;
	enum ota_delivery delivery;
	int64_t created_ms;
	int64_t devices; /* kept count, not counted */
	int64_t rev;
};

int ota_product_insert(struct ota_store *store, const struct ota_product *product, struct ota_error *error);
/* Saves name, registration, sign and delivery under rev; product->rev is raised. */
int ota_product_save(struct ota_store *store, struct ota_product *product, struct ota_error *error);
int ota_product_find(struct ota_store *store, const char *product_key, struct ota_product *ret_product, struct ota_error *error);
/* Ascending keys after `after` ("" = from the start). */
int ota_product_list(struct ota_store *store, const char *after, struct ota_product *rows, size_t capacity, size_t *ret_count,
		     struct ota_error *error);
int ota_product_count(struct ota_store *store, int64_t *ret_count, struct ota_error *error);

#endif
