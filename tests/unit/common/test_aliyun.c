/*
 * What the clients of other houses make of the pushes we print (aliyun-ota.md section 0; the numbers in the names are its
 * points). 10^5 generated pushes are read by three oracles of their parsers, which must find what went in; and each way to print
 * a push wrongly, as other servers have done, is noticed by one of them at least. OTA_SEED replays a run, OTA_RUNS lengthens it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/message.h"
#include "common/text.h"
#include "common/topic.h"
#include "tests/unit/common/push_readers.h"

enum { RUNS = 100000, SPARE = 16 };

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

static struct source source_take(const char *test)
{
	struct source source;
	ota_random(&source.state, sizeof(source.state));
	source.state = setting("OTA_SEED", source.state);
	fprintf(stderr, "%s: OTA_SEED=%llu\n", test, (unsigned long long)source.state);
	return source;
}

/* A push and the room its words stand in. */
struct made {
	struct ota_push push;
	char version[OTA_VERSION_MAX + SPARE], module[OTA_MODULE_MAX + SPARE], url[OTA_URL_MAX + SPARE];
	char md5[OTA_MD5_HEX + 1], sha256[OTA_SHA256_HEX + 1];
	char ext_data[2 * OTA_EXT_DATA_MAX], tags[2 * OTA_EXT_DATA_MAX];
	struct ota_push_file files[OTA_FILES_MAX + 1];
	struct made_file {
		char name[OTA_FILE_NAME_MAX + SPARE], url[OTA_URL_MAX + SPARE];
		char md5[OTA_MD5_HEX + 1], sha256[OTA_SHA256_HEX + 1];
	} words[OTA_FILES_MAX + 1];
};

/* Of what words are made: what a person types, what a scanner takes for structure, the protocol's own words. */
static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+~";
static const char odd[] = " :,;=/?&%#@!'<>()*$^|`";
static const char *const hostile[] = {"url",	"version", "sign",  "md5",	"size",	  "files", "data",  "extData",	"message",
				      "success", "null",    "\\/",   "\\u0026", "\"",	  "{",	   "}",	    "[",	"]",
				      "\":",	 "://",	    "Md5",   "module",	"{{{",   "}},",	   "//",    "\x7f",	"\n"};

/* 1..max bytes, most of them short, some right at the limit and a few past it. */
static size_t length_draw(struct source *source, size_t max)
{
	uint64_t kind = draw(source, 40);
	return kind == 0 ? max + 1 : kind < 4 ? max : 1 + (size_t)draw(source, kind < 30 && max > 20 ? 20 : max);
}

static void word_draw(struct source *source, char *target, size_t size)
{
	bool is_odd = draw(source, 4) == 0;
	for (size_t i = 0; i < size; i++)
		target[i] = is_odd && draw(source, 4) == 0 ? odd[draw(source, sizeof(odd) - 1)]
							    : plain[draw(source, sizeof(plain) - 1)];
	target[size] = '\0';
	if (draw(source, 100) > 0)
		return;
	const char *piece = hostile[draw(source, sizeof(hostile) / sizeof(hostile[0]))];
	if (draw(source, 2) == 0 && size >= strlen(piece)) /* the whole word, or inside it */
		memcpy(target + draw(source, size - strlen(piece) + 1), piece, strlen(piece));
	else if (size >= strlen(piece))
		memcpy(target, piece, strlen(piece) + 1);
}

static void hex_draw(struct source *source, char *target, size_t size)
{
	for (size_t i = 0; i < size; i++)
		target[i] = "0123456789abcdef"[draw(source, 16)];
	target[size] = '\0';
}

static void url_draw(struct source *source, char target[OTA_URL_MAX + SPARE])
{
	static const char *const heads[] = {"https://ota.example.com/dl/", "http://h/", "http://10.0.0.1:8080/",
					    "https://a-very-long-name.of-a-host.example.org/x/"};
	const char *head = heads[draw(source, 4)];
	size_t used = strlen(head);
	memcpy(target, head, used);
	word_draw(source, target + used, length_draw(source, OTA_URL_MAX - used));
}

