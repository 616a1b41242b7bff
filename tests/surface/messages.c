#include "tests/surface/messages.h"

#define BYTES(literal_) .text = (literal_), .size = sizeof(literal_) - 1
#define PARAMS(members_) BYTES("{\"id\":1,\"params\":{" members_ "}}")
#define VERSION(value_) PARAMS("\"version\":" value_)
#define MODULE(value_) PARAMS("\"version\":\"1.1\",\"module\":" value_)
#define STEP(value_) PARAMS("\"step\":" value_)
#define BESIDE(members_) BYTES("{\"params\":{\"version\":\"1.1\"}," members_ "}")
#define ID(value_) BYTES("{\"id\":" value_ ",\"params\":{}}")

#define INFORM .topic = OTA_TOPIC_INFORM
#define PROGRESS .topic = OTA_TOPIC_PROGRESS
#define GET .topic = OTA_TOPIC_FIRMWARE_GET
#define REQUEST .topic = OTA_TOPIC_REQUEST

#define TOLD .effect = "default 1.1"
#define WORD "must be printable ASCII without"
#define STEPS "params.step: must be an integer from -4 to 100, as a string or a number"
#define TWICE "a key stands twice, the first one counts"
#define UTF8 "bytes that are not UTF-8 are read as U+FFFD"
#define COMMA "a comma before a closing bracket is passed over"
#define NUL "a NUL is read as U+FFFD, or passed over at the end"
#define CONTROL "a raw control byte in a string is read as if it were escaped"

enum {
	BESIDE_SIZE = sizeof("{\"params\":{\"version\":\"1.1\"},\"pad\":\"\"}") - 1,
	PAD = OTA_DEVICE_PAYLOAD_MAX - BESIDE_SIZE,
};

