#include "tests/unit/common/push_readers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool read_text_is(struct read_text text, const char *other)
{
	return text.size == strlen(other) && (!text.size || memcmp(text.data, other, text.size) == 0);
}

static struct read_text text_of(const char *text)
{
	return (struct read_text){text, strlen(text)};
}

static bool number_take(struct read_text text, uint64_t *ret_number)
{
	*ret_number = 0;
	if (text.size == 0 || text.size > 19)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (!isdigit((unsigned char)text.data[i]))
			return false;
		*ret_number = *ret_number * 10 + (uint64_t)(text.data[i] - '0');
	}
	return true;
}

static bool text_is_hex(struct read_text text, size_t size)
{
	for (size_t i = 0; i < text.size; i++)
		if (!isxdigit((unsigned char)text.data[i]))
			return false;
	return text.size == size;
}

/* ---- C 4.x ---- */

/* A value that begins with a brace ends where as many have closed: 8 bits count them, also those in strings. */
static bool scan_nested(struct read_text rest, struct read_text *ret_value)
{
	char opening = rest.data[0], closing = opening == '{' ? '}' : ']';
	uint8_t depth = 0;
	for (size_t i = 0; i < rest.size; i++) {
		depth = (uint8_t)(depth + (rest.data[i] == opening) - (rest.data[i] == closing));
		if (depth == 0) {
			*ret_value = (struct read_text){rest.data, i + 1};
			return true;
		}
	}
	return false;
}

static bool scan_value(struct read_text rest, struct read_text *ret_value)
{
	if (rest.size == 0)
		return false;
	if (rest.data[0] == '{' || rest.data[0] == '[')
		return scan_nested(rest, ret_value);
	bool quoted = rest.data[0] == '"';
	const char *begin = rest.data + quoted;
	for (const char *at = begin; at < rest.data + rest.size; at++) {
		if (strchr(quoted ? "\"" : ",]}", *at) && *at != '\0') {
			*ret_value = (struct read_text){begin, (size_t)(at - begin)};
			return true;
		}
	}
	return false;
}

/* The first `"key"` decides: without a colon right behind it (it may be a value) the search is over. */
static bool scan(struct read_text in, const char *key, struct read_text *ret_value)
{
	size_t size = strlen(key);
	for (size_t i = 0; i + size + 3 < in.size; i++) {
		if (in.data[i] != '"' || memcmp(in.data + i + 1, key, size) != 0 || in.data[i + 1 + size] != '"')
			continue;
		size_t colon = i + size + 2;
		struct read_text rest = {in.data + colon + 1, in.size - colon - 1};
		return in.data[colon] == ':' && scan_value(rest, ret_value);
	}
	return false;
}

static bool scan_number(struct read_text in, const char *key, uint64_t *ret_number)
{
	struct read_text value;
	return scan(in, key, &value) && number_take(value, ret_number);
}

static size_t digest_hex(struct read_text method)
{
	if (read_text_is(method, "Md5"))
		return 32;
	return read_text_is(method, "SHA256") || read_text_is(method, "Sha256") ? 64 : 0;
}

/* The scheme is ignored; host and port have 128 bytes. */
static const char *scan_url(struct read_text url)
{
	const char *host = memmem(url.data, url.size, "://", 3);
	if (!host)
		return "url: no ://";
	host += 3;
	size_t rest = (size_t)(url.data + url.size - host);
	const char *path = memchr(host, '/', rest);
	if (!path || path - host > 128)
		return "url: no path, or too long a host";
	return memchr(url.data, '\\', url.size) ? "url: it asks for what the escape says, in a busy loop" : NULL;
}

struct scan_words {
	const char *size, *url, *sign, *name;
};
static const struct scan_words single_words = {"size", "url", "sign", NULL};
static const struct scan_words files_words = {"fileSize", "fileUrl", "fileSign", "fileName"};

