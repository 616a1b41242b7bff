/*
 * Messages between server and device, read and written in one place for both sides.
 *
 * Bytes that leave for a device follow aliyun-ota.md section 0: compact, no escapes, no null, scalars in the live platform's key
 * order, then extData, then files. Bytes that come from a device are read leniently (DESIGN.md section 10).
 */
#ifndef OTA_COMMON_MESSAGE_H
#define OTA_COMMON_MESSAGE_H

#include "common/bytes.h"
#include "common/error.h"
#include "common/json.h"
#include "common/limits.h"

/* What a device announced it can do; "caps" in params of its inform is an array of these words. */
enum ota_caps {
	OTA_CAP_ANNOUNCED = 1, /* "caps" was present: our own dialect is understood (_ota is echoed, SHA256 preferred) */
	OTA_CAP_CANCEL = 2,    /* "cancel": answers ask-to-cancel */
	OTA_CAP_MQTT = 4,      /* "mqtt": wants its bytes over MQTT (block.h) */
};

/* The words agent, caps, batch, attempt, bootId and cancel are our dialect. Strangers may use them for ends of their own (a
 * production batch), so a value of another form counts as absent and never loses the report; in an inform they count only beside
 * a `caps` array. version, module and step are strict. An empty module is an absent one.
 * {"id":..,"params":{"version":"v","module":"m","agent":"..","caps":[..],"batch":n,"attempt":n,"bootId":".."}} */
struct ota_inform {
	char version[OTA_VERSION_MAX + 1];
	char module[OTA_MODULE_MAX + 1]; /* OTA_MODULE_DEFAULT when absent */
	char agent[OTA_AGENT_MAX + 1];   /* "" when absent, as the rest */
	char boot_id[OTA_BOOT_ID_MAX + 1];
	unsigned caps; /* enum ota_caps */
	int64_t batch; /* 0 = absent */
	int64_t attempt;
	unsigned mended; /* enum ota_json_mended: what the reader had to mend */
};

enum ota_cancel_answer {
	OTA_CANCEL_NONE,
	OTA_CANCEL_ACCEPTED,
	OTA_CANCEL_REFUSED,
};

/* {"id":..,"params":{"step":"5","desc":"..","module":"m","batch":n,"attempt":n,"cancel":"accepted"}} ; step a string or a number
 */
struct ota_progress {
	int step;                        /* -4..100 */
	char desc[OTA_DESC_MAX + 1];     /* cut at OTA_DESC_MAX, cleaned */
	char module[OTA_MODULE_MAX + 1]; /* "" when the device named none: it means the task in work */
	int64_t batch;                   /* 0 = absent */
	int64_t attempt;
	enum ota_cancel_answer cancel;
	unsigned mended;
};

/* A pull: /ota/device/request (body as an inform) or thing/ota/firmware/get. id keeps its JSON type as raw text (`"123"` or
 * `123`); an id that is missing or cannot be echoed as it stood is `0`. */
struct ota_pull {
	char id[OTA_JSON_RAW_ID_SIZE];
	char module[OTA_MODULE_MAX + 1];
	char version[OTA_VERSION_MAX + 1]; /* "" when absent */
	unsigned mended;
};

enum ota_sign_method {
	OTA_SIGN_MD5,    /* spelled "Md5" on the wire */
	OTA_SIGN_SHA256, /* spelled "SHA256" */
};

/* One file of a package that has several. */
struct ota_push_file {
	const char *name;
	uint64_t size;
	const char *url;
	const char *md5;
	const char *sha256; /* only looked at when the method is SHA256 */
};

/* One offer. Strings are borrowed by print; parse fills the storage of struct ota_push_buffer. */
struct ota_push {
	int64_t id; /* milliseconds since the epoch */
	uint64_t size;
	const char *version;
	const char *url;    /* <= OTA_URL_MAX; not looked at when there is a stream */
	int64_t stream_id;  /* > 0: no url; the device asks for the bytes over MQTT, block by block (block.h) */
	int64_t stream_file_id; /* of the stream, from 1 */
	const char *md5;    /* lower-case hex, always sent */
	const char *sha256; /* lower-case hex; sent as sign when the method is SHA256; "" when unknown to the reader */
	enum ota_sign_method sign_method;
	const char *module; /* NULL or OTA_MODULE_DEFAULT: left out */
	bool is_diff;
	/* A package of several files, OTA_FILES_MIN..OTA_FILES_MAX: then size, url, stream, md5 and sha256 are not looked at. */
	const struct ota_push_file *files;
	size_t file_count;
	const char *ext_data; /* the package's tags: a JSON object of strings, or NULL/"" for none */
	const char *tags;     /* the batch's, likewise; one of them stands in place of the package's of that name */
	int64_t batch;        /* > 0: extData._ota = "batch:attempt" is added (devices that announced caps) */
	int64_t attempt;
};

int ota_inform_parse(struct ota_span payload, struct ota_inform *ret_inform, struct ota_error *error);
int ota_progress_parse(struct ota_span payload, struct ota_progress *ret_progress, struct ota_error *error);
int ota_pull_parse(struct ota_span payload, struct ota_pull *ret_pull, struct ota_error *error);

/* Printers append to out. push: OTA_EINVALID when a value cannot stand in a push without an escape (the check is the last
 * guard, commands refuse such values earlier). */
int ota_push_print(const struct ota_push *push, struct ota_bytes *out, struct ota_error *error);
int ota_inform_print(const struct ota_inform *inform, int64_t id, struct ota_bytes *out, struct ota_error *error);
int ota_progress_print(const struct ota_progress *progress, int64_t id, struct ota_bytes *out, struct ota_error *error);
/* The answer to thing/ota/firmware/get: code is the number 200, id is echoed raw; push NULL means nothing to do ("data":{}). */
int ota_pull_reply_print(const char *raw_id, const struct ota_push *push, struct ota_bytes *out, struct ota_error *error);

/* The device's side of a push and of the answer to a pull: strict about what it uses, any key order, white space allowed, hex in
 * either case. OTA_ENOTFOUND: well-formed, but there is nothing to do ("data":{}). */
struct ota_offer {
	uint64_t size;
	char version[OTA_VERSION_MAX + 1];
	char module[OTA_MODULE_MAX + 1]; /* OTA_MODULE_DEFAULT when absent */
	char url[2048];
	char md5[OTA_MD5_HEX + 1];       /* "" when absent */
	char sha256[OTA_SHA256_HEX + 1]; /* "" when absent */
	enum ota_sign_method sign_method;
	bool is_diff;
	bool has_files; /* a package of several files: size, url and digests are empty */
	int64_t batch; /* from extData._ota, 0 = absent */
	int64_t attempt;
};
int ota_offer_parse(struct ota_span payload, struct ota_offer *ret_offer, struct ota_error *error);
/* For an answer to a push that ota_offer_parse() refused: its module, batch and attempt as far as they can be read, all else
 * empty. False if it is no push at all: no JSON, another code than success, nothing offered. */
bool ota_offer_name(struct ota_span payload, struct ota_offer *ret_offer);

/* Ask-to-cancel: {"id":..,"params":{"batch":n,"attempt":n}} */
int ota_cancel_print(int64_t id, int64_t batch, int64_t attempt, struct ota_bytes *out);
int ota_cancel_parse(struct ota_span payload, int64_t *ret_batch, int64_t *ret_attempt, struct ota_error *error);

#endif