/* A JSON object of tags, hostile pieces as they are: some of it is no JSON at all. */
static void tags_draw(struct source *source, char target[2 * OTA_EXT_DATA_MAX])
{
	static const unsigned counts[] = {0, 0, 0, 1, 1, 2, 3, OTA_TAGS_MAX, OTA_TAGS_MAX + 1};
	unsigned count = counts[draw(source, sizeof(counts) / sizeof(counts[0]))];
	size_t used = 0;
	target[used++] = '{';
	for (unsigned i = 0; i < count && used < OTA_EXT_DATA_MAX; i++) {
		char key[OTA_TAG_KEY_MAX + SPARE], value[OTA_TAG_VALUE_MAX + SPARE];
		word_draw(source, key, 1 + (size_t)draw(source, OTA_TAG_KEY_MAX));
		word_draw(source, value, length_draw(source, count > 4 ? 300 : OTA_TAG_VALUE_MAX));
		for (char *at = key; *at; at++)
			*at = strchr(odd, *at) || *at == '+' || *at == '~' ? '_' : *at;
		used += (size_t)snprintf(target + used, 2 * OTA_EXT_DATA_MAX - used, "%s\"%s\":\"%s\"", i ? "," : "",
					 key[0] == '_' ? "k" : key, value);
	}
	memcpy(target + used, "}", 2);
}

/* The package's own information, as one text in which each quote is escaped; braces that lie inside its texts now and then. */
static void info_draw(struct source *source, char target[2 * OTA_EXT_DATA_MAX])
{
	static const char *const infos[] = {"{\\\"version\\\":\\\"9\\\",\\\"url\\\":{\\\"files\\\":[1,2]}}", "{}",
					    "{\\\"a\\\":\\\"}\\\"}", "{\\\"a\\\":\\\"{}\\\",\\\"b\\\":null}", "{", "text"};
	size_t used = strlen(target) - 1;
	snprintf(target + used, 2 * OTA_EXT_DATA_MAX - used, "%s\"_package_udi\":\"%s\"}", used > 1 ? "," : "",
		 infos[draw(source, sizeof(infos) / sizeof(infos[0]))]);
}

/* 2..20 files, now and then one too few or too many. */
static size_t files_draw(struct source *source, struct made *made)
{
	size_t count = 1 + (size_t)draw(source, draw(source, 4) == 0 ? OTA_FILES_MAX + 1 : 4);
	for (size_t i = 0; i < count; i++) {
		struct made_file *words = &made->words[i];
		word_draw(source, words->name, length_draw(source, OTA_FILE_NAME_MAX));
		for (char *at = words->name; *at; at++)
			*at = strchr(odd, *at) || *at == '~' ? '_' : *at;
		words->name[0] = words->name[0] == '.' || words->name[0] == '-' ? 'f' : words->name[0];
		url_draw(source, words->url);
		hex_draw(source, words->md5, OTA_MD5_HEX);
		hex_draw(source, words->sha256, OTA_SHA256_HEX);
		made->files[i] = (struct ota_push_file){words->name, 1 + draw(source, UINT32_MAX), words->url, words->md5,
							words->sha256};
	}
	return count;
}

static void push_draw(struct source *source, struct made *made)
{
	word_draw(source, made->version, length_draw(source, draw(source, 2) ? 32 : OTA_VERSION_MAX));
	word_draw(source, made->module, length_draw(source, OTA_MODULE_MAX));
	url_draw(source, made->url);
	hex_draw(source, made->md5, OTA_MD5_HEX);
	hex_draw(source, made->sha256, OTA_SHA256_HEX);
	tags_draw(source, made->ext_data);
	if (draw(source, 8) == 0)
		info_draw(source, made->ext_data);
	made->tags[0] = '\0';
	if (draw(source, 3) == 0)
		tags_draw(source, made->tags);
	made->push = (struct ota_push){
		.id = (int64_t)draw(source, UINT64_C(1) << 42),
		.size = 1 + draw(source, draw(source, 2) ? UINT32_MAX : 5000),
		.version = made->version,
		.url = made->url,
		.md5 = made->md5,
		.sha256 = made->sha256,
		.sign_method = draw(source, 2) ? OTA_SIGN_MD5 : OTA_SIGN_SHA256,
		.module = draw(source, 3) == 0 ? made->module : draw(source, 2) ? OTA_MODULE_DEFAULT : NULL,
		.is_diff = draw(source, 8) == 0,
		.ext_data = made->ext_data,
		.tags = made->tags,
		.files = made->files,
		.file_count = draw(source, 4) == 0 ? files_draw(source, made) : 0,
		.batch = draw(source, 4) == 0 ? 1 + (int64_t)draw(source, 1000000) : 0,
		.attempt = 1 + (int64_t)draw(source, 3),
	};
	if (draw(source, 6) == 0) {
		made->push.stream_id = 1 + (int64_t)draw(source, UINT32_MAX);
		made->push.stream_file_id = 1 + (int64_t)draw(source, 3);
	}
}

