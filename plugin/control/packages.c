#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/text.h"
#include "common/topic.h"
#include "plugin/control/call.h"

/* The gateway stored the bytes before it asked; a package without them would fail on every device. */
static int file_check(const struct ota_call *call, const struct ota_artifact *file, struct ota_error *error)
{
	char path[4096];
	struct stat stat_buffer;

	if (!ota_file_join(path, sizeof(path), call->control->options.package_dir, file->sha256))
		return ota_fail(error, OTA_ELIMIT, "the package directory's name is too long");
	if (stat(path, &stat_buffer)) {
		if (errno == ENOENT)
			return ota_fail_at(error, OTA_ENOTFOUND, "sha256", "the package directory holds no file %s",
					   file->sha256);
		return ota_fail_errno(error, "look at %s", path);
	}
	if ((uint64_t)stat_buffer.st_size != file->size)
		return ota_fail_at(error, OTA_EINVALID, "size", "the stored file has %lld bytes", (long long)stat_buffer.st_size);
	return 0;
}

static void measures_read(struct ota_json_place at, struct ota_artifact *file)
{
	int64_t size = 0;

	ota_json_integer(at, "size", 1, (int64_t)OTA_PACKAGE_SIZE_MAX, &size, NULL);
	ota_json_text(at, "sha256", file->sha256, sizeof(file->sha256), NULL);
	ota_json_text(at, "md5", file->md5, sizeof(file->md5), NULL);
	file->size = (uint64_t)size;
}

/* Of the command: the list of files, or the one image. */
static void files_read(const struct ota_call *call, struct ota_package_files *files)
{
	const cJSON *list = NULL, *item;

	*files = (struct ota_package_files){ .count = 1 };
	ota_json_array(call->at, "files", &list, NULL);
	if (!list) {
		measures_read(call->at, &files->items[0]);
		ota_call_text(call, "url", "", files->items[0].url, sizeof(files->items[0].url));
		return;
	}
	files->count = 0;
	cJSON_ArrayForEach(item, list)
	{
		struct ota_json_place at = { .object = item, .prefix = "files" };
		struct ota_artifact *file = &files->items[files->count];

		file->position = (int64_t)files->count++;
		ota_json_text(at, "name", file->file_name, sizeof(file->file_name), NULL);
		measures_read(at, file);
	}
}

static int package_insert(struct ota_call *call, struct ota_package *package, struct ota_package_files *files,
			  struct ota_error *error)
{
	int failed = 0;

	package->id = ota_store_new_id(call->store, error);
	for (size_t i = 0; !failed && package->id && i < files->count; i++) {
		struct ota_artifact *file = &files->items[i];

		file->id = ota_store_new_id(call->store, error);
		if (!file->id)
			return OTA_EIO;
		/* What is hosted elsewhere was fetched and measured by whoever adds it. */
		failed = *file->url ? 0 : file_check(call, file, error);
	}
	if (!package->id || failed)
		return failed ? failed : OTA_EIO;
	failed = ota_package_insert(call->store, package, files, error);
	return failed ? failed
		      : ota_call_note(call, (struct ota_call_subject){package->product_key}, "package_added", package->version,
				      error);
}

int ota_handle_add_file(struct ota_call *call, struct ota_error *error)
{
	struct ota_artifact file = { 0 };
	struct ota_product product;
	int failed = ota_call_product(call, &product, error);

	measures_read(call->at, &file);
	if (!failed && !call->undo)
		failed = file_check(call, &file, error);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){product.product_key}, "file_added", file.sha256, error);
	if (failed)
		return failed;
	ota_answer_open(call->out, NULL, '{');
	ota_answer_measures(call->out, &file);
	ota_answer_close(call->out, '}');
	return 0;
}

