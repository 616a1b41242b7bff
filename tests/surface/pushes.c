#include "tests/surface/pushes.h"

#define BYTES(literal_) .text = (literal_), .size = sizeof(literal_) - 1
#define MD5 "\"900150983cd24fb0d6963f7d28e17f72\""
#define OTHER_MD5 "\"000150983cd24fb0d6963f7d28e17f72\""
#define SHA256 "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""
#define HEAD "{\"code\":\"1000\",\"data\":{"
#define TAIL "},\"id\":1,\"message\":\"success\"}"
#define SIGNED "\"signMethod\":\"SHA256\",\"sign\":" SHA256 ",\"md5\":" MD5
#define WHERE "\"url\":\"http://h/f\""
/* A push in which one field is another. */
#define SIZE(value_) BYTES(HEAD "\"size\":" value_ ",\"version\":\"2\"," WHERE "," SIGNED TAIL)
#define VERSION(value_) BYTES(HEAD "\"size\":5,\"version\":" value_ "," WHERE "," SIGNED TAIL)
#define URL(value_) BYTES(HEAD "\"size\":5,\"version\":\"2\",\"url\":" value_ "," SIGNED TAIL)
#define DIGESTS(members_) BYTES(HEAD "\"size\":5,\"version\":\"2\"," WHERE "," members_ TAIL)
#define MORE(members_) DIGESTS(SIGNED "," members_)
#define ENVELOPE(members_) BYTES("{" members_ "\"data\":{\"size\":5,\"version\":\"2\"," WHERE "," SIGNED "}}")

#define PUSH .topic = OTA_TOPIC_UPGRADE
#define READ .effect = "5 2 default SHA256 full 0:0"
#define SIZES "push: data.size: must be an integer from 1 to 9007199254740991"
#define WORD "must be printable ASCII without"
#define URLS "push: data.url: must be a URL without white space"
#define METHODS "push: data.signMethod: must be Md5 or SHA256"
#define TAG "push: data.extData._ota: must be batch:attempt, two integers from 1"

enum { URL_MOST = sizeof(((struct ota_offer *)0)->url) - 1, URL_REST = sizeof("http://h/") - 1 };

