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
	char created_by[OTA_LABEL_MAX + 1]; /* "" = the server itself, at its first start */
	int64_t last_used_ms;               /* 0 = never */
};

/* OTA_ECONFLICT: the name is taken. */
int ota_operator_insert(struct ota_store *store, const struct ota_operator *operator, struct ota_error *error);
int ota_operator_find(struct ota_store *store, const char *token_hash, struct ota_operator *ret_operator,
		      struct ota_error *error);
int ota_operator_find_name(struct ota_store *store, const char *name, struct ota_operator *ret_operator, struct ota_error *error);
/* By name, behind `after` ("" = from the first). */
int ota_operator_list(struct ota_store *store, const char *after, struct ota_operator *rows, size_t capacity, size_t *ret_count,
		      struct ota_error *error);
int ota_operator_save_last_used(struct ota_store *store, const char *token_hash, int64_t at_ms, struct ota_error *error);
/* OTA_ENOTFOUND: there is none of that name. */
int ota_operator_delete(struct ota_store *store, const char *name, struct ota_error *error);
int ota_operator_count(struct ota_store *store, int64_t *ret_count, struct ota_error *error);
/* The tokens of a role that never expire. */
int ota_operator_count_lasting(struct ota_store *store, const char *role, int64_t *ret_count, struct ota_error *error);

#endif
