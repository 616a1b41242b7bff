/*
 * Writing messages. A push is checked word by word before its first byte leaves: Link SDKs scan it as flat text, so that a value
 * with an escape, a brace or a protocol key would be taken for something else (aliyun-ota.md section 0, security-reliability.md
 * 0.4).
 */
#include <string.h>

#include "common/json.h"
#include "common/message.h"
#include "common/tags.h"
#include "common/text.h"
#include "common/topic.h"

static bool text_is_flat(const char *text)
{
	return ota_json_is_plain(text) && !strpbrk(text, "{}[]") && !strchr(text, 0x7f);
}

static int print_fail(struct ota_error *error, const char *path, const char *rule)
{
	return ota_fail_at(error, OTA_EINVALID, path, "%s: %s", path, rule);
}

static bool push_names_module(const struct ota_push *push)
{
	return push->module && strcmp(push->module, OTA_MODULE_DEFAULT) != 0;
}

static bool push_names_stream(const struct ota_push *push)
{
	return push->stream_id != 0 || push->stream_file_id != 0;
}

static int push_stream_check(const struct ota_push *push, struct ota_error *error)
{
	if (push->stream_id < 1 || push->stream_id > OTA_STREAM_ID_MAX)
		return print_fail(error, "data.streamId", "must be from 1 to 4294967295");
	if (push->stream_file_id < 1 || push->stream_file_id > OTA_STREAM_ID_MAX)
		return print_fail(error, "data.streamFileId", "must be from 1 to 4294967295");
	return 0;
}

static int url_check(const char *url, const char *path, struct ota_error *error)
{
	if (url[0] == '\0' || strlen(url) > OTA_URL_MAX)
		return print_fail(error, path, "must have 1 to 255 bytes");
	if (!text_is_flat(url))
		return print_fail(error, path,
				  "cannot stand in a push: \" \\ { } [ ] and control bytes must be percent-encoded");
	return 0;
}

static int size_check(uint64_t size, const char *path, struct ota_error *error)
{
	return size < 1 || size > OTA_PACKAGE_SIZE_MAX ? print_fail(error, path, "must be from 1 to 4294967295") : 0;
}

/* In the order in which they stand in the message, so that the first sentence names the first fault. */
static int push_words_check(const struct ota_push *push, struct ota_error *error)
{
	int code = push->file_count > 0 ? 0 : size_check(push->size, "data.size", error);
	if (code < 0)
		return code;
	if (push_names_module(push) && !ota_text_is_module(ota_span_from_text(push->module)))
		return print_fail(error, "data.module", "cannot stand in a push");
	if (!ota_text_is_version(ota_span_from_text(push->version)))
		return print_fail(error, "data.version", "cannot stand in a push");
	if (push->file_count > 0)
		return 0;
	return push_names_stream(push) ? push_stream_check(push, error) : url_check(push->url, "data.url", error);
}

/* What is signed: the one image, or one of several files. */
struct signed_file {
	const char *md5, *sha256;
	const char *md5_path, *sign_path;
};

static int digests_check(const struct signed_file *file, enum ota_sign_method method, struct ota_error *error)
{
	if (!ota_text_is_lower_hex(ota_span_from_text(file->md5), OTA_MD5_HEX))
		return print_fail(error, file->md5_path, "must be 32 lower-case hex digits");
	if (method == OTA_SIGN_SHA256 && !ota_text_is_lower_hex(ota_span_from_text(file->sha256), OTA_SHA256_HEX))
		return print_fail(error, file->sign_path, "must be 64 lower-case hex digits");
	return 0;
}

static int file_check(const struct ota_push_file *file, enum ota_sign_method method, struct ota_error *error)
{
	const struct signed_file is_signed = {file->md5, file->sha256, "data.files.fileMd5", "data.files.fileSign"};
	if (!ota_text_is_file_name(ota_span_from_text(file->name)))
		return print_fail(error, "data.files.fileName", "cannot stand in a push");
	int code = size_check(file->size, "data.files.fileSize", error);
	if (code == 0)
		code = url_check(file->url, "data.files.fileUrl", error);
	return code < 0 ? code : digests_check(&is_signed, method, error);
}

