#include "plugin/store/package.h"

#include "plugin/store/handle.h"
#include "plugin/store/words.h"

/* The package's own columns, those of them that a save writes, and behind them its full image. */
enum { PACKAGE_SAVED = 9, PACKAGE_OWN = 12 };

static const struct ota_field fields[] = {
	OTA_FIELD(INTEGER, struct ota_package, id),
	OTA_FIELD(INTEGER, struct ota_package, rev),
	OTA_FIELD(TEXT, struct ota_package, product_key),
	OTA_FIELD(TEXT, struct ota_package, module),
	OTA_FIELD(TEXT, struct ota_package, version),
	OTA_FIELD(TEXT, struct ota_package, notes),
	OTA_FIELD(TEXT, struct ota_package, ext_data),
	OTA_FIELD(INTEGER, struct ota_package, created_ms),
	OTA_FIELD(TEXT, struct ota_package, created_by),
	OTA_FIELD(BOOL, struct ota_package, yanked),
	OTA_FIELD_OF(struct ota_package, verification, ota_words_verification),
	OTA_FIELD(TEXT, struct ota_package, verified_sha256),
	OTA_FIELD(INTEGER, struct ota_package, full.id),
	OTA_FIELD(TEXT, struct ota_package, full.base_version),
	OTA_FIELD(INTEGER, struct ota_package, full.size),
	OTA_FIELD(TEXT, struct ota_package, full.sha256),
	OTA_FIELD(TEXT, struct ota_package, full.md5),
	OTA_FIELD(TEXT, struct ota_package, full.url),
	OTA_FIELD(TEXT, struct ota_package, full.file_name),
	OTA_FIELD(INTEGER, struct ota_package, full.position),
};
static const struct ota_field artifact_fields[] = {
	OTA_FIELD(INTEGER, struct ota_artifact, id),      OTA_FIELD(TEXT, struct ota_artifact, base_version),
	OTA_FIELD(INTEGER, struct ota_artifact, size),    OTA_FIELD(TEXT, struct ota_artifact, sha256),
	OTA_FIELD(TEXT, struct ota_artifact, md5),        OTA_FIELD(TEXT, struct ota_artifact, url),
	OTA_FIELD(TEXT, struct ota_artifact, file_name),  OTA_FIELD(INTEGER, struct ota_artifact, position),
};
static const struct ota_layout package_layout = OTA_LAYOUT(fields, struct ota_package);
static const struct ota_layout package_own = {fields, PACKAGE_OWN, sizeof(struct ota_package)};
static const struct ota_layout package_saved = {fields + PACKAGE_SAVED, PACKAGE_OWN - PACKAGE_SAVED, sizeof(struct ota_package)};
static const struct ota_layout artifact_layout = OTA_LAYOUT(artifact_fields, struct ota_artifact);

static int artifact_insert(struct ota_store *store, int64_t package_id, const struct ota_artifact *artifact,
			   struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_ARTIFACT_INSERT);
	ota_row_bind(&artifact_layout, artifact, &query);
	ota_query_integer(&query, package_id);
	return ota_query_run_one(&query, error, "artifact %lld exists", (long long)artifact->id);
}

int ota_package_insert(struct ota_store *store, const struct ota_package *package, const struct ota_package_files *files,
		       struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_PACKAGE_INSERT);
	ota_row_bind(&package_own, package, &query);
	status = ota_query_run_one(&query, error, "version %s of module %s of product %s exists", package->version,
				   package->module, package->product_key);
	for (size_t i = 0; status == 0 && i < files->count; i++)
		status = artifact_insert(store, package->id, &files->items[i], error);
	return status;
}

int ota_package_files(struct ota_store *store, const struct ota_package *package, struct ota_package_files *ret_files,
		      struct ota_error *error)
{
	struct ota_query query;

	ret_files->count = 1;
	ret_files->items[0] = package->full;
	if (!*package->full.file_name)
		return 0;
	ota_query_start(&query, store->db, OTA_SQL_ARTIFACT_LIST);
	ota_query_integer(&query, package->id);
	return ota_query_list(&query, &artifact_layout, (struct ota_page){ret_files->items, OTA_FILES_MAX, &ret_files->count},
			      error);
}

uint64_t ota_package_size(const struct ota_package_files *files)
{
	uint64_t size = 0;

	for (size_t i = 0; i < files->count; i++)
		size += files->items[i].size;
	return size;
}

int ota_package_load(struct ota_store *store, int64_t id, struct ota_package *ret_package, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PACKAGE_LOAD);
	ota_query_integer(&query, id);
	return ota_query_find(&query, &package_layout, ret_package, error);
}

int ota_package_find(struct ota_store *store, const char *product_key, const char *module, const char *version,
		     struct ota_package *ret_package, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PACKAGE_FIND);
	ota_query_text(&query, product_key);
	ota_query_text(&query, module);
	ota_query_text(&query, version);
	return ota_query_find(&query, &package_layout, ret_package, error);
}

int ota_package_save(struct ota_store *store, struct ota_package *package, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_PACKAGE_SAVE);
	ota_row_bind(&package_saved, package, &query);
	ota_query_integer(&query, package->id);
	ota_query_integer(&query, package->rev);
	status = ota_query_run_one(&query, error, "package %lld was changed meanwhile", (long long)package->id);
	if (status == 0)
		package->rev++;
	return status;
}

int ota_package_list(struct ota_store *store, const struct ota_package_filter *filter, struct ota_package *rows, size_t capacity,
		     size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PACKAGE_LIST);
	ota_query_integer(&query, ota_store_below(filter->before));
	ota_query_text(&query, filter->product_key);
	ota_query_text(&query, filter->module);
	return ota_query_list(&query, &package_layout, (struct ota_page){rows, capacity, ret_count}, error);
}