/* --- what each client must have found --- */

static bool names_module(const struct ota_push *push)
{
	return push->module && strcmp(push->module, OTA_MODULE_DEFAULT) != 0;
}

static const char *sign_of(const struct ota_push *push)
{
	return push->sign_method == OTA_SIGN_MD5 ? push->md5 : push->sha256;
}

static const char *differs_file(const struct read_file *file, const struct ota_push *push, const char *digest)
{
	if (file->size != push->size)
		return "another size";
	if (push->stream_id == 0 && !read_text_is(file->url, push->url))
		return "another url";
	return read_text_is(file->digest, digest) ? NULL : "another digest";
}

static const char *differs_files(const struct read_push *got, const struct ota_push *push)
{
	if (got->count != push->file_count)
		return "another number of files";
	for (size_t i = 0; i < got->count; i++) {
		const struct ota_push_file *file = &push->files[i];
		const char *digest = push->sign_method == OTA_SIGN_MD5 ? file->md5 : file->sha256;
		if (got->files[i].size != file->size || !read_text_is(got->files[i].name, file->name))
			return "another file";
		if (!read_text_is(got->files[i].url, file->url) || !read_text_is(got->files[i].digest, digest))
			return "another content of a file";
	}
	return NULL;
}

static const char *differs_scan(const char *text, const struct ota_push *push)
{
	struct read_push got;
	const char *why = read_by_scan(text, &got);
	if (why)
		return why;
	if (!read_text_is(got.version, push->version))
		return "another version";
	if (!read_text_is(got.module, names_module(push) ? push->module : ""))
		return "another module";
	if (push->file_count > 0)
		return differs_files(&got, push);
	if (push->stream_id > 0 && (got.stream_id != (uint64_t)push->stream_id ||
				    got.stream_file_id != (uint64_t)push->stream_file_id || !got.over_mqtt))
		return "another stream";
	return got.count == 1 ? differs_file(&got.files[0], push, sign_of(push)) : "another number of files";
}

static const char *differs_path(const char *text, const struct ota_push *push)
{
	struct read_push got;
	const char *why = read_by_path(text, &got);
	if (why)
		return why;
	if (!read_text_is(got.version, push->version))
		return "another version";
	return differs_file(&got.files[0], push, push->md5);
}

static const char *differs_template(const char *text, const struct ota_push *push)
{
	struct read_push got;
	const char *why = read_by_template(text, &got);
	if (why)
		return why;
	if (!read_text_is(got.version, push->version) || !read_text_is(got.module, names_module(push) ? push->module : ""))
		return "another version or module";
	return differs_file(&got.files[0], push, push->md5);
}

static bool url_has_port(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	return memchr(host, ':', strcspn(host, "/")) != NULL;
}

/* What no server can help: but for C 4.x nobody knows several files or a stream; C 3.x has 32 bytes for a version and no port in
 * a URL, the hobby clients know one digest. */
static bool is_one_url(const struct ota_push *push)
{
	return push->file_count == 0 && push->stream_id == 0;
}

static bool able_always(const struct ota_push *push)
{
	(void)push;
	return true;
}

static bool able_path(const struct ota_push *push)
{
	return is_one_url(push) && strlen(push->version) <= 32 && !url_has_port(push->url);
}

static bool able_template(const struct ota_push *push)
{
	return is_one_url(push) && push->sign_method == OTA_SIGN_MD5;
}

static const struct client {
	const char *name;
	const char *(*differs)(const char *text, const struct ota_push *push);
	bool (*is_able)(const struct ota_push *push);
} clients[] = {
	{"C 4.x", differs_scan, able_always},
	{"C 3.x", differs_path, able_path},
	{"a sscanf template", differs_template, able_template},
};
enum { CLIENTS = sizeof(clients) / sizeof(clients[0]) };

