/* Operators' tokens, hashed (common/credential.h). See store.h for threads, transactions and errors. */
#ifndef OTA_PLUGIN_STORE_OPERATOR_H
#define OTA_PLUGIN_STORE_OPERATOR_H

#include "plugin/store/store.h"

struct ota_operator {
	char token_hash[OTA_SHA256_HEX + 1];
	char name[OTA_LABEL_MAX + 1];
	char role[16]; /* viewer, operator, admin */
	int64_t created_ms;
	int64_t expires_ms; /* 0 = never */
};

int ota_operator_insert(struct ota_store *store, const struct ota_operator *operator, struct ota_error *error);
int ota_operator_find(struct ota_store *store, const char *token_hash, struct ota_operator *ret_operator,
		      struct ota_error *error);
int ota_operator_count(struct ota_store *store, int64_t *ret_count, struct ota_error *error);

#endif
