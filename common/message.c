/* Reading messages. Writing them is message_print.c. */
#include "common/message.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/text.h"
#include "common/topic.h"

static struct ota_json_place params_of(const cJSON *tree)
{
	const cJSON *params = ota_json_member(tree, "params");
	return (struct ota_json_place){.object = cJSON_IsObject(params) ? params : NULL, .prefix = "params"};
}

/* One report: an object with an object `params`. */
static int report_read(struct ota_span payload, cJSON **ret_tree, unsigned *ret_mended, struct ota_error *error)
{
	int code = ota_json_read(payload, OTA_JSON_DEVICE, OTA_DEVICE_PAYLOAD_MAX, ret_tree, ret_mended, error);
	if (code < 0)
		return code;
	if (!params_of(*ret_tree).object)
		return ota_fail_at(error, OTA_EINVALID, "params", "params: must be an object");
	return 0;
}

static int field_fail(struct ota_json_place at, const char *key, struct ota_error *error, const char *rule)
{
	char path[OTA_ERROR_PATH_MAX];
	snprintf(path, sizeof(path), "%s%s%s", at.prefix, *at.prefix ? "." : "", key);
	return ota_fail_at(error, OTA_EINVALID, path, "%s: %s", path, rule);
}

typedef bool word_rule(struct ota_span text);

/* A version or module. Empty is absent: some clients always write the key. 1 found, 0 absent, or an error. */
static int word_read(struct ota_json_place at, const char *key, char *target, size_t size, struct ota_error *error)
{
	word_rule *rule = strcmp(key, "version") == 0 ? ota_text_is_version : ota_text_is_module;
	int found = ota_json_text(at, key, target, size, error);
	if (found <= 0 || target[0] == '\0')
		return found < 0 ? found : 0;
	if (rule(ota_span_from_text(target)))
		return 1;
	return field_fail(at, key, error,
			  "must be printable ASCII without \" \\ { } [ ], without outer spaces, and no protocol key");
}

/*
 * The words of our own dialect (agent, caps, batch, attempt, bootId). Strangers may use the same words for their own ends - a
 * production batch, say - so a value of another form is theirs, not ours, and no reason to lose their report.
 */
static void dialect_text(struct ota_json_place at, const char *key, char *target, size_t size)
{
	if (ota_json_text(at, key, target, size, NULL) < 0 || !ota_json_is_plain(target))
		target[0] = '\0';
}

static void dialect_attempt(struct ota_json_place at, int64_t *ret_batch, int64_t *ret_attempt)
{
	int64_t batch, attempt;
	if (ota_json_integer(at, "batch", 1, OTA_INTEGER_MAX, &batch, NULL) == 1 &&
	    ota_json_integer(at, "attempt", 1, OTA_INTEGER_MAX, &attempt, NULL) == 1) {
		*ret_batch = batch;
		*ret_attempt = attempt;
	}
}

static unsigned caps_read(struct ota_json_place at)
{
	const cJSON *caps = ota_json_member(at.object, "caps"), *word;
	unsigned bits = OTA_CAP_ANNOUNCED;
	if (!cJSON_IsArray(caps))
		return 0;
	cJSON_ArrayForEach(word, caps) {
		if (cJSON_IsString(word) && strcmp(word->valuestring, "cancel") == 0)
			bits |= OTA_CAP_CANCEL;
		if (cJSON_IsString(word) && strcmp(word->valuestring, "mqtt") == 0)
			bits |= OTA_CAP_MQTT;
	}
	return bits;
}

static int inform_read(struct ota_json_place at, struct ota_inform *inform, struct ota_error *error)
{
	int found = word_read(at, "version", inform->version, sizeof(inform->version), error);
	if (found < 0)
		return found;
	if (found == 0)
		return ota_fail_at(error, OTA_EINVALID, "params.version",
				   "params.version: is missing or empty; 1 to %d characters are needed", OTA_VERSION_MAX);
	found = word_read(at, "module", inform->module, sizeof(inform->module), error);
	if (found < 0)
		return found;
	if (found == 0)
		ota_text_cut(inform->module, sizeof(inform->module), OTA_MODULE_DEFAULT);
	inform->caps = caps_read(at);
	if (inform->caps & OTA_CAP_ANNOUNCED) {
		dialect_text(at, "agent", inform->agent, sizeof(inform->agent));
		dialect_text(at, "bootId", inform->boot_id, sizeof(inform->boot_id));
		dialect_attempt(at, &inform->batch, &inform->attempt);
	}
	return 0;
}

int ota_inform_parse(struct ota_span payload, struct ota_inform *ret_inform, struct ota_error *error)
{
	struct ota_inform inform = {0};
	OTA_AUTO_JSON cJSON *tree = NULL;
	int code = report_read(payload, &tree, &inform.mended, error);
	if (code == 0)
		code = inform_read(params_of(tree), &inform, error);
	if (code == 0)
		*ret_inform = inform;
	return code;
}