Test(aliyun, generated_pushes_are_read_by_every_client)
{
	struct source source = source_take("generated_pushes");
	uint64_t runs = setting("OTA_RUNS", RUNS), printed = 0, asked[CLIENTS] = {0};
	struct ota_bytes out = {0};
	while (printed < runs) {
		struct made made;
		push_draw(&source, &made);
		ota_bytes_clear(&out);
		if (ota_push_print(&made.push, &out, NULL) != 0)
			continue;
		printed++;
		for (size_t i = 0; i < CLIENTS; i++) {
			if (!clients[i].is_able(&made.push))
				continue;
			const char *why = clients[i].differs(out.data, &made.push);
			cr_assert_null(why, "%s: %s: %s", clients[i].name, why, out.data);
			asked[i]++;
		}
	}
	for (size_t i = 0; i < CLIENTS; i++)
		cr_expect_gt(asked[i], runs / 8, "%s was asked only %llu times", clients[i].name, (unsigned long long)asked[i]);
	ota_bytes_free(&out);
}

/* --- broken printers --- */

static const char md5[] = "900150983cd24fb0d6963f7d28e17f72";
static const char sha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static struct ota_push sample(void)
{
	return (struct ota_push){.id = INT64_C(1795171182123),
				 .size = 1048576,
				 .version = "2.0.0",
				 .url = "http://ota.example.com/dl/ba7816bf",
				 .md5 = md5,
				 .sha256 = sha256,
				 .ext_data = "{\"site\":\"north\"}"};
}

/* The text with the first `from` become `to`. */
static char *changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	cr_assert_not_null(at, "no %s in %s", from, text);
	size_t size = strlen(text) + strlen(to) + 1, head = (size_t)(at - text);
	char *made = malloc(size);
	cr_assert_not_null(made);
	snprintf(made, size, "%.*s%s%s", (int)head, text, to, at + strlen(from));
	return made;
}

/* One fault of a printer, and the clients (bits of their places in `clients`) that it loses. */
struct fault {
	const char *from, *to;
	unsigned lost;
};
enum { SCAN = 1, PATH = 2, TEMPLATE = 4 };