static const char *scan_file(struct read_text in, const struct scan_words *words, size_t hex, struct read_file *file)
{
	if (!scan_number(in, words->size, &file->size) || file->size > UINT32_MAX)
		return "size";
	if (!scan(in, words->sign, &file->digest) || !text_is_hex(file->digest, hex))
		return "sign";
	if (words->name && !scan(in, words->name, &file->name))
		return "fileName";
	if (!scan(in, words->url, &file->url))
		return "url";
	return scan_url(file->url);
}

/* From `files` to the end of data every brace that opens is a file, whatever it belongs to. */
static const char *scan_files(struct read_text data, struct read_text files, size_t hex, struct read_push *push)
{
	const char *end = data.data + data.size, *at = files.data;
	for (; (at = memchr(at, '{', (size_t)(end - at))); at++)
		push->count++;
	if (push->count > READ_FILES_MAX)
		return "files: more than 20";
	if (push->count == 1) /* then it takes the message for one without files */
		return scan_file(data, &single_words, hex, &push->files[0]);
	at = files.data;
	for (size_t i = 0; i < push->count; i++) {
		at = memchr(at, '{', (size_t)(end - at));
		const char *why = scan_file((struct read_text){at, (size_t)(end - at)}, &files_words, hex, &push->files[i]);
		if (why)
			return why;
		at++;
	}
	return push->count ? NULL : "files: none";
}

static const char *scan_stream(struct read_text data, size_t hex, struct read_push *push)
{
	push->over_mqtt = true;
	push->count = 1;
	if (!scan_number(data, "streamId", &push->stream_id) || !scan_number(data, "streamFileId", &push->stream_file_id))
		return "streamId";
	if (!scan_number(data, "size", &push->files[0].size))
		return "size";
	return scan(data, "sign", &push->files[0].digest) && text_is_hex(push->files[0].digest, hex) ? NULL : "sign";
}

const char *read_by_scan(const char *text, struct read_push *ret_push)
{
	struct read_text data, value;
	*ret_push = (struct read_push){0};
	if (!scan(text_of(text), "data", &data))
		return "data";
	if (!scan(data, "version", &ret_push->version))
		return "version";
	if (!scan(data, "signMethod", &ret_push->method) || !digest_hex(ret_push->method))
		return "signMethod";
	size_t hex = digest_hex(ret_push->method);
	if (memmem(data.data, data.size, "\"module\"", 8) && !scan(data, "module", &ret_push->module))
		return "module";
	if (scan(data, "files", &value))
		return scan_files(data, value, hex, ret_push);
	if (scan(data, "dProtocol", &value))
		return scan_stream(data, hex, ret_push);
	ret_push->count = 1;
	return scan_file(data, &single_words, hex, &ret_push->files[0]);
}

/* ---- C 3.x ---- */