enum { STEP_LEAST = -4, STEP_MOST = 100 };

/* A string in both C SDKs, a number in document 004. */
static int step_read(struct ota_json_place at, int *ret_step, struct ota_error *error)
{
	const cJSON *member = ota_json_member(at.object, "step");
	int64_t step = 0;
	bool fine;
	if (cJSON_IsString(member))
		fine = ota_text_parse_i64(ota_span_from_text(member->valuestring), &step) && step >= STEP_LEAST &&
		       step <= STEP_MOST;
	else
		fine = ota_json_integer(at, "step", STEP_LEAST, STEP_MOST, &step, NULL) == 1;
	if (!fine)
		return ota_fail_at(error, OTA_EINVALID, "params.step",
				   "params.step: must be an integer from -4 to 100, as a string or a number");
	*ret_step = (int)step;
	return 0;
}

/* It is free text of a device on its way to terminals and web pages. */
static int desc_read(struct ota_json_place at, char target[OTA_DESC_MAX + 1], struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes clean = {0};
	const cJSON *member = ota_json_member(at.object, "desc");
	if (!cJSON_IsString(member))
		return 0;
	ota_text_clean(&clean, ota_span_from_text(member->valuestring));
	if (clean.failed)
		return ota_fail(error, OTA_ENOMEM, "out of memory for a progress report");
	ota_text_cut(target, OTA_DESC_MAX + 1, clean.data ? clean.data : "");
	return 0;
}

static enum ota_cancel_answer cancel_answer_read(struct ota_json_place at)
{
	char answer[16] = "";
	dialect_text(at, "cancel", answer, sizeof(answer));
	if (strcmp(answer, "accepted") == 0)
		return OTA_CANCEL_ACCEPTED;
	return strcmp(answer, "refused") == 0 ? OTA_CANCEL_REFUSED : OTA_CANCEL_NONE;
}

static int progress_read(struct ota_json_place at, struct ota_progress *progress, struct ota_error *error)
{
	int code = step_read(at, &progress->step, error);
	if (code == 0)
		code = desc_read(at, progress->desc, error);
	if (code == 0)
		code = word_read(at, "module", progress->module, sizeof(progress->module), error);
	if (code < 0)
		return code;
	dialect_attempt(at, &progress->batch, &progress->attempt);
	progress->cancel = cancel_answer_read(at);
	return 0;
}

int ota_progress_parse(struct ota_span payload, struct ota_progress *ret_progress, struct ota_error *error)
{
	struct ota_progress progress = {0};
	OTA_AUTO_JSON cJSON *tree = NULL;
	int code = report_read(payload, &tree, &progress.mended, error);
	if (code == 0)
		code = progress_read(params_of(tree), &progress, error);
	if (code == 0)
		*ret_progress = progress;
	return code;
}

static int pull_read(const cJSON *tree, struct ota_pull *pull, struct ota_error *error)
{
	struct ota_json_place at = params_of(tree), top = {.object = tree, .prefix = ""};
	ota_json_raw_id(tree, pull->id, sizeof(pull->id));
	int found = word_read(at, "version", pull->version, sizeof(pull->version), error);
	if (found >= 0)
		found = word_read(at, "module", pull->module, sizeof(pull->module), error);
	if (found == 0) /* one field client puts it at the top (aliyun-ota.md section 2) */
		found = word_read(top, "module", pull->module, sizeof(pull->module), error);
	if (found == 0)
		ota_text_cut(pull->module, sizeof(pull->module), OTA_MODULE_DEFAULT);
	return found < 0 ? found : 0;
}

int ota_pull_parse(struct ota_span payload, struct ota_pull *ret_pull, struct ota_error *error)
{
	struct ota_pull pull = {0};
	OTA_AUTO_JSON cJSON *tree = NULL;
	int code = ota_json_read(payload, OTA_JSON_DEVICE, OTA_DEVICE_PAYLOAD_MAX, &tree, &pull.mended, error);
	if (code == 0 && !cJSON_IsObject(tree))
		code = ota_fail(error, OTA_EINVALID, "a pull must be an object");
	if (code == 0)
		code = pull_read(tree, &pull, error);
	if (code == 0)
		*ret_pull = pull;
	return code;
}