static int push_contents_check(const struct ota_push *push, struct ota_error *error)
{
	const struct signed_file image = {push->md5, push->sha256, "data.md5", "data.sign"};
	if (push->file_count == 0)
		return digests_check(&image, push->sign_method, error);
	if (push->file_count < OTA_FILES_MIN || push->file_count > OTA_FILES_MAX)
		return print_fail(error, "data.files", "must be 2 to 20 files");
	for (size_t i = 0; i < push->file_count; i++) {
		int code = file_check(&push->files[i], push->sign_method, error);
		if (code < 0)
			return code;
	}
	return 0;
}

/* Commas by what stands before: the writers below need not know which of their fields came first. */
static void field_begin(struct ota_bytes *out, const char *key)
{
	char last = out->size > 0 ? out->data[out->size - 1] : '{';
	if (last != '{')
		ota_bytes_u8(out, ',');
	ota_json_quote(out, key);
	ota_bytes_u8(out, ':');
}

static void field_text(struct ota_bytes *out, const char *key, const char *value)
{
	field_begin(out, key);
	ota_json_quote(out, value);
}

static void field_integer(struct ota_bytes *out, const char *key, int64_t value)
{
	field_begin(out, key);
	ota_bytes_format(out, "%lld", (long long)value);
}

static void ext_data_print(const struct ota_push *push, const cJSON *tags, struct ota_bytes *out)
{
	const cJSON *tag;
	/* No empty object: nobody has tested one with the old SDKs. */
	if (push->batch <= 0 && (!tags || !tags->child))
		return;
	field_begin(out, "extData");
	ota_bytes_u8(out, '{');
	cJSON_ArrayForEach(tag, tags) {
		field_text(out, tag->string, tag->valuestring);
	}
	if (push->batch > 0) {
		field_begin(out, "_ota");
		ota_bytes_format(out, "\"%lld:%lld\"", (long long)push->batch, (long long)push->attempt);
	}
	ota_bytes_u8(out, '}');
}

static const char *method_word(const struct ota_push *push)
{
	return push->sign_method == OTA_SIGN_MD5 ? "Md5" : "SHA256";
}

/* The very last key of data: from here to its end C 4.x counts braces as files (aliyun-ota.md section 2). */
static void files_print(const struct ota_push *push, struct ota_bytes *out)
{
	field_begin(out, "files");
	ota_bytes_u8(out, '[');
	for (size_t i = 0; i < push->file_count; i++) {
		const struct ota_push_file *file = &push->files[i];
		ota_bytes_text(out, i > 0 ? ",{" : "{");
		field_integer(out, "fileSize", (int64_t)file->size);
		field_text(out, "fileName", file->name);
		field_text(out, "fileUrl", file->url);
		field_text(out, "fileMd5", file->md5);
		field_text(out, "fileSign", push->sign_method == OTA_SIGN_MD5 ? file->md5 : file->sha256);
		ota_bytes_u8(out, '}');
	}
	ota_bytes_u8(out, ']');
}

static void push_files_print(const struct ota_push *push, const cJSON *tags, struct ota_bytes *out)
{
	if (push_names_module(push))
		field_text(out, "module", push->module);
	field_text(out, "version", push->version);
	field_text(out, "signMethod", method_word(push));
	if (push->is_diff)
		field_integer(out, "isDiff", 1);
	ext_data_print(push, tags, out);
	files_print(push, out);
}

/* The live platform's two key orders, of a URL and of a stream, which some devices' one sscanf template expects; extData behind
 * all scalars. */
static void push_image_print(const struct ota_push *push, const cJSON *tags, struct ota_bytes *out)
{
	bool is_md5 = push->sign_method == OTA_SIGN_MD5, streamed = push_names_stream(push);
	field_integer(out, "size", (int64_t)push->size);
	if (streamed)
		field_integer(out, "streamId", push->stream_id);
	if (push_names_module(push))
		field_text(out, "module", push->module);
	field_text(out, "sign", is_md5 ? push->md5 : push->sha256);
	if (streamed)
		field_text(out, "dProtocol", "mqtt");
	field_text(out, "version", push->version);
	if (!streamed)
		field_text(out, "url", push->url);
	field_text(out, "signMethod", method_word(push));
	if (streamed)
		field_integer(out, "streamFileId", push->stream_file_id);
	field_text(out, "md5", push->md5);
	if (push->is_diff)
		field_integer(out, "isDiff", 1);
	ext_data_print(push, tags, out);
}

