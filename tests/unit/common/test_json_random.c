/*
 * A seeded search for a document that the strict reader accepts and cJSON reads otherwise. OTA_SEED replays a run, OTA_RUNS
 * lengthens it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/digest.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/text.h"

struct source {
	uint64_t state;
};

/* splitmix64 */
static uint64_t draw(struct source *source, uint64_t below)
{
	uint64_t value = source->state += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return (value ^ value >> 31) % below;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t value = otherwise;
	if (text)
		cr_assert(ota_text_parse_u64(ota_span_from_text(text), &value), "%s must be a number", name);
	return value;
}

static uint64_t seed_take(const char *test)
{
	uint64_t fresh = 0;
	ota_random(&fresh, sizeof(fresh));
	uint64_t seed = setting("OTA_SEED", fresh);
	fprintf(stderr, "%s: OTA_SEED=%llu\n", test, (unsigned long long)seed);
	return seed;
}

static const char *const pieces[] = {
	"\"a\"",
	"\"\"",
	"\"\\u0041\"",
	"\"\\ud83d\\ude00\"",
	"\"\\ud83d\"",
	"\"\\u0000\"",
	"\"\\\"\"",
	"\"\\/\"",
	"\"\xc3\xa4\"",
	"\"\xff\"",
	"\"\n\"",
	"\"\\x\"",
	"\"k\"",
	"0",
	"-0",
	"1",
	"01",
	"1.5",
	"1e5",
	"1e400",
	"-9007199254740991",
	"9007199254740992",
	"1.",
	"-",
	"12345678901234567890",
	"true",
	"false",
	"null",
	"nul",
	"{}",
	"[]",
	" ",
	"\t",
	"\x01",
	"x",
};

static void value_make(struct source *source, unsigned depth, struct ota_bytes *out)
{
	uint64_t choice = draw(source, 10);
	if (depth > 9 || choice < 5) {
		/* Mostly the sound pieces, so that whole documents are often accepted. */
		static const char *const sound[] = {"\"a\"", "\"\\u0041b\"", "\"\xe2\x82\xac\\n\"", "7", "-1.25", "3e2",
						    "true",  "null",         "9007199254740991",    "{}"};
		const char *piece = draw(source, 40) == 0 ? pieces[draw(source, sizeof(pieces) / sizeof(pieces[0]))]
							  : sound[draw(source, sizeof(sound) / sizeof(sound[0]))];
		ota_bytes_text(out, piece);
		return;
	}
	bool is_object = choice < 8;
	ota_bytes_text(out, is_object ? "{" : "[");
	for (uint64_t left = draw(source, 5); left > 0; left--) {
		if (is_object)
			ota_bytes_format(out, "\"%c%s\":", (char)('a' + draw(source, 12)), draw(source, 2) ? "" : "\\u0062");
		value_make(source, depth + 1, out);
		ota_bytes_text(out, left > 1 || draw(source, 60) == 0 ? (draw(source, 2) ? "," : " ,\n") : "");
	}
	ota_bytes_text(out, is_object ? "}" : "]");
}

/* One byte changed, dropped or doubled. */
static void document_harm(struct source *source, struct ota_bytes *text)
{
	if (text->size == 0 || draw(source, 3) > 0)
		return;
	size_t at = draw(source, text->size);
	if (draw(source, 2))
		text->data[at] = (char)draw(source, 256);
	else
		memmove(text->data + at, text->data + at + 1, text->size-- - at);
}

/* What the strict reader took: cJSON takes it too, reads the same, and what is written reads the same again. */
static void accepted_check(const cJSON *tree, struct ota_span text, uint64_t seed)
{
	struct ota_bytes original = {0}, once = {0}, twice = {0};
	OTA_AUTO_JSON cJSON *again = NULL;
	ota_bytes_append(&original, text.data, text.size);
	OTA_AUTO_JSON cJSON *plain = cJSON_Parse(original.data);
	cr_assert_not_null(plain, "OTA_SEED=%llu: cJSON refuses %s", (unsigned long long)seed, original.data);
	cr_assert(cJSON_Compare(tree, plain, true), "OTA_SEED=%llu: cJSON reads otherwise: %s", (unsigned long long)seed,
		  original.data);
	cr_assert_eq(ota_json_write(tree, &once), 0);
	cr_assert_eq(ota_json_read((struct ota_span){once.data, once.size}, OTA_JSON_STRICT, SIZE_MAX, &again, NULL, NULL), 0,
		     "OTA_SEED=%llu: %s", (unsigned long long)seed, once.data);
	cr_assert_eq(ota_json_write(again, &twice), 0);
	cr_assert_str_eq(once.data, twice.data, "OTA_SEED=%llu", (unsigned long long)seed);
	ota_bytes_free(&original);
	ota_bytes_free(&once);
	ota_bytes_free(&twice);
}

Test(json_random, what_strict_accepts_every_reader_reads_alike)
{
	uint64_t seed = seed_take("strict"), runs = setting("OTA_RUNS", 20000), accepted = 0;
	struct source source = {seed};
	for (uint64_t run = 0; run < runs; run++) {
		struct ota_bytes text = {0};
		cJSON *tree = NULL;
		value_make(&source, 0, &text);
		document_harm(&source, &text);
		struct ota_span span = {text.data, text.size};
		if (ota_json_read(span, OTA_JSON_STRICT, OTA_PAYLOAD_MAX, &tree, NULL, NULL) == 0) {
			accepted++;
			accepted_check(tree, span, seed);
		}
		cJSON_Delete(tree);
		ota_bytes_free(&text);
	}
	cr_expect_gt(accepted, runs / 5, "OTA_SEED=%llu: the search accepts too little to mean much", (unsigned long long)seed);
}

Test(json_random, what_a_device_may_send_contains_what_an_operator_may)
{
	uint64_t seed = seed_take("device"), runs = setting("OTA_RUNS", 20000);
	struct source source = {seed};
	for (uint64_t run = 0; run < runs; run++) {
		struct ota_bytes text = {0};
		cJSON *strict = NULL, *device = NULL;
		unsigned mended = 0;
		value_make(&source, 0, &text);
		document_harm(&source, &text);
		struct ota_span span = {text.data, text.size};
		int strict_code = ota_json_read(span, OTA_JSON_STRICT, OTA_PAYLOAD_MAX, &strict, NULL, NULL);
		int device_code = ota_json_read(span, OTA_JSON_DEVICE, OTA_PAYLOAD_MAX, &device, &mended, NULL);
		if (strict_code == 0) {
			cr_assert_eq(device_code, 0, "OTA_SEED=%llu: %s", (unsigned long long)seed, text.data);
			cr_assert_eq(mended, 0, "OTA_SEED=%llu: %s", (unsigned long long)seed, text.data);
			cr_assert(cJSON_Compare(strict, device, true), "OTA_SEED=%llu: %s", (unsigned long long)seed, text.data);
		}
		cJSON_Delete(strict);
		cJSON_Delete(device);
		ota_bytes_free(&text);
	}
}
