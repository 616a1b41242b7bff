#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/text.h"
#include "common/topic.h"
#include "plugin/control/call.h"

static int ext_data_keep(const struct ota_call *call, struct ota_package *package)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	const cJSON *object = NULL;

	ota_json_object(call->at, "extData", &object, NULL);
	if (!object || !object->child)
		return 0;
	int failed = ota_json_write(object, &text);
	if (!failed && !ota_text_copy(package->ext_data, sizeof(package->ext_data), (struct ota_span){ text.data, text.size }))
		failed = OTA_ELIMIT;
	return failed;
}

/* The gateway stored the bytes before it asked; a package without them would fail on every device. */
static int file_check(const struct ota_call *call, const struct ota_package *package, struct ota_error *error)
{
	char path[4096];
	struct stat stat_buffer;

	if (!ota_file_join(path, sizeof(path), call->control->options.package_dir, package->full.sha256))
		return ota_fail(error, OTA_ELIMIT, "the package directory's name is too long");
	if (stat(path, &stat_buffer)) {
		if (errno == ENOENT)
			return ota_fail_at(error, OTA_ENOTFOUND, "sha256", "the package directory holds no file %s",
					   package->full.sha256);
		return ota_fail_errno(error, "look at %s", path);
	}
	if ((uint64_t)stat_buffer.st_size != package->full.size)
		return ota_fail_at(error, OTA_EINVALID, "size", "the stored file has %lld bytes", (long long)stat_buffer.st_size);
	return 0;
}

static int package_insert(struct ota_call *call, struct ota_package *package, struct ota_error *error)
{
	/* What is hosted elsewhere was fetched and measured by whoever adds it. */
	int failed = *package->full.url ? 0 : file_check(call, package, error);

	if (failed)
		return failed;
	package->id = ota_store_new_id(call->store, error);
	package->full.id = ota_store_new_id(call->store, error);
	if (!package->id || !package->full.id)
		return OTA_EIO;
	failed = ota_package_insert(call->store, package, error);
	return failed ? failed
		      : ota_call_note(call, (struct ota_call_subject){package->product_key}, "package_added", package->version,
				      error);
}

int ota_handle_add_package(struct ota_call *call, struct ota_error *error)
{
	struct ota_package package = { .created_ms = call->now.wall_ms, .rev = 1 }, other;
	struct ota_product product;
	int failed = ota_call_product(call, &product, error);

	ota_call_text(call, "productKey", "", package.product_key, sizeof(package.product_key));
	ota_call_text(call, "module", OTA_MODULE_DEFAULT, package.module, sizeof(package.module));
	ota_call_text(call, "version", "", package.version, sizeof(package.version));
	ota_call_text(call, "sha256", "", package.full.sha256, sizeof(package.full.sha256));
	ota_call_text(call, "md5", "", package.full.md5, sizeof(package.full.md5));
	ota_call_text(call, "url", "", package.full.url, sizeof(package.full.url));
	ota_call_text(call, "notes", "", package.notes, sizeof(package.notes));
	ota_text_cut(package.created_by, sizeof(package.created_by), call->operator.name);
	package.full.size = (uint64_t)ota_call_integer(call, "size", 0);
	call->undo = ota_call_bool(call, "dryRun");
	if (!failed)
		failed = ext_data_keep(call, &package);
	if (failed)
		return failed;
	failed = ota_package_find(call->store, package.product_key, package.module, package.version, &other, error);
	if (!failed)
		return ota_fail_at(error, OTA_ECONFLICT, "version", "product %s has a package %s of module %s already",
				   package.product_key, package.version, package.module);
	if (failed == OTA_ENOTFOUND)
		failed = call->undo ? 0 : package_insert(call, &package, error);
	if (!failed)
		ota_answer_package(call->out, NULL, &package);
	return failed;
}

int ota_handle_get_package(struct ota_call *call, struct ota_error *error)
{
	struct ota_package package;
	int failed = ota_call_package(call, &package, error);

	if (!failed)
		ota_answer_package(call->out, NULL, &package);
	return failed;
}

int ota_handle_link_package(struct ota_call *call, struct ota_error *error)
{
	struct ota_package package;
	struct ota_link_to link;
	int failed = ota_call_package(call, &package, error);

	if (!failed)
		failed = ota_engine_link(call->control->options.engine, &package, NULL, call->now, &link, error);
	if (failed)
		return failed;
	ota_answer_open(call->out, NULL, '{');
	ota_answer_text(call->out, "url", link.url);
	ota_answer_integer_if(call->out, "expiresAt", link.expires_ms);
	ota_answer_integer(call->out, "size", (int64_t)package.full.size);
	ota_answer_text(call->out, "sha256", package.full.sha256);
	ota_answer_text(call->out, "md5", package.full.md5);
	ota_answer_close(call->out, '}');
	return 0;
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
	for (; i < count && ota_page_has_room(call); i++)
		ota_answer_package(call->out, NULL, &rows[i]);
	ota_page_close_id(call, i && (i < count || count == limit) ? rows[i - 1].id : 0);
	return 0;
}