/* "1000" in a push, 200 in the answer to a pull; absent is tolerated. */
static int offer_code_check(const cJSON *tree, struct ota_error *error)
{
	const cJSON *code = ota_json_member(tree, "code");
	if (!code)
		return 0;
	if (cJSON_IsString(code) && (strcmp(code->valuestring, "1000") == 0 || strcmp(code->valuestring, "200") == 0))
		return 0;
	if (cJSON_IsNumber(code) && (code->valuedouble == 200 || code->valuedouble == 1000))
		return 0;
	if (cJSON_IsString(code))
		return ota_fail_at(error, OTA_EINVALID, "code", "code: the server answered \"%.32s\"", code->valuestring);
	if (cJSON_IsNumber(code))
		return ota_fail_at(error, OTA_EINVALID, "code", "code: the server answered %.0f", code->valuedouble);
	return ota_fail_at(error, OTA_EINVALID, "code", "code: must be \"1000\" or 200");
}

static int required(int found, const char *path, struct ota_error *error)
{
	return found == 0 ? ota_fail_at(error, OTA_EINVALID, path, "%s: is missing", path) : found;
}

/* Both spellings devices accept; older manuals print MD5. */
static int sign_method_read(struct ota_json_place at, enum ota_sign_method *ret_method, struct ota_error *error)
{
	char method[16];
	int found = ota_json_text(at, "signMethod", method, sizeof(method), NULL);
	if (found == 0)
		return required(found, "data.signMethod", error);
	bool is_md5 = found == 1 && strcasecmp(method, "Md5") == 0;
	if (!is_md5 && (found < 0 || strcasecmp(method, "SHA256") != 0))
		return ota_fail_at(error, OTA_EINVALID, "data.signMethod", "data.signMethod: must be Md5 or SHA256");
	*ret_method = is_md5 ? OTA_SIGN_MD5 : OTA_SIGN_SHA256;
	return 0;
}

/* Reads hex of either case, writes lower case. */
static int hex_read(struct ota_json_place at, const char *key, char *target, size_t digits, struct ota_error *error)
{
	unsigned char bytes[OTA_SHA256_HEX / 2];
	char text[OTA_SHA256_HEX + 1], rule[32];
	int found = ota_json_text(at, key, text, digits + 1, NULL);
	if (found == 0)
		return 0;
	snprintf(rule, sizeof(rule), "must be %zu hex digits", digits);
	if (found < 0 || !ota_text_unhex(ota_span_from_text(text), bytes, digits / 2))
		return field_fail(at, key, error, rule);
	ota_text_hex(target, bytes, digits / 2);
	return 1;
}

static int offer_digests(struct ota_json_place at, struct ota_offer *offer, struct ota_error *error)
{
	int code = sign_method_read(at, &offer->sign_method, error);
	if (code < 0)
		return code;
	code = hex_read(at, "md5", offer->md5, OTA_MD5_HEX, error);
	if (code < 0)
		return code;
	if (offer->sign_method == OTA_SIGN_SHA256)
		return required(hex_read(at, "sign", offer->sha256, OTA_SHA256_HEX, error), "data.sign", error);
	char sign[OTA_MD5_HEX + 1] = "";
	code = required(hex_read(at, "sign", sign, OTA_MD5_HEX, error), "data.sign", error);
	if (code < 0)
		return code;
	/* Two digests that disagree: whichever was meant, something on the way is broken. */
	if (offer->md5[0] != '\0' && strcmp(offer->md5, sign) != 0)
		return ota_fail_at(error, OTA_EINVALID, "data.sign", "data.sign: differs from data.md5");
	memcpy(offer->md5, sign, sizeof(sign));
	return 0;
}

/* "batch:attempt" */
static int offer_tag_read(struct ota_json_place at, struct ota_offer *offer, struct ota_error *error)
{
	char tag[48];
	const cJSON *ext = ota_json_member(at.object, "extData");
	int found = ota_json_text((struct ota_json_place){cJSON_IsObject(ext) ? ext : NULL, "data.extData"}, "_ota", tag,
				  sizeof(tag), NULL);
	if (found == 0)
		return 0;
	const char *colon = found == 1 ? strchr(tag, ':') : NULL;
	struct ota_span batch = {.data = tag, .size = colon ? (size_t)(colon - tag) : 0};
	if (colon && ota_text_parse_i64(batch, &offer->batch) &&
	    ota_text_parse_i64(ota_span_from_text(colon + 1), &offer->attempt) && offer->batch > 0 && offer->attempt > 0 &&
	    offer->batch <= OTA_INTEGER_MAX && offer->attempt <= OTA_INTEGER_MAX)
		return 0;
	return ota_fail_at(error, OTA_EINVALID, "data.extData._ota",
			   "data.extData._ota: must be batch:attempt, two integers from 1");
}

/* A number by the manual; a boolean costs nothing to understand. */
static int is_diff_read(struct ota_json_place at, bool *ret_is_diff, struct ota_error *error)
{
	int64_t number = 0;
	if (cJSON_IsBool(ota_json_member(at.object, "isDiff")))
		return ota_json_bool(at, "isDiff", ret_is_diff, error);
	int found = ota_json_integer(at, "isDiff", 0, 1, &number, error);
	if (found == 1)
		*ret_is_diff = number == 1;
	return found;
}