/* clang-format off */
static const struct message_row rows[] = {
	/* --- what is no push at all: told in the agent's log alone --- */
	{PUSH, "", "empty", BYTES(""), .line = "push ignored: the text ends too early"},
	{PUSH, "", "no JSON", BYTES("upgrade"), .line = "push ignored: not a JSON value at byte 0"},
	{PUSH, "", "NUL bytes", BYTES("\0\0\0\0"), .line = "push ignored: not a JSON value at byte 0"},
	{PUSH, "", "a list", BYTES("[]"), .line = "push ignored: an offer must be an object"},
	{PUSH, "", "cut off", BYTES("{\"code\":\"1000\",\"data\":{\"size\":5,\"version\":\"2"), .line = "push ignored: data.version: a string without an end"},
	{PUSH, "", "nested too deep", BYTES("{\"data\":@~}"), "[", 8, "]", .line = "push ignored: data[0][0][0][0][0][0][0]: nested deeper than 8 levels"},
	{PUSH, "", "with a word behind it", BYTES("{\"data\":{\"size\":5}} x"), .line = "push ignored: bytes behind the document"},
	{PUSH, "code", "a refusal", BYTES("{\"code\":\"9201\",\"data\":{\"size\":5}}"), .line = "push ignored: code: the server answered \"9201\""},
	{PUSH, "code", "a refusal, a number", BYTES("{\"code\":460,\"data\":{}}"), .line = "push ignored: code: the server answered 460"},
	{PUSH, "code", "of another type", ENVELOPE("\"code\":true,"), .line = "push ignored: code: must be \"1000\" or 200"},
	{PUSH, "code", "null", ENVELOPE("\"code\":null,"), .line = "push ignored: code: must be \"1000\" or 200"},
	{PUSH, "data", "missing", BYTES("{\"code\":\"1000\"}"), .line = "push ignored: data: is missing"},
	{PUSH, "data", "a list", BYTES("{\"code\":\"1000\",\"data\":[1]}"), .line = "push ignored: data: must be an object"},
	{PUSH, "data", "a text", BYTES("{\"code\":\"1000\",\"data\":\"{}\"}"), .line = "push ignored: data: must be an object"},
	{PUSH, "data", "empty", BYTES("{\"code\":\"1000\",\"data\":{}}"), .line = "push ignored: the server has nothing to offer"},

	/* --- the envelope, as other servers write it --- */
	{PUSH, "code", "missing", ENVELOPE(""), READ},
	{PUSH, "code", "a number", ENVELOPE("\"code\":1000,"), READ},
	{PUSH, "code", "of the answer to a pull", ENVELOPE("\"code\":200,"), READ},
	{PUSH, "id", "of any type", ENVELOPE("\"id\":{\"a\":[]},"), READ},
	{PUSH, "message", "of any type", ENVELOPE("\"message\":7,"), READ},
	{PUSH, "other", "a stranger's key", ENVELOPE("\"method\":null,"), READ},
	{PUSH, "code", "twice", ENVELOPE("\"code\":\"1000\",\"code\":\"1000\","), .line = "push: code: the key stands twice"},
	{PUSH, "id", "a number beyond every integer", ENVELOPE("\"id\":9007199254740992,"), .line = "push: id: a number beyond 9007199254740991"},
	{PUSH, "other", "in no UTF-8", ENVELOPE("\"a\":\"\xff\","), .line = "push: a: bytes that are not UTF-8"},

	/* --- size --- */
	{PUSH, "data.size", "1", SIZE("1"), .effect = "1 2 default SHA256 full 0:0"},
	{PUSH, "data.size", "2^32-1", SIZE("4294967295"), .effect = "4294967295 2 default SHA256 full 0:0"},
	{PUSH, "data.size", "2^32", SIZE("4294967296"), .effect = "4294967296 2 default SHA256 full 0:0"},
	{PUSH, "data.size", "the largest", SIZE("9007199254740991"), .effect = "9007199254740991 2 default SHA256 full 0:0"},
	{PUSH, "data.size", "beyond the largest", SIZE("9007199254740992"), .line = "push: data.size: a number beyond 9007199254740991"},
	{PUSH, "data.size", "0", SIZE("0"), .line = SIZES},
	{PUSH, "data.size", "negative", SIZE("-1"), .line = SIZES},
	{PUSH, "data.size", "a fraction", SIZE("1.5"), .line = SIZES},
	{PUSH, "data.size", "a text", SIZE("\"5\""), .line = "push: data.size: must be an integer"},
	{PUSH, "data.size", "null", SIZE("null"), .line = "push: data.size: must be an integer"},
	{PUSH, "data.size", "twice", SIZE("5,\"size\":6"), .line = "push: data.size: the key stands twice"},
	{PUSH, "data.size", "missing", BYTES(HEAD "\"version\":\"2\"," WHERE "," SIGNED TAIL), .line = "push: data.size: is missing"},

	/* --- version, module --- */
	{PUSH, "data.version", "at its limit", VERSION("\"@\""), "v", OTA_VERSION_MAX,
	 .effect = "5 vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv default SHA256 full 0:0"},
	{PUSH, "data.version", "one past its limit", VERSION("\"@\""), "v", OTA_VERSION_MAX + 1,
	 .line = "push: data.version: is 65 bytes long; at most 64 are allowed"},
	{PUSH, "data.version", "empty", VERSION("\"\""), .line = "push: data.version: is missing"},
	{PUSH, "data.version", "a number", VERSION("2.0"), .line = "push: data.version: must be a string"},
	{PUSH, "data.version", "null", VERSION("null"), .line = "push: data.version: must be a string"},
	{PUSH, "data.version", "a path", VERSION("\"../../etc/passwd\""), .effect = "5 ../../etc/passwd default SHA256 full 0:0"},
	{PUSH, "data.version", "with a brace", VERSION("\"2{\""), .line = "push: data.version: " WORD},
	{PUSH, "data.version", "with a line feed", VERSION("\"2\\n\""), .line = "push: data.version: " WORD},
	{PUSH, "data.version", "in no UTF-8", VERSION("\"2\xff\""), .line = "push: data.version: bytes that are not UTF-8"},
	{PUSH, "data.version", "with an escaped NUL", VERSION("\"2\\u0000\""), .line = "push: data.version: \\u0000 is not allowed"},
	{PUSH, "data.module", "empty", MORE("\"module\":\"\""), READ},
	{PUSH, "data.module", "at its limit", MORE("\"module\":\"@\""), "m", OTA_MODULE_MAX,
	 .effect = "5 2 mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm SHA256 full 0:0"},
	{PUSH, "data.module", "one past its limit", MORE("\"module\":\"@\""), "m", OTA_MODULE_MAX + 1,
	 .line = "push: data.module: is 65 bytes long; at most 64 are allowed"},
	{PUSH, "data.module", "a number", MORE("\"module\":7"), .line = "push: data.module: must be a string"},
	{PUSH, "data.module", "a word of the protocol", MORE("\"module\":\"url\""), .line = "push: data.module: " WORD},

	/* --- url; scheme and host are the fetcher's affair --- */
	{PUSH, "data.url", "of 255 bytes", URL("\"http://h/@\""), "u", OTA_URL_MAX - URL_REST, READ},
	{PUSH, "data.url", "of 256 bytes", URL("\"http://h/@\""), "u", OTA_URL_MAX - URL_REST + 1, READ},
	{PUSH, "data.url", "at its limit", URL("\"http://h/@\""), "u", URL_MOST - URL_REST, READ},
	{PUSH, "data.url", "one past its limit", URL("\"http://h/@\""), "u", URL_MOST - URL_REST + 1,
	 .line = "push: data.url: is 2048 bytes long; at most 2047 are allowed"},
	{PUSH, "data.url", "very long", URL("\"http://h/@\""), "u", 60000,
	 .line = "push: data.url: is 60009 bytes long; at most 2047 are allowed"},
	{PUSH, "data.url", "empty", URL("\"\""), .line = URLS},
	{PUSH, "data.url", "with a space", URL("\"http://h/a b\""), .line = URLS},
	{PUSH, "data.url", "with a line feed", URL("\"http://h/\\r\\nX: y\""), .line = URLS},
	{PUSH, "data.url", "with a quote", URL("\"http://h/\\\"\""), .line = URLS},
	{PUSH, "data.url", "a number", URL("7"), .line = "push: data.url: must be a string"},
	{PUSH, "data.url", "null", URL("null"), .line = "push: data.url: must be a string"},
	{PUSH, "data.url", "missing", BYTES(HEAD "\"size\":5,\"version\":\"2\"," SIGNED TAIL), .line = "push: data.url: is missing"},

	/* --- signMethod, sign, md5 --- */
	{PUSH, "data.signMethod", "in other case", DIGESTS("\"signMethod\":\"sha256\",\"sign\":" SHA256), READ},
	{PUSH, "data.signMethod", "Md5", DIGESTS("\"signMethod\":\"Md5\",\"sign\":" MD5), .effect = "5 2 default Md5 full 0:0"},
	{PUSH, "data.signMethod", "MD5", DIGESTS("\"signMethod\":\"MD5\",\"sign\":" MD5 ",\"md5\":" MD5), .effect = "5 2 default Md5 full 0:0"},
	{PUSH, "data.signMethod", "another", DIGESTS("\"signMethod\":\"SHA1\",\"sign\":" SHA256), .line = METHODS},
	{PUSH, "data.signMethod", "with a hyphen", DIGESTS("\"signMethod\":\"SHA-256\",\"sign\":" SHA256), .line = METHODS},
	{PUSH, "data.signMethod", "empty", DIGESTS("\"signMethod\":\"\",\"sign\":" SHA256), .line = METHODS},
	{PUSH, "data.signMethod", "very long", DIGESTS("\"signMethod\":\"@\",\"sign\":" SHA256), "s", 100, .line = METHODS},
	{PUSH, "data.signMethod", "a number", DIGESTS("\"signMethod\":256,\"sign\":" SHA256), .line = METHODS},
	{PUSH, "data.signMethod", "missing", DIGESTS("\"sign\":" SHA256), .line = "push: data.signMethod: is missing"},
	{PUSH, "data.sign", "in capitals", DIGESTS("\"signMethod\":\"SHA256\",\"sign\":\"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\""), READ},
	{PUSH, "data.sign", "one digit less", DIGESTS("\"signMethod\":\"SHA256\",\"sign\":\"@\""), "0", OTA_SHA256_HEX - 1, .line = "push: data.sign: must be 64 hex digits"},
	{PUSH, "data.sign", "one digit more", DIGESTS("\"signMethod\":\"SHA256\",\"sign\":\"@\""), "0", OTA_SHA256_HEX + 1, .line = "push: data.sign: must be 64 hex digits"},
	{PUSH, "data.sign", "of the other method", DIGESTS("\"signMethod\":\"SHA256\",\"sign\":" MD5), .line = "push: data.sign: must be 64 hex digits"},
	{PUSH, "data.sign", "of the other method, too", DIGESTS("\"signMethod\":\"Md5\",\"sign\":" SHA256), .line = "push: data.sign: must be 32 hex digits"},
	{PUSH, "data.sign", "no hex", DIGESTS("\"signMethod\":\"Md5\",\"sign\":\"@\""), "g", OTA_MD5_HEX, .line = "push: data.sign: must be 32 hex digits"},
	{PUSH, "data.sign", "empty", DIGESTS("\"signMethod\":\"Md5\",\"sign\":\"\""), .line = "push: data.sign: must be 32 hex digits"},
	{PUSH, "data.sign", "null", DIGESTS("\"signMethod\":\"Md5\",\"sign\":null"), .line = "push: data.sign: must be 32 hex digits"},
	{PUSH, "data.sign", "missing", DIGESTS("\"signMethod\":\"SHA256\",\"md5\":" MD5), .line = "push: data.sign: is missing"},
	{PUSH, "data.sign", "another than md5", DIGESTS("\"signMethod\":\"Md5\",\"sign\":" MD5 ",\"md5\":" OTHER_MD5), .line = "push: data.sign: differs from data.md5"},
	{PUSH, "data.md5", "missing", DIGESTS("\"signMethod\":\"SHA256\",\"sign\":" SHA256), READ},
	{PUSH, "data.md5", "one digit more", DIGESTS("\"signMethod\":\"SHA256\",\"sign\":" SHA256 ",\"md5\":\"@\""), "0", OTA_MD5_HEX + 1, .line = "push: data.md5: must be 32 hex digits"},
	{PUSH, "data.md5", "a number", DIGESTS("\"signMethod\":\"SHA256\",\"sign\":" SHA256 ",\"md5\":7"), .line = "push: data.md5: must be 32 hex digits"},

	/* --- isDiff, extData, what we do not use --- */
	{PUSH, "data.isDiff", "0", MORE("\"isDiff\":0"), READ},
	{PUSH, "data.isDiff", "1", MORE("\"isDiff\":1"), .effect = "5 2 default SHA256 delta 0:0"},
	{PUSH, "data.isDiff", "true", MORE("\"isDiff\":true"), .effect = "5 2 default SHA256 delta 0:0"},
	{PUSH, "data.isDiff", "2", MORE("\"isDiff\":2"), .line = "push: data.isDiff: must be an integer from 0 to 1"},
	{PUSH, "data.isDiff", "a text", MORE("\"isDiff\":\"1\""), .line = "push: data.isDiff: must be an integer"},
	{PUSH, "data.extData", "of another type", MORE("\"extData\":[7]"), READ},
	{PUSH, "data.extData", "a stranger's", MORE("\"extData\":{\"_package_udi\":\"{\\\"a\\\":1}\"}"), READ},
	{PUSH, "data.extData._ota", "an attempt", MORE("\"extData\":{\"_ota\":\"7:2\"}"), .effect = "5 2 default SHA256 full 7:2"},
	{PUSH, "data.extData._ota", "the largest", MORE("\"extData\":{\"_ota\":\"9007199254740991:9007199254740991\"}"),
	 .effect = "5 2 default SHA256 full 9007199254740991:9007199254740991"},
	{PUSH, "data.extData._ota", "beyond the largest", MORE("\"extData\":{\"_ota\":\"9007199254740992:1\"}"), .line = TAG},
	{PUSH, "data.extData._ota", "without an attempt", MORE("\"extData\":{\"_ota\":\"7\"}"), .line = TAG},
	{PUSH, "data.extData._ota", "with an empty attempt", MORE("\"extData\":{\"_ota\":\"7:\"}"), .line = TAG},
	{PUSH, "data.extData._ota", "with a third number", MORE("\"extData\":{\"_ota\":\"7:2:1\"}"), .line = TAG},
	{PUSH, "data.extData._ota", "0", MORE("\"extData\":{\"_ota\":\"0:1\"}"), .line = TAG},
	{PUSH, "data.extData._ota", "negative", MORE("\"extData\":{\"_ota\":\"7:-1\"}"), .line = TAG},
	{PUSH, "data.extData._ota", "with a space", MORE("\"extData\":{\"_ota\":\"7: 1\"}"), .line = TAG},
	{PUSH, "data.extData._ota", "of another type", MORE("\"extData\":{\"_ota\":7}"), .line = TAG},
	{PUSH, "data.extData._ota", "very long", MORE("\"extData\":{\"_ota\":\"@:1\"}"), "7", 100, .line = TAG},
	{PUSH, "data.digestsign", "of any type", MORE("\"digestsign\":[],\"other\":null"), READ},
};
/* clang-format on */

size_t push_row_count(void)
{
	return sizeof(rows) / sizeof(rows[0]);
}

const struct message_row *push_row_at(size_t index)
{
	return &rows[index];
}
