/* Packages and their artifacts. See store.h for threads, transactions and errors. */
#ifndef OTA_PLUGIN_STORE_PACKAGE_H
#define OTA_PLUGIN_STORE_PACKAGE_H

#include "plugin/rules/words.h"
#include "plugin/store/store.h"

/* A package with its full artifact, the first of several files if full.file_name says so (ota_package_files() has them all).
 * Deltas will be further artifact rows with a base version. What a package holds never changes, so that the hash of its first
 * file stands for it where one is wanted. */
struct ota_package {
	int64_t id;
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	char module[OTA_MODULE_MAX + 1];
	char version[OTA_VERSION_MAX + 1];
	bool yanked;
	enum ota_verification verification;
	char verified_sha256[OTA_SHA256_HEX + 1]; /* the artifact the verification holds for */
	char notes[OTA_NOTES_MAX + 1];
	char ext_data[OTA_EXT_DATA_SIZE]; /* compact JSON object or "" */
	int64_t created_ms;
	char created_by[OTA_LABEL_MAX + 1];
	int64_t rev;
	struct ota_artifact {
		int64_t id;
		char base_version[OTA_VERSION_MAX + 1]; /* "" = full image */
		uint64_t size;
		char sha256[OTA_SHA256_HEX + 1];
		char md5[OTA_MD5_HEX + 1];
		char url[OTA_URL_MAX + 1]; /* where it is hosted, "" = the gateway's package directory */
		char file_name[OTA_FILE_NAME_MAX + 1]; /* of a package of several files; "" = the one image */
		int64_t position;                      /* among them, from 0 */
	} full;
};

struct ota_package_files {
	size_t count; /* 1 for one image */
	struct ota_artifact items[OTA_FILES_MAX];
};

/* OTA_ECONFLICT when product, module and version exist. Inserts the artifacts too, all of those in `files`. */
int ota_package_insert(struct ota_store *store, const struct ota_package *package, const struct ota_package_files *files,
		       struct ota_error *error);
/* In their order; does not read the store for a package of one image. */
int ota_package_files(struct ota_store *store, const struct ota_package *package, struct ota_package_files *ret_files,
		      struct ota_error *error);
/* All files together. */
uint64_t ota_package_size(const struct ota_package_files *files);
int ota_package_load(struct ota_store *store, int64_t id, struct ota_package *ret_package, struct ota_error *error);
int ota_package_find(struct ota_store *store, const char *product_key, const char *module, const char *version,
		     struct ota_package *ret_package, struct ota_error *error);
/* Saves yanked, verification, verified_sha256 under rev. */
int ota_package_save(struct ota_store *store, struct ota_package *package, struct ota_error *error);
struct ota_package_filter {
	const char *product_key; /* "" = any */
	const char *module;      /* "" = any */
	int64_t before;          /* ids below this; 0 = from the newest */
};
/* Newest first. */
int ota_package_list(struct ota_store *store, const struct ota_package_filter *filter, struct ota_package *rows, size_t capacity,
		     size_t *ret_count, struct ota_error *error);

#endif