static int offer_url(struct ota_json_place at, struct ota_offer *offer, struct ota_error *error)
{
	int code = required(ota_json_text(at, "url", offer->url, sizeof(offer->url), error), "data.url", error);
	if (code < 0)
		return code;
	if (offer->url[0] == '\0' || strpbrk(offer->url, " \t\r\n") || !ota_json_is_plain(offer->url))
		return ota_fail_at(error, OTA_EINVALID, "data.url", "data.url: must be a URL without white space");
	return 0;
}

static int offer_words(struct ota_json_place at, struct ota_offer *offer, struct ota_error *error)
{
	int64_t size = 0;
	int code = 0;
	if (!offer->has_files)
		code = required(ota_json_integer(at, "size", 1, OTA_INTEGER_MAX, &size, error), "data.size", error);
	offer->size = (uint64_t)size;
	if (code >= 0)
		code = required(word_read(at, "version", offer->version, sizeof(offer->version), error), "data.version", error);
	if (code >= 0 && !offer->has_files)
		code = offer_url(at, offer, error);
	if (code >= 0)
		code = word_read(at, "module", offer->module, sizeof(offer->module), error);
	if (code >= 0 && offer->module[0] == '\0')
		ota_text_cut(offer->module, sizeof(offer->module), OTA_MODULE_DEFAULT);
	return code < 0 ? code : 0;
}

static int offer_read(const cJSON *tree, struct ota_offer *offer, struct ota_error *error)
{
	const cJSON *data = NULL;
	int code = offer_code_check(tree, error);
	if (code < 0)
		return code;
	code = required(ota_json_object((struct ota_json_place){tree, ""}, "data", &data, error), "data", error);
	if (code < 0)
		return code;
	/* The answer to a pull when there is no work. */
	if (!data->child)
		return ota_fail(error, OTA_ENOTFOUND, "the server has nothing to offer");
	struct ota_json_place at = {.object = data, .prefix = "data"};
	offer->has_files = ota_json_member(data, "files") != NULL;
	code = offer_words(at, offer, error);
	if (code == 0 && !offer->has_files)
		code = offer_digests(at, offer, error);
	if (code >= 0)
		code = is_diff_read(at, &offer->is_diff, error);
	return code < 0 ? code : offer_tag_read(at, offer, error);
}

int ota_offer_parse(struct ota_span payload, struct ota_offer *ret_offer, struct ota_error *error)
{
	struct ota_offer offer = {0};
	OTA_AUTO_JSON cJSON *tree = NULL;
	int code = ota_json_read(payload, OTA_JSON_STRICT, OTA_PAYLOAD_MAX, &tree, NULL, error);
	if (code == 0 && !cJSON_IsObject(tree))
		code = ota_fail(error, OTA_EINVALID, "an offer must be an object");
	if (code == 0)
		code = offer_read(tree, &offer, error);
	if (code == 0)
		*ret_offer = offer;
	return code;
}

bool ota_offer_name(struct ota_span payload, struct ota_offer *ret_offer)
{
	OTA_AUTO_JSON cJSON *tree = NULL;
	struct ota_offer offer = {0};
	/* What is too strange to be obeyed may be named all the same, so the generous reader. */
	if (ota_json_read(payload, OTA_JSON_DEVICE, OTA_PAYLOAD_MAX, &tree, NULL, NULL) < 0 || offer_code_check(tree, NULL) < 0)
		return false;
	const cJSON *data = ota_json_member(tree, "data");
	if (!cJSON_IsObject(data) || !data->child)
		return false;
	struct ota_json_place at = {.object = data, .prefix = "data"};
	if (word_read(at, "module", offer.module, sizeof(offer.module), NULL) < 0)
		offer.module[0] = '\0';
	if (offer_tag_read(at, &offer, NULL) < 0)
		offer.batch = offer.attempt = 0;
	*ret_offer = offer;
	return true;
}

int ota_cancel_parse(struct ota_span payload, int64_t *ret_batch, int64_t *ret_attempt, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *tree = NULL;
	int64_t batch, attempt;
	int code = ota_json_read(payload, OTA_JSON_STRICT, OTA_PAYLOAD_MAX, &tree, NULL, error);
	if (code < 0)
		return code;
	struct ota_json_place at = params_of(tree);
	code = required(ota_json_integer(at, "batch", 1, OTA_INTEGER_MAX, &batch, error), "params.batch", error);
	if (code >= 0)
		code = required(ota_json_integer(at, "attempt", 1, OTA_INTEGER_MAX, &attempt, error), "params.attempt", error);
	if (code < 0)
		return code;
	*ret_batch = batch;
	*ret_attempt = attempt;
	return 0;
}