/* clang-format off */
static const struct message_row rows[] = {
	/* --- inform: the document --- */
	{INFORM, "", "as the SDKs send it", VERSION("\"1.1\""), TOLD},
	{INFORM, "", "with white space everywhere", BYTES(" \t\r\n{ \"params\" : { \"version\" : \"1.1\" } } \r\n"), TOLD},
	{INFORM, "", "with version, module and method at its top, too",
	 BYTES("{\"version\":\"9\",\"module\":\"x\",\"method\":\"m\",\"params\":{\"version\":\"1.1\"}}"), TOLD},
	{INFORM, "", "of as many bytes as are allowed", BESIDE("\"pad\":\"@\""), "x", PAD, TOLD},
	{INFORM, "", "of one byte more", BESIDE("\"pad\":\"@\""), "x", PAD + 1, .line = "at most 16384"},
	{INFORM, "", "of one byte more, a space behind it", BYTES("{\"params\":{\"version\":\"1.1\"},\"pad\":\"@\"} "), "x", PAD,
	 .line = "at most 16384"},
	{INFORM, "", "empty", BYTES(""), .line = "inform: the text ends too early at byte 0"},
	{INFORM, "", "a word", BYTES("hello"), .line = "inform: not a JSON value at byte 0"},
	{INFORM, "", "a list", BYTES("[{\"version\":\"1.1\"}]"), .line = "inform: params: must be an object"},
	{INFORM, "", "a text", BYTES("\"1.1\""), .line = "inform: params: must be an object"},
	{INFORM, "", "null", BYTES("null"), .line = "inform: params: must be an object"},
	{INFORM, "", "cut off", BYTES("{\"params\":{\"version\":\"1.1"), .line = "inform: params.version: a string without an end"},
	{INFORM, "", "without its last bracket", BYTES("{\"params\":{\"version\":\"1.1\"}"), .line = "closing bracket is missing"},
	{INFORM, "", "with a word behind it", BYTES("{\"params\":{\"version\":\"1.1\"}} x"), .line = "bytes behind the document"},
	{INFORM, "", "twice in one message", BYTES("{\"params\":{\"version\":\"1.1\"}}{\"params\":{\"version\":\"1.1\"}}"),
	 .line = "bytes behind the document"},
	{INFORM, "", "with NUL bytes behind it", BYTES("{\"params\":{\"version\":\"1.1\"}}\0\0\0"), TOLD, .line = NUL},
	{INFORM, "", "with other bytes behind a NUL", BYTES("{\"params\":{\"version\":\"1.1\"}}\0x"), .line = "bytes behind the document"},
	{INFORM, "", "with a byte order mark", BYTES("\xef\xbb\xbf{\"params\":{\"version\":\"1.1\"}}"), .line = "not a JSON value at byte 0"},
	{INFORM, "", "in UTF-16", BYTES("{\0\"\0p\0\"\0:\0001\0}\0"), .line = "a key in quotes is missing at byte 1"},
	{INFORM, "", "in single quotes", BYTES("{'params':{'version':'1.1'}}"), .line = "a key in quotes is missing at byte 1"},
	{INFORM, "", "with a comma before a bracket", PARAMS("\"version\":\"1.1\","), TOLD, .line = COMMA},
	{INFORM, "", "without a comma", PARAMS("\"version\":\"1.1\" \"module\":\"m\""), .line = "a comma or the closing bracket is missing"},
	{INFORM, "", "without a colon", PARAMS("\"version\" \"1.1\""), .line = "params.version: a colon is missing"},

	/* --- inform: keys of strangers --- */
	{INFORM, "other", "of every type", BESIDE("\"a\":null,\"b\":true,\"c\":1e400,\"d\":-0.5,\"e\":[1,{\"f\":[]}],\"g\":{},\"h\":\"\""), TOLD},
	{INFORM, "other", "at the depth that is allowed", BESIDE("\"a\":@~"), "[", 7, "]", TOLD},
	{INFORM, "other", "one level deeper", BESIDE("\"a\":@~"), "[", 8, "]", .line = "nested deeper than 8 levels"},
	{INFORM, "other", "twice", BESIDE("\"a\":1,\"a\":2"), TOLD, .line = TWICE},
	{INFORM, "other", "a number of 63 characters", BESIDE("\"a\":@"), "7", 63, TOLD},
	{INFORM, "other", "a number of 64 characters", BESIDE("\"a\":@"), "7", 64, .line = "a number of more than 63 characters"},
	{INFORM, "other", "a number of no JSON", BESIDE("\"a\":+1"), .line = "a: not a JSON value"},
	{INFORM, "other", "NaN", BESIDE("\"a\":NaN"), .line = "a: not a JSON value"},
	{INFORM, "other", "bytes that are no UTF-8", BESIDE("\"a\":\"\xff\xc0\xaf\xed\xa0\x80\""), TOLD, .line = UTF8},
	{INFORM, "other", "a key that is no UTF-8", BESIDE("\"\xff\":1"), TOLD, .line = UTF8},
	{INFORM, "other", "half a surrogate pair", BESIDE("\"a\":\"\\ud800\""), TOLD, .line = UTF8},
	{INFORM, "other", "an escaped NUL", BESIDE("\"a\":\"\\u0000\""), TOLD, .line = NUL},
	{INFORM, "other", "a NUL byte", BESIDE("\"a\":\"\0\""), TOLD, .line = NUL},
	{INFORM, "other", "a raw control byte", BESIDE("\"a\":\"\x01\t\""), TOLD, .line = CONTROL},
	{INFORM, "other", "an unknown escape", BESIDE("\"a\":\"\\x41\""), .line = "a: unknown escape in a string"},
	{INFORM, "other", "mended in two ways", BESIDE("\"a\":\"\xff\",\"a\":1"), TOLD, .line = TWICE "; " UTF8},

	/* --- inform: id, params --- */
	{INFORM, "id", "missing", BYTES("{\"params\":{\"version\":\"1.1\"}}"), TOLD},
	{INFORM, "id", "of another type", BYTES("{\"id\":{\"a\":[]},\"params\":{\"version\":\"1.1\"}}"), TOLD},
	{INFORM, "id", "a fraction beyond every integer", BYTES("{\"id\":1.5e300,\"params\":{\"version\":\"1.1\"}}"), TOLD},
	{INFORM, "id", "twice", BYTES("{\"id\":1,\"id\":2,\"params\":{\"version\":\"1.1\"}}"), TOLD, .line = TWICE},
	{INFORM, "params", "missing", BYTES("{\"id\":1,\"version\":\"1.1\"}"), .line = "inform: params: must be an object"},
	{INFORM, "params", "null", BYTES("{\"params\":null}"), .line = "inform: params: must be an object"},
	{INFORM, "params", "a list", BYTES("{\"params\":[\"1.1\"]}"), .line = "inform: params: must be an object"},
	{INFORM, "params", "a text", BYTES("{\"params\":\"{}\"}"), .line = "inform: params: must be an object"},
	{INFORM, "params", "in other case", BYTES("{\"Params\":{\"version\":\"1.1\"}}"), .line = "inform: params: must be an object"},
	{INFORM, "params", "twice", BYTES("{\"params\":{\"version\":\"1.1\"},\"params\":{\"version\":\"9\"}}"), TOLD, .line = TWICE},

	/* --- inform: version --- */
	{INFORM, "params.version", "of one byte", VERSION("\"1\""), .effect = "default 1"},
	{INFORM, "params.version", "at its limit", VERSION("\"@\""), "v", OTA_VERSION_MAX,
	 .effect = "default vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"},
	{INFORM, "params.version", "one past its limit", VERSION("\"@\""), "v", OTA_VERSION_MAX + 1,
	 .line = "inform: params.version: is 65 bytes long; at most 64 are allowed"},
	{INFORM, "params.version", "very long", VERSION("\"@\""), "v", 16000, .line = "is 16000 bytes long; at most 64 are allowed"},
	{INFORM, "params.version", "with a space inside", VERSION("\"1.1 beta/2+x\""), .effect = "default 1.1 beta/2+x"},
	{INFORM, "params.version", "in escapes", VERSION("\"\\u0031\\u002e\\u0031\\/\""), .effect = "default 1.1/"},
	{INFORM, "params.version", "missing", PARAMS("\"module\":\"m\""), .line = "inform: params.version: is missing or empty; 1 to 64 characters are needed"},
	{INFORM, "params.version", "empty", VERSION("\"\""), .line = "inform: params.version: is missing or empty; 1 to 64 characters are needed"},
	{INFORM, "params.version", "in other case", PARAMS("\"Version\":\"1.1\""), .line = "inform: params.version: is missing or empty; 1 to 64 characters are needed"},
	{INFORM, "params.version", "null", VERSION("null"), .line = "inform: params.version: must be a string"},
	{INFORM, "params.version", "a number", VERSION("1.1"), .line = "inform: params.version: must be a string"},
	{INFORM, "params.version", "true", VERSION("true"), .line = "inform: params.version: must be a string"},
	{INFORM, "params.version", "a list", VERSION("[\"1.1\"]"), .line = "inform: params.version: must be a string"},
	{INFORM, "params.version", "an object", VERSION("{\"v\":\"1.1\"}"), .line = "inform: params.version: must be a string"},
	{INFORM, "params.version", "twice", VERSION("\"1.1\",\"version\":\"9\""), TOLD, .line = TWICE},
	{INFORM, "params.version", "twice, the second of another type", VERSION("\"1.1\",\"version\":7"), TOLD, .line = TWICE},
	{INFORM, "params.version", "twice, the first of another type", VERSION("7,\"version\":\"1.1\""),
	 .line = "inform: params.version: must be a string"},
	{INFORM, "params.version", "twice, once in escapes", VERSION("\"1.1\",\"\\u0076ersion\":\"9\""), TOLD, .line = TWICE},
	{INFORM, "params.version", "with a space before it", VERSION("\" 1\""), .line = "params.version: " WORD},
	{INFORM, "params.version", "with a space behind it", VERSION("\"1 \""), .line = "params.version: " WORD},
	{INFORM, "params.version", "a word of the protocol", VERSION("\"url\""), .line = "params.version: " WORD},
	{INFORM, "params.version", "with a brace in an escape", VERSION("\"1\\u007b\""), .line = "params.version: " WORD},
	{INFORM, "params.version", "with a quote", VERSION("\"1\\\"\""), .line = "params.version: " WORD},
	{INFORM, "params.version", "with a backslash", VERSION("\"1\\\\\""), .line = "params.version: " WORD},
	{INFORM, "params.version", "with a bracket", VERSION("\"[1]\""), .line = "params.version: " WORD},
	{INFORM, "params.version", "with a line feed", VERSION("\"1\\n\""), .line = "params.version: " WORD},
	{INFORM, "params.version", "with an escaped NUL", VERSION("\"1\\u0000\""), .line = "params.version: " WORD},
	{INFORM, "params.version", "with a delete", VERSION("\"1\x7f\""), .line = "params.version: " WORD},
	{INFORM, "params.version", "beyond ASCII", VERSION("\"1\xc3\xa9\""), .line = "params.version: " WORD},
	{INFORM, "params.version", "in no UTF-8", VERSION("\"1\xff\""), .line = "params.version: " WORD},

	/* --- inform: module, and the words of our dialect in other forms --- */
	{INFORM, "params.module", "of one byte", MODULE("\"m\""), .effect = "m 1.1"},
	{INFORM, "params.module", "empty", MODULE("\"\""), TOLD},
	{INFORM, "params.module", "at its limit", MODULE("\"@\""), "m", OTA_MODULE_MAX,
	 .effect = "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm 1.1"},
	{INFORM, "params.module", "one past its limit", MODULE("\"@\""), "m", OTA_MODULE_MAX + 1,
	 .line = "inform: params.module: is 65 bytes long; at most 64 are allowed"},
	{INFORM, "params.module", "null", MODULE("null"), .line = "inform: params.module: must be a string"},
	{INFORM, "params.module", "a number", MODULE("7"), .line = "inform: params.module: must be a string"},
	{INFORM, "params.module", "twice", MODULE("\"m\",\"module\":\"x\""), .effect = "m 1.1", .line = TWICE},
	{INFORM, "params.module", "a word of the protocol", MODULE("\"url\""), .line = "params.module: " WORD},
	{INFORM, "params.module", "with a bracket", MODULE("\"m]\""), .line = "params.module: " WORD},
	{INFORM, "params.module", "in no UTF-8", MODULE("\"m\xff\""), .line = "params.module: " WORD},
	{INFORM, "params.caps", "no list", PARAMS("\"version\":\"1.1\",\"caps\":\"cancel\""), TOLD},
	{INFORM, "params.caps", "a list of anything", PARAMS("\"version\":\"1.1\",\"caps\":[1,null,[],\"new\",\"cancel\"]"), TOLD},
	{INFORM, "params.agent", "of another type and too long", PARAMS("\"version\":\"1.1\",\"caps\":[],\"agent\":7,\"bootId\":\"@\""), "b",
	 OTA_BOOT_ID_MAX + 1, TOLD},
	{INFORM, "params.batch", "a stranger's", PARAMS("\"version\":\"1.1\",\"caps\":[],\"batch\":\"2026-07\",\"attempt\":-1"), TOLD},

	/* --- progress --- */
	{PROGRESS, "params.step", "0, a text", STEP("\"0\""), .effect = "upgrading 0 "},
	{PROGRESS, "params.step", "0, a number", STEP("0"), .effect = "upgrading 0 "},
	{PROGRESS, "params.step", "100, a text", STEP("\"100\""), .effect = "upgrading 100 "},
	{PROGRESS, "params.step", "100, a number", STEP("1e2"), .effect = "upgrading 100 "},
	{PROGRESS, "params.step", "-1", STEP("\"-1\""), .effect = "failed -1 "},
	{PROGRESS, "params.step", "-4", STEP("-4"), .effect = "failed -4 "},
	{PROGRESS, "params.step", "below its least, a text", STEP("\"-5\""), .line = STEPS},
	{PROGRESS, "params.step", "below its least, a number", STEP("-5"), .line = STEPS},
	{PROGRESS, "params.step", "above its most, a text", STEP("\"101\""), .line = STEPS},
	{PROGRESS, "params.step", "above its most, a number", STEP("101"), .line = STEPS},
	{PROGRESS, "params.step", "a fraction", STEP("1.5"), .line = STEPS},
	{PROGRESS, "params.step", "a fraction in a text", STEP("\"1.5\""), .line = STEPS},
	{PROGRESS, "params.step", "with a letter", STEP("\"5x\""), .line = STEPS},
	{PROGRESS, "params.step", "with a percent sign", STEP("\"5%\""), .line = STEPS},
	{PROGRESS, "params.step", "with a space", STEP("\" 5\""), .line = STEPS},
	{PROGRESS, "params.step", "with a plus", STEP("\"+5\""), .line = STEPS},
	{PROGRESS, "params.step", "empty", STEP("\"\""), .line = STEPS},
	{PROGRESS, "params.step", "true", STEP("true"), .line = STEPS},
	{PROGRESS, "params.step", "null", STEP("null"), .line = STEPS},
	{PROGRESS, "params.step", "a list", STEP("[5]"), .line = STEPS},
	{PROGRESS, "params.step", "beyond every integer", STEP("1e300"), .line = STEPS},
	{PROGRESS, "params.step", "beyond every integer, a text", STEP("\"99999999999999999999\""), .line = STEPS},
	{PROGRESS, "params.step", "missing", PARAMS("\"desc\":\"x\""), .line = STEPS},
	{PROGRESS, "params.step", "at the top", BYTES("{\"step\":5,\"params\":{}}"), .line = STEPS},
	{PROGRESS, "params.step", "twice", STEP("5,\"step\":6"), .effect = "upgrading 5 ", .line = TWICE},
	{PROGRESS, "params.desc", "at its limit", STEP("5,\"desc\":\"@\""), "\xc3\xa9", OTA_DESC_MAX / 2,
	 .effect = "upgrading 5 éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"},
	{PROGRESS, "params.desc", "past its limit", STEP("5,\"desc\":\"x@\""), "\xc3\xa9", OTA_DESC_MAX / 2,
	 .effect = "upgrading 5 xééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"},
	{PROGRESS, "params.desc", "of another type", STEP("5,\"desc\":[7]"), .effect = "upgrading 5 "},
	{PROGRESS, "params.desc", "null", STEP("5,\"desc\":null"), .effect = "upgrading 5 "},
	{PROGRESS, "params.desc", "in no UTF-8", STEP("5,\"desc\":\"\xff\""), .effect = "upgrading 5 \xef\xbf\xbd", .line = UTF8},
	{PROGRESS, "params.desc", "with control bytes", STEP("5,\"desc\":\"a\\u001b[2Jb\\nc\""), .effect = "upgrading 5 a [2Jb c"},
	{PROGRESS, "params.desc", "with an escaped NUL", STEP("5,\"desc\":\"a\\u0000b\""), .effect = "upgrading 5 a\xef\xbf\xbd" "b", .line = NUL},
	{PROGRESS, "params.module", "missing", STEP("5"), .effect = "upgrading 5 "},
	{PROGRESS, "params.module", "empty", STEP("5,\"module\":\"\""), .effect = "upgrading 5 "},
	{PROGRESS, "params.module", "named", STEP("5,\"module\":\"default\""), .effect = "upgrading 5 "},
	{PROGRESS, "params.module", "of another type", STEP("5,\"module\":7"), .line = "progress: params.module: must be a string"},
	{PROGRESS, "params.module", "one past its limit", STEP("5,\"module\":\"@\""), "m", OTA_MODULE_MAX + 1,
	 .line = "progress: params.module: is 65 bytes long; at most 64 are allowed"},
	{PROGRESS, "params.module", "a word of the protocol", STEP("5,\"module\":\"size\""), .line = "params.module: " WORD},
	{PROGRESS, "params.batch", "a stranger's", STEP("5,\"batch\":\"2026-07\",\"attempt\":{}"), .effect = "upgrading 5 "},
	{PROGRESS, "params.batch", "0", STEP("5,\"batch\":0,\"attempt\":0"), .effect = "upgrading 5 "},
	{PROGRESS, "params.batch", "beyond every integer", STEP("5,\"batch\":9007199254740992,\"attempt\":1"), .effect = "upgrading 5 "},
	{PROGRESS, "params.attempt", "without a batch", STEP("5,\"attempt\":3"), .effect = "upgrading 5 "},
	{PROGRESS, "params.cancel", "another word", STEP("5,\"cancel\":\"maybe\""), .effect = "upgrading 5 "},
	{PROGRESS, "params.cancel", "of another type", STEP("5,\"cancel\":true"), .effect = "upgrading 5 "},
	{PROGRESS, "params", "a list", BYTES("{\"params\":[5]}"), .line = "progress: params: must be an object"},
	{PROGRESS, "", "empty", BYTES(""), .line = "progress: the text ends too early at byte 0"},
	{PROGRESS, "", "a number", BYTES("5"), .line = "progress: params: must be an object"},
	{PROGRESS, "other", "one level too deep", STEP("5,\"a\":@~"), "[", 7, "]", .line = "nested deeper than 8 levels"},
	{PROGRESS, "other", "at the depth that is allowed", STEP("5,\"a\":@~"), "[", 6, "]", .effect = "upgrading 5 "},

	/* --- pulls; who has no work is answered by firmware/get alone --- */
	{GET, "id", "a number", ID("7"), .effect = "7"},
	{GET, "id", "a text", ID("\"7\""), .effect = "\"7\""},
	{GET, "id", "missing", BYTES("{\"params\":{}}"), .effect = "0"},
	{GET, "id", "null", ID("null"), .effect = "0"},
	{GET, "id", "a fraction", ID("1.5"), .effect = "0"},
	{GET, "id", "an object", ID("{}"), .effect = "0"},
	{GET, "id", "the largest", ID("9007199254740991"), .effect = "9007199254740991"},
	{GET, "id", "beyond the largest", ID("9007199254740992"), .effect = "0"},
	{GET, "id", "a text that would need an escape", ID("\"a\\\"b\""), .effect = "0"},
	{GET, "id", "a text in no UTF-8", ID("\"\xff\""), .effect = "\"\xef\xbf\xbd\"", .line = UTF8},
	{GET, "id", "a text at its limit", ID("\"@\""), "i", OTA_MESSAGE_ID_MAX,
	 .effect = "\"iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii\""},
	{GET, "id", "a text one past its limit", ID("\"@\""), "i", OTA_MESSAGE_ID_MAX + 1, .effect = "0"},
	{GET, "id", "twice", ID("7,\"id\":8"), .effect = "7", .line = TWICE},
	{GET, "params", "missing", BYTES("{\"id\":7}"), .effect = "7"},
	{GET, "params", "of another type", BYTES("{\"id\":7,\"params\":[]}"), .effect = "7"},
	{GET, "params.module", "empty", BYTES("{\"id\":7,\"params\":{\"module\":\"\"}}"), .effect = "7"},
	{GET, "params.module", "at its limit", BYTES("{\"id\":7,\"params\":{\"module\":\"@\"}}"), "m", OTA_MODULE_MAX, .effect = "7"},
	{GET, "params.module", "one past its limit", BYTES("{\"id\":7,\"params\":{\"module\":\"@\"}}"), "m", OTA_MODULE_MAX + 1,
	 .line = "pull: params.module: is 65 bytes long; at most 64 are allowed"},
	{GET, "params.module", "of another type", BYTES("{\"id\":7,\"params\":{\"module\":7}}"), .line = "pull: params.module: must be a string"},
	{GET, "params.module", "a word of the protocol", BYTES("{\"id\":7,\"params\":{\"module\":\"url\"}}"), .line = "params.module: " WORD},
	{GET, "module", "at the top", BYTES("{\"id\":7,\"module\":\"m\"}"), .effect = "7"},
	{GET, "module", "at the top, of another type", BYTES("{\"id\":7,\"module\":7}"), .line = "pull: module: must be a string"},
	{GET, "version", "at the top, of any type", BYTES("{\"id\":7,\"version\":1.0,\"method\":\"thing.ota.firmware.get\"}"), .effect = "7"},
	{GET, "params.version", "one past its limit", BYTES("{\"id\":7,\"params\":{\"version\":\"@\"}}"), "v", OTA_VERSION_MAX + 1,
	 .line = "pull: params.version: is 65 bytes long; at most 64 are allowed"},
	{GET, "", "empty", BYTES(""), .line = "pull: the text ends too early at byte 0"},
	{GET, "", "a list", BYTES("[]"), .line = "pull: a pull must be an object"},
	{GET, "", "no JSON", BYTES("get"), .line = "pull: not a JSON value at byte 0"},
	{GET, "", "with a word behind it", BYTES("{\"id\":7} x"), .line = "pull: bytes behind the document"},
	{GET, "other", "of every type", BYTES("{\"id\":7,\"a\":null,\"b\":1e999,\"c\":[{}]}"), .effect = "7"},
	{REQUEST, "", "as C 3.x sends it", BYTES("{\"id\":7,\"params\":{\"version\":\"1.1\"}}"), .effect = ""},
	{REQUEST, "", "empty", BYTES(""), .line = "pull: the text ends too early at byte 0"},
	{REQUEST, "params.version", "of another type", BYTES("{\"params\":{\"version\":1}}"), .line = "pull: params.version: must be a string"},
	{REQUEST, "params.module", "null", BYTES("{\"params\":{\"module\":null}}"), .line = "pull: params.module: must be a string"},
};
/* clang-format on */