int ota_handle_add_package(struct ota_call *call, struct ota_error *error)
{
	struct ota_package package = { .created_ms = call->now.wall_ms, .rev = 1 }, other;
	struct ota_package_files files;
	struct ota_product product;
	const cJSON *ext_data = NULL;
	int failed = ota_call_product(call, &product, error);

	ota_json_object(call->at, "extData", &ext_data, NULL);
	ota_call_text(call, "productKey", "", package.product_key, sizeof(package.product_key));
	ota_call_text(call, "module", OTA_MODULE_DEFAULT, package.module, sizeof(package.module));
	ota_call_text(call, "version", "", package.version, sizeof(package.version));
	ota_call_text(call, "notes", "", package.notes, sizeof(package.notes));
	ota_text_cut(package.created_by, sizeof(package.created_by), call->operator.name);
	files_read(call, &files);
	package.full = files.items[0];
	if (!failed)
		failed = ota_call_keep_tags(ext_data, package.ext_data);
	if (failed)
		return failed;
	failed = ota_package_find(call->store, package.product_key, package.module, package.version, &other, error);
	if (!failed)
		return ota_fail_at(error, OTA_ECONFLICT, "version", "product %s has a package %s of module %s already",
				   package.product_key, package.version, package.module);
	if (failed == OTA_ENOTFOUND)
		failed = call->undo ? 0 : package_insert(call, &package, &files, error);
	if (!failed)
		ota_answer_package(call->out, NULL, &package, &files);
	return failed;
}

int ota_handle_get_package(struct ota_call *call, struct ota_error *error)
{
	struct ota_package package;
	int failed = ota_call_package(call, &package, error);

	return failed ? failed : ota_call_answer_package(call, &package, error);
}

static int link_answer(const struct ota_call *call, const struct ota_artifact *file, struct ota_error *error)
{
	struct ota_link_to link;
	int failed = ota_engine_link(call->control->options.engine, file, NULL, call->now, &link, error);

	if (failed)
		return failed;
	ota_answer_text_if(call->out, "name", file->file_name);
	ota_answer_text(call->out, "url", link.url);
	ota_answer_integer_if(call->out, "expiresAt", link.expires_ms);
	ota_answer_measures(call->out, file);
	return 0;
}

int ota_handle_link_package(struct ota_call *call, struct ota_error *error)
{
	struct ota_package package;
	struct ota_package_files files;
	int failed = ota_call_package(call, &package, error);

	if (!failed)
		failed = ota_package_files(call->store, &package, &files, error);
	if (failed)
		return failed;
	ota_answer_open(call->out, NULL, '{');
	if (!*package.full.file_name)
		failed = link_answer(call, &package.full, error);
	else
		ota_answer_open(call->out, "files", '[');
	for (size_t i = 0; !failed && *package.full.file_name && i < files.count; i++) {
		ota_answer_open(call->out, NULL, '{');
		failed = link_answer(call, &files.items[i], error);
		ota_answer_close(call->out, '}');
	}
	if (*package.full.file_name)
		ota_answer_close(call->out, ']');
	ota_answer_close(call->out, '}');
	return failed;
}

int ota_handle_list_packages(struct ota_call *call, struct ota_error *error)
{
	char product_key[OTA_PRODUCT_KEY_MAX + 1], module[OTA_MODULE_MAX + 1];
	size_t limit = ota_call_limit(call), count = 0, i = 0;
	OTA_AUTO_FREE struct ota_package *rows = calloc(limit, sizeof(*rows));
	int64_t before;
	int failed = rows ? ota_call_after_id(call, &before, error) : OTA_ENOMEM;

	ota_call_text(call, "productKey", "", product_key, sizeof(product_key));
	ota_call_text(call, "module", "", module, sizeof(module));
	if (!failed)
		failed = ota_package_list(call->store, &(struct ota_package_filter){product_key, module, before}, rows, limit,
					  &count, error);
	if (failed)
		return failed;
	ota_page_open(call);
	for (; !failed && i < count && ota_page_has_room(call); i++)
		failed = ota_call_answer_package(call, &rows[i], error);
	ota_page_close_id(call, i && (i < count || count == limit) ? rows[i - 1].id : 0);
	return failed;
}