/* Checks everything, then prints `data`. Nothing is appended on failure of a check. */
static int push_data(const struct ota_push *push, const char *head, struct ota_bytes *out, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *tags = NULL;
	int code = push_words_check(push, error);
	if (code == 0)
		code = push_contents_check(push, error);
	if (code == 0)
		code = ota_tags_merge(push->ext_data, push->tags, "data.extData", &tags, error);
	if (code < 0)
		return code;
	ota_bytes_text(out, head);
	ota_bytes_u8(out, '{');
	if (push->file_count > 0)
		push_files_print(push, tags, out);
	else
		push_image_print(push, tags, out);
	ota_bytes_u8(out, '}');
	return 0;
}

static int print_end(const struct ota_bytes *out, struct ota_error *error)
{
	return out->failed ? ota_fail(error, OTA_ENOMEM, "out of memory for a message") : 0;
}

int ota_push_print(const struct ota_push *push, struct ota_bytes *out, struct ota_error *error)
{
	int code = push_data(push, "{\"code\":\"1000\",\"data\":", out, error);
	if (code < 0)
		return code;
	ota_bytes_format(out, ",\"id\":%lld,\"message\":\"success\"}", (long long)push->id);
	return print_end(out, error);
}

int ota_pull_reply_print(const char *raw_id, const struct ota_push *push, struct ota_bytes *out, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes head = {0};
	ota_bytes_format(&head, "{\"id\":%s,\"code\":200,\"data\":", raw_id);
	if (head.failed)
		return print_end(&head, error);
	int code = 0;
	if (push)
		code = push_data(push, head.data, out, error);
	else
		ota_bytes_format(out, "%s{}", head.data);
	if (code < 0)
		return code;
	ota_bytes_u8(out, '}');
	return print_end(out, error);
}

static void attempt_print(int64_t batch, int64_t attempt, struct ota_bytes *out)
{
	if (batch <= 0)
		return;
	field_integer(out, "batch", batch);
	field_integer(out, "attempt", attempt);
}

/* A decimal string, as the manual asks for. */
static void report_begin(int64_t id, struct ota_bytes *out)
{
	ota_bytes_format(out, "{\"id\":\"%lld\",\"params\":{", (long long)id);
}

static int report_end(struct ota_bytes *out, struct ota_error *error)
{
	ota_bytes_text(out, "}}");
	return print_end(out, error);
}

int ota_inform_print(const struct ota_inform *inform, int64_t id, struct ota_bytes *out, struct ota_error *error)
{
	report_begin(id, out);
	field_text(out, "version", inform->version);
	if (inform->module[0] != '\0' && strcmp(inform->module, OTA_MODULE_DEFAULT) != 0)
		field_text(out, "module", inform->module);
	if (inform->agent[0] != '\0')
		field_text(out, "agent", inform->agent);
	if (inform->caps & OTA_CAP_ANNOUNCED) {
		field_begin(out, "caps");
		ota_bytes_text(out, inform->caps & OTA_CAP_CANCEL ? "[\"cancel\"" : "[");
		if (inform->caps & OTA_CAP_MQTT)
			ota_bytes_text(out, inform->caps & OTA_CAP_CANCEL ? ",\"mqtt\"" : "\"mqtt\"");
		ota_bytes_u8(out, ']');
	}
	attempt_print(inform->batch, inform->attempt, out);
	if (inform->boot_id[0] != '\0')
		field_text(out, "bootId", inform->boot_id);
	return report_end(out, error);
}

int ota_progress_print(const struct ota_progress *progress, int64_t id, struct ota_bytes *out, struct ota_error *error)
{
	report_begin(id, out);
	field_begin(out, "step");
	ota_bytes_format(out, "\"%d\"", progress->step);
	field_text(out, "desc", progress->desc);
	if (progress->module[0] != '\0' && strcmp(progress->module, OTA_MODULE_DEFAULT) != 0)
		field_text(out, "module", progress->module);
	attempt_print(progress->batch, progress->attempt, out);
	if (progress->cancel != OTA_CANCEL_NONE)
		field_text(out, "cancel", progress->cancel == OTA_CANCEL_ACCEPTED ? "accepted" : "refused");
	return report_end(out, error);
}

int ota_cancel_print(int64_t id, int64_t batch, int64_t attempt, struct ota_bytes *out)
{
	ota_bytes_format(out, "{\"id\":%lld,\"params\":{\"batch\":%lld,\"attempt\":%lld}}", (long long)id, (long long)batch,
			 (long long)attempt);
	return out->failed ? OTA_ENOMEM : 0;
}