static void expect_lost(const struct ota_push *push, const struct fault *faults, size_t count)
{
	struct ota_bytes out = {0};
	cr_assert_eq(ota_push_print(push, &out, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		char *wrong = changed(out.data, faults[i].from, faults[i].to);
		for (size_t j = 0; j < CLIENTS; j++) {
			bool lost = clients[j].is_able(push) && clients[j].differs(wrong, push);
			cr_expect_eq(lost, (faults[i].lost & 1U << j) != 0, "%s %s: %s", clients[j].name,
				     lost ? "is lost" : "does not mind", wrong);
		}
		free(wrong);
	}
	ota_bytes_free(&out);
}
#define EXPECT_LOST(push_, ...)                                                                                                  \
	expect_lost(push_, (const struct fault[]){__VA_ARGS__},                                                                  \
		    sizeof((const struct fault[]){__VA_ARGS__}) / sizeof(struct fault))

Test(aliyun, point_0_02_the_method_is_spelled_as_the_live_platform_spells_it)
{
	struct ota_push push = sample();
	EXPECT_LOST(&push, {"\"Md5\"", "\"MD5\"", SCAN | TEMPLATE}, {"\"Md5\"", "\"md5\"", SCAN | TEMPLATE});
	push.sign_method = OTA_SIGN_SHA256;
	EXPECT_LOST(&push, {"\"SHA256\"", "\"sha256\"", SCAN}, {"\"SHA256\"", "\"Sha256\"", 0});
}

Test(aliyun, point_0_03_nothing_stands_between_key_and_value)
{
	struct ota_push push = sample();
	EXPECT_LOST(&push, {"\"signMethod\":", "\"signMethod\": ", SCAN | TEMPLATE},
		    {"\"data\":{", "\"data\": {", SCAN | TEMPLATE},
		    {"\"size\":", "\"size\" :", SCAN | TEMPLATE}, {",\"url\"", ",\n\t\"url\"", TEMPLATE});
}

Test(aliyun, point_0_04_no_value_needs_an_escape_or_counts_as_structure)
{
	struct ota_push push = sample();
	EXPECT_LOST(&push, {"/dl/", "\\/dl\\/", SCAN | PATH | TEMPLATE}, {"/dl/", "/dl\\u002f", SCAN | PATH | TEMPLATE},
		    {"\"2.0.0\"", "null", SCAN | PATH | TEMPLATE}, {"\"http://ota.example.com/dl/ba7816bf\"", "null",
								     SCAN | PATH | TEMPLATE},
		    {"{\"size\"", "{\"note\":\"}\",\"size\"", SCAN | TEMPLATE}, {"2.0.0", "2.0\\\"0", SCAN | PATH | TEMPLATE});
}

Test(aliyun, point_0_04_no_value_is_a_key_that_is_searched_for)
{
	struct ota_push push = sample();
	push.module = "mcu";
	EXPECT_LOST(&push, {"\"mcu\"", "\"url\"", SCAN | TEMPLATE}, {"\"mcu\"", "\"version\"", SCAN | TEMPLATE});
}

Test(aliyun, point_0_05_ext_data_stands_behind_the_scalars)
{
	struct ota_push push = sample();
	EXPECT_LOST(&push, {"{\"size\"", "{\"extData\":{\"version\":\"9\"},\"size\"", SCAN | TEMPLATE},
		    {"\"sign\":", "\"extData\":{\"url\":\"http://x/\"},\"sign\":", SCAN | TEMPLATE});
}

static struct ota_push sample_files(void)
{
	static const struct ota_push_file files[] = {{"app.bin", 20000, "http://h/dl/1", md5, sha256},
						     {"res.bin", 4096, "http://h/dl/2", md5, sha256}};
	struct ota_push push = sample();
	push.files = files;
	push.file_count = 2;
	return push;
}

Test(aliyun, point_0_05_files_is_the_very_last_key)
{
	struct ota_push push = sample_files();
	EXPECT_LOST(&push, {"]},\"id\"", "],\"extData\":{\"site\":\"north\"}},\"id\"", SCAN},
		    {"\"fileName\":\"app.bin\",", "", SCAN}, {"\"fileSize\":20000", "\"size\":20000", SCAN},
		    {"},{", "}, {", 0});
}

Test(aliyun, point_0_05_one_file_in_a_list_is_none)
{
	struct ota_push push = sample_files();
	EXPECT_LOST(&push, {",{\"fileSize\":4096,\"fileName\":\"res.bin\",\"fileUrl\":\"http://h/dl/2\","
			    "\"fileMd5\":\"900150983cd24fb0d6963f7d28e17f72\",\"fileSign\":\"900150983cd24fb0d6963f7d28e17f72\"}",
			    "", SCAN});
	struct ota_bytes out = {0};
	struct ota_error error = {0};
	push.file_count = 1;
	cr_expect_eq(ota_push_print(&push, &out, &error), OTA_EINVALID);
	cr_expect_str_eq(error.text, "data.files: must be 2 to 20 files");
	ota_bytes_free(&out);
}

Test(aliyun, point_0_06_sign_and_md5_are_both_there)
{
	struct ota_push push = sample();
	EXPECT_LOST(&push, {"\"sign\":\"900150983cd24fb0d6963f7d28e17f72\",", "", SCAN | TEMPLATE},
		    {",\"md5\":\"900150983cd24fb0d6963f7d28e17f72\"", "", PATH | TEMPLATE},
		    {",\"signMethod\":\"Md5\"", "", SCAN | TEMPLATE});
	push.sign_method = OTA_SIGN_SHA256;
	EXPECT_LOST(&push, {",\"md5\":\"900150983cd24fb0d6963f7d28e17f72\"", "", PATH});
}

Test(aliyun, point_0_07_message_says_success)
{
	struct ota_push push = sample();
	EXPECT_LOST(&push, {",\"message\":\"success\"", "", PATH}, {"\"success\"", "\"ok\"", PATH});
}

Test(aliyun, point_0_13_urls_that_c_3_cannot_open_are_known)
{
	struct ota_push push = sample();
	EXPECT_LOST(&push, {"example.com/", "example.com:8080/", SCAN | PATH | TEMPLATE});
	char url[OTA_URL_MAX + 1];
	memset(url, 'a', sizeof(url));
	memcpy(url, "http://h/", 9);
	url[OTA_URL_MAX] = '\0';
	push.url = url;
	EXPECT_LOST(&push, {"http", "http", 0});
}