size_t message_row_count(void)
{
	return sizeof(rows) / sizeof(rows[0]);
}

const struct message_row *message_row_at(size_t index)
{
	return &rows[index];
}

void message_row_print(const struct message_row *row, struct ota_bytes *out)
{
	for (size_t i = 0; i < row->size; i++) {
		const char *filling = row->text[i] == '@' ? row->fill : row->text[i] == '~' ? row->close : NULL;

		if (!filling)
			ota_bytes_u8(out, (uint8_t)row->text[i]);
		for (unsigned n = 0; filling && n < row->times; n++)
			ota_bytes_text(out, filling);
	}
}

/* splitmix64 */
static uint64_t draw(uint64_t *state, uint64_t below)
{
	uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return (value ^ value >> 31) % below;
}

enum mutation { OTHER, TOKEN, GONE, TWICE_OVER, CUT, MUTATIONS };

void message_row_mutate(const struct message_row *row, uint64_t *state, struct ota_bytes *out)
{
	static const char tokens[] = "{}[]\",:\\-0.e\xff\0 ";
	OTA_AUTO_BYTES struct ota_bytes whole = {0};

	message_row_print(row, &whole);
	uint64_t at = draw(state, whole.size + 1), size = 1 + draw(state, 8), changes = draw(state, MUTATIONS);
	for (size_t i = 0; i < whole.size && !(changes == CUT && i >= at); i++) {
		bool touched = i >= at && i < at + size;
		if (touched && changes == GONE)
			continue;
		if (touched && changes == OTHER)
			ota_bytes_u8(out, (uint8_t)draw(state, 256));
		else if (touched && changes == TOKEN)
			ota_bytes_u8(out, (uint8_t)tokens[draw(state, sizeof(tokens) - 1)]);
		else
			ota_bytes_u8(out, (uint8_t)whole.data[i]);
		if (i + 1 == at + size && changes == TWICE_OVER)
			ota_bytes_append(out, whole.data + at, size);
	}
}