static const char *space_skip(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* Behind a string whose first quote is at `at`; an escaped quote does not end it, and stays as it is. */
static const char *string_end(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

static const char *value_end(const char *at)
{
	int depth = 0;
	for (; *at; at++) {
		if (*at == '"')
			at = string_end(at) - 1;
		else if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		if (depth < 0 || (depth == 0 && *at == ','))
			return at;
	}
	return at;
}

static struct read_text value_trim(const char *begin, const char *end)
{
	while (end > begin && isspace((unsigned char)end[-1]))
		end--;
	if (end - begin >= 2 && *begin == '"')
		return (struct read_text){begin + 1, (size_t)(end - begin) - 2};
	return (struct read_text){begin, (size_t)(end - begin)};
}

/* A member of one object, in exact spelling; the first one. A null is passed over, and the next word taken in its place. */
static bool member_find(const char *object, const char *key, struct read_text *ret_value)
{
	const char *at = space_skip(object);
	while (*at == '{' || *at == ',') {
		at = space_skip(at + 1);
		if (*at != '"')
			return false;
		const char *name = at + 1, *end = string_end(at);
		at = space_skip(end);
		if (*at != ':')
			return false;
		at = space_skip(at + 1);
		bool found = (size_t)(end - name) == strlen(key) + 1 && strncmp(name, key, strlen(key)) == 0;
		if (found && strncmp(at, "null", 4) == 0 && strchr(at, '"'))
			at = strchr(at, '"');
		if (found) {
			*ret_value = value_trim(at, *at == '"' ? string_end(at) : value_end(at));
			return true;
		}
		at = value_end(at);
	}
	return false;
}

/* ://host/path, no port; path and query go into 256 bytes on the stack. */
static const char *path_url(struct read_text url)
{
	const char *host = memmem(url.data, url.size, "://", 3);
	if (!host)
		return "url: no ://";
	host += 3;
	size_t rest = (size_t)(url.data + url.size - host);
	const char *path = memchr(host, '/', rest);
	if (!path)
		return "url: no path";
	if (memchr(host, ':', (size_t)(path - host)))
		return "url: a port";
	return url.data + url.size - path > 255 ? "url: the stack" : NULL;
}

const char *read_by_path(const char *text, struct read_push *ret_push)
{
	struct read_text message, data, size;
	struct read_file *file = &ret_push->files[0];
	*ret_push = (struct read_push){.count = 1};
	if (!member_find(text, "message", &message) || !read_text_is(message, "success"))
		return "message";
	if (!member_find(text, "data", &data))
		return "data";
	if (!member_find(data.data, "version", &ret_push->version) || ret_push->version.size < 1 || ret_push->version.size > 32)
		return "version";
	if (!member_find(data.data, "url", &file->url))
		return "url";
	if (!member_find(data.data, "md5", &file->digest) || file->digest.size > 32)
		return "md5";
	if (!member_find(data.data, "size", &size) || size.size > 16 || !number_take(size, &file->size))
		return "size";
	return path_url(file->url);
}

/* ---- hobby ---- */

#define TEXT "\"%n%*[^\"]%n\""
enum { PLACES = 6 };

#define HEAD "{\"code\":\"1000\",\"data\":{\"size\":%llu,"
#define TAIL "\"sign\":" TEXT ",\"version\":" TEXT ",\"url\":" TEXT ",\"signMethod\":" TEXT ",\"md5\":" TEXT "%n"

static const char with_module[] = HEAD "\"module\":" TEXT "," TAIL;
static const char without_module[] = HEAD TAIL;

static bool template_match(const char *text, bool module, unsigned long long *ret_size, struct read_text words[PLACES])
{
	int at[2 * PLACES] = {0}, end = 0;
	if (module)
		sscanf(text, with_module, ret_size, &at[0], &at[1], &at[2], &at[3], &at[4], &at[5], &at[6], &at[7], &at[8],
		       &at[9], &at[10], &at[11], &end);
	else
		sscanf(text, without_module, ret_size, &at[2], &at[3], &at[4], &at[5], &at[6], &at[7], &at[8], &at[9], &at[10],
		       &at[11], &end);
	for (size_t i = 0; i < PLACES; i++)
		words[i] = (struct read_text){text + at[2 * i], (size_t)(at[2 * i + 1] - at[2 * i])};
	return end > 0;
}

const char *read_by_template(const char *text, struct read_push *ret_push)
{
	struct read_text words[PLACES];
	unsigned long long size = 0;
	*ret_push = (struct read_push){.count = 1};
	if (!template_match(text, true, &size, words) && !template_match(text, false, &size, words))
		return "the template";
	ret_push->module = words[0];
	ret_push->version = words[2];
	ret_push->method = words[4];
	ret_push->files[0] = (struct read_file){.size = size, .url = words[3], .digest = words[1]};
	/* The field's own clients know one method in one spelling. */
	return read_text_is(words[4], "Md5") && text_is_hex(words[5], 32) ? NULL : "signMethod";
}
