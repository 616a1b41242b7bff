#include "common/config.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/file.h"
#include "common/limits.h"
#include "common/nearest.h"
#include "common/text.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* One value on its way into the target struct. */
struct entry {
	const struct ota_config_row *row;
	void *target;
	const char *value;
	const char *directory; /* what relative paths hang from; NULL = the current one */
	struct ota_error *error;
};

static int entry_fail(const struct entry *entry, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int entry_fail(const struct entry *entry, const char *format, ...)
{
	char sentence[OTA_ERROR_TEXT_MAX / 2];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	return ota_fail_at(entry->error, OTA_EINVALID, entry->row->key, "%s: %s", entry->row->key, sentence);
}

static void entry_store(const struct entry *entry, const void *value, size_t size)
{
	memcpy((char *)entry->target + entry->row->offset, value, size);
}

static int text_store(const struct entry *entry, const char *text)
{
	if (strlen(text) >= entry->row->size)
		return entry_fail(entry, "is %zu bytes long; at most %zu are allowed", strlen(text), entry->row->size - 1);
	entry_store(entry, text, strlen(text) + 1);
	return 0;
}

static int path_store(const struct entry *entry)
{
	char here[PATH_MAX], path[PATH_MAX];
	if (entry->value[0] == '/')
		return text_store(entry, entry->value);
	/* "store =" is a slip, not a wish for the directory of the file. */
	if (entry->value[0] == '\0')
		return entry_fail(entry, "must be a path");
	const char *directory = entry->directory ? entry->directory : getcwd(here, sizeof(here));
	if (!directory || !ota_file_join(path, sizeof(path), directory, entry->value))
		return entry_fail(entry, "cannot be made an absolute path");
	return text_store(entry, path);
}

static int bool_store(const struct entry *entry)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"yes", true}, {"true", true}, {"no", false}, {"false", false}};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(entry->value, words[i].word) == 0) {
			entry_store(entry, &words[i].value, sizeof(bool));
			return 0;
		}
	}
	return entry_fail(entry, "\"%.64s\" must be yes or no", entry->value);
}

static bool is_within(const struct ota_config_row *row, int64_t value)
{
	return row->low == 0 && row->high == 0 ? value >= 0 : value >= row->low && value <= row->high;
}

static int integer_store(const struct entry *entry)
{
	const struct ota_config_row *row = entry->row;
	int64_t value;
	bool is_number = ota_text_parse_i64(ota_span_from_text(entry->value), &value);
	if (!is_number || !is_within(row, value)) {
		if (row->low == 0 && row->high == 0)
			return entry_fail(entry, "\"%.64s\" must be an integer of at least 0", entry->value);
		return entry_fail(entry, "\"%.64s\" must be an integer from %lld to %lld", entry->value, (long long)row->low,
				  (long long)row->high);
	}
	entry_store(entry, &value, sizeof(value));
	return 0;
}

static int size_store(const struct entry *entry)
{
	uint64_t bytes;
	if (!ota_text_parse_size(entry->value, &bytes))
		return entry_fail(entry, "\"%.64s\" must be a size such as 512k, 16M or 1G", entry->value);
	if (bytes > INT64_MAX || !is_within(entry->row, (int64_t)bytes))
		return entry_fail(entry, "\"%.64s\" must be from %lld to %lld bytes", entry->value, (long long)entry->row->low,
				  entry->row->high ? (long long)entry->row->high : (long long)INT64_MAX);
	entry_store(entry, &bytes, sizeof(bytes));
	return 0;
}

static int duration_store(const struct entry *entry)
{
	char low[32], high[32];
	int64_t ms;
	if (!ota_text_parse_duration(entry->value, &ms))
		return entry_fail(entry, "\"%.64s\" must be a duration such as 250ms, 90s, 10m, 24h or 30d", entry->value);
	if (!is_within(entry->row, ms)) {
		ota_text_print_duration(low, entry->row->low);
		ota_text_print_duration(high, entry->row->high);
		return entry_fail(entry, "\"%.64s\" must be from %s to %s", entry->value, low, high);
	}
	entry_store(entry, &ms, sizeof(ms));
	return 0;
}

static int choice_store(const struct entry *entry)
{
	OTA_AUTO_BYTES struct ota_bytes allowed = {0};
	const char *const *choices = entry->row->choices;
	for (int i = 0; choices[i]; i++) {
		if (strcmp(entry->value, choices[i]) == 0) {
			entry_store(entry, &i, sizeof(i));
			return 0;
		}
		ota_bytes_format(&allowed, "%s%s", i > 0 ? ", " : "", choices[i]);
	}
	return entry_fail(entry, "\"%.64s\" must be one of %s", entry->value, allowed.data ? allowed.data : "nothing");
}

static int entry_apply(const struct entry *entry)
{
	switch (entry->row->type) {
	case OTA_CONFIG_TEXT:
		return text_store(entry, entry->value);
	case OTA_CONFIG_PATH:
		return path_store(entry);
	case OTA_CONFIG_BOOL:
		return bool_store(entry);
	case OTA_CONFIG_INTEGER:
		return integer_store(entry);
	case OTA_CONFIG_SIZE:
		return size_store(entry);
	case OTA_CONFIG_DURATION:
		return duration_store(entry);
	case OTA_CONFIG_CHOICE:
		return choice_store(entry);
	}
	return entry_fail(entry, "has an unknown type in the table");
}

static const struct ota_config_row *row_find(const struct ota_config_spec *spec, const char *section, const char *key)
{
	for (size_t i = 0; i < spec->row_count; i++)
		if (strcmp(spec->rows[i].section, section) == 0 && strcmp(spec->rows[i].key, key) == 0)
			return &spec->rows[i];
	return NULL;
}

static bool section_is_known(const struct ota_config_spec *spec, const char *section)
{
	for (size_t i = 0; i < spec->row_count; i++)
		if (strcmp(spec->rows[i].section, section) == 0)
			return true;
	return false;
}

static const char *key_nearest(const struct ota_config_spec *spec, const char *section, const char *key)
{
	OTA_AUTO_FREE const char **keys = calloc(spec->row_count + 1, sizeof(*keys));
	size_t count = 0;
	if (!keys)
		return NULL;
	for (size_t i = 0; i < spec->row_count; i++)
		if (strcmp(spec->rows[i].section, section) == 0)
			keys[count++] = spec->rows[i].key;
	return ota_nearest(key, keys);
}

static int key_unknown(const struct ota_config_spec *spec, const char *section, const char *key, struct ota_error *error)
{
	const char *nearest = key_nearest(spec, section, key);
	const char *where = *section ? section : "the head of the file";
	if (nearest)
		return ota_fail_at(error, OTA_EINVALID, key, "%.64s: unknown key in %s; did you mean \"%s\"?", key, where,
				   nearest);
	return ota_fail_at(error, OTA_EINVALID, key, "%.64s: unknown key in %s", key, where);
}

int ota_config_set(const struct ota_config_spec *spec, void *target, const char *section, const char *key, const char *value,
		   struct ota_error *error)
{
	const struct ota_config_row *row = row_find(spec, section, key);
	if (!row)
		return key_unknown(spec, section, key, error);
	return entry_apply(&(struct entry){.row = row, .target = target, .value = value, .error = error});
}

/* A file being read, line by line. */
struct reader {
	const struct ota_config_spec *spec;
	const char *path;
	char directory[PATH_MAX];
	unsigned line, section_line;
	char kind[64], name[OTA_LABEL_MAX + 1]; /* of the section */
	void *target;
	bool *given;           /* per row: set in this section */
	struct ota_bytes seen; /* headers so far, each with its NUL */
	bool is_lost;          /* the header of this section was refused: what stands below it belongs nowhere */
	struct ota_error first; /* problem that somebody was told of */
	struct ota_error *error;
};

/* 0 when the reading goes on: nothing happened, or whoever listens was told. */
static int problem_note(struct reader *reader, unsigned line, int code)
{
	if (code == 0)
		return 0;
	if (line > 0)
		ota_error_prefix(reader->error, code, "%s:%u", reader->path, line);
	else /* what the head misses stands in no line */
		ota_error_prefix(reader->error, code, "%s", reader->path);
	if (!reader->spec->problem || !reader->error)
		return code;
	reader->spec->problem(reader->spec->context, reader->error);
	if (reader->first.code == 0)
		reader->first = *reader->error;
	*reader->error = (struct ota_error){0};
	return 0;
}

static char *text_trim(char *text)
{
	text += strspn(text, " \t\r");
	size_t size = strlen(text);
	while (size > 0 && strchr(" \t\r", text[size - 1]))
		size--;
	text[size] = '\0';
	return text;
}

static int section_enter(struct reader *reader)
{
	struct ota_error *error = reader->error;
	memset(reader->given, 0, reader->spec->row_count * sizeof(*reader->given));
	reader->section_line = reader->line;
	/* A program whose every setting stands in a section has no use for a head. */
	reader->target = NULL;
	if (reader->kind[0] == '\0' && !section_is_known(reader->spec, ""))
		return 0;
	reader->target = reader->spec->section(reader->spec->context, reader->kind, reader->name, error);
	if (reader->target)
		return 0;
	return error && error->code < 0 ? error->code : ota_fail(error, OTA_EINVALID, "section [%s] is refused", reader->kind);
}

/* What must stand in the section that ends here. The line to name is the header that misses something, not the next one. */
static int section_leave(struct reader *reader)
{
	int code = 0;
	for (size_t i = 0; i < reader->spec->row_count && code == 0 && !reader->is_lost; i++) {
		const struct ota_config_row *row = &reader->spec->rows[i];
		if (!row->required || reader->given[i] || strcmp(row->section, reader->kind) != 0)
			continue;
		code = problem_note(reader, reader->section_line,
				    ota_fail_at(reader->error, OTA_EINVALID, row->key, "%s: is missing (%s)", row->key,
						row->help ? row->help : "required"));
	}
	return code;
}

static bool header_is_repeated(const struct reader *reader, const char *header)
{
	for (size_t position = 0; position < reader->seen.size; position += strlen(reader->seen.data + position) + 1)
		if (strcmp(reader->seen.data + position, header) == 0)
			return true;
	return false;
}

/* "kind name" without the brackets. */
static int header_split(struct reader *reader, char *header)
{
	size_t size = strcspn(header, " \t");
	const char *name = header + size + strspn(header + size, " \t");
	if (!ota_text_copy(reader->kind, sizeof(reader->kind), (struct ota_span){header, size}) || size == 0 ||
	    !section_is_known(reader->spec, reader->kind))
		return ota_fail(reader->error, OTA_EINVALID, "unknown section [%.64s]", header);
	if (!ota_text_copy(reader->name, sizeof(reader->name), ota_span_from_text(name)))
		return ota_fail(reader->error, OTA_ELIMIT, "the name of a section may have at most %d bytes", OTA_LABEL_MAX);
	if (header_is_repeated(reader, header))
		return ota_fail(reader->error, OTA_EINVALID, "section [%.64s] stands twice", header);
	ota_bytes_append(&reader->seen, header, strlen(header) + 1);
	return reader->seen.failed ? ota_fail(reader->error, OTA_ENOMEM, "out of memory") : 0;
}

static int header_read(struct reader *reader, char *line)
{
	size_t size = strlen(line);
	int code;
	if (size < 2 || line[size - 1] != ']')
		return ota_fail(reader->error, OTA_EINVALID, "a section header must end in ]");
	line[size - 1] = '\0';
	code = header_split(reader, text_trim(line + 1));
	return code < 0 ? code : section_enter(reader);
}

static int pair_read(struct reader *reader, char *line)
{
	char *equals = strchr(line, '=');
	if (!equals)
		return ota_fail(reader->error, OTA_EINVALID, "\"%.64s\" is neither key = value nor [section]", line);
	*equals = '\0';
	const char *key = text_trim(line), *value = text_trim(equals + 1);
	const struct ota_config_row *row = row_find(reader->spec, reader->kind, key);
	if (!row)
		return key_unknown(reader->spec, reader->kind, key, reader->error);
	if (reader->given[row - reader->spec->rows])
		return ota_fail_at(reader->error, OTA_EINVALID, key, "%s: is given twice", key);
	reader->given[row - reader->spec->rows] = true;
	return entry_apply(&(struct entry){row, reader->target, value, reader->directory, reader->error});
}

static int line_read(struct reader *reader, char *line)
{
	int code;
	line = text_trim(line);
	if (line[0] == '\0' || line[0] == '#' || (line[0] != '[' && reader->is_lost))
		return 0;
	if (line[0] != '[')
		return problem_note(reader, reader->line, pair_read(reader, line));
	code = section_leave(reader);
	if (code < 0)
		return code;
	code = header_read(reader, line);
	reader->is_lost = code < 0;
	return problem_note(reader, reader->line, code);
}

static int lines_read(struct reader *reader, char *text)
{
	int code = problem_note(reader, reader->line, section_enter(reader));
	while (code == 0 && text) {
		char *next = strchr(text, '\n');
		if (next)
			*next++ = '\0';
		reader->line++;
		code = line_read(reader, text);
		text = next;
	}
	return code < 0 ? code : section_leave(reader);
}

/* The text of the file, checked to be text. */
static int file_load(const char *path, struct ota_bytes *out, struct ota_error *error)
{
	int code = ota_file_read(path, OTA_CONFIG_FILE_MAX, out, error);
	ota_bytes_append(out, "", 0); /* an empty file is an empty text */
	if (code == 0 && out->failed)
		return ota_fail(error, OTA_ENOMEM, "out of memory for %s", path);
	if (code < 0)
		return code;
	struct ota_span text = {.data = out->data, .size = out->size};
	/* The lines are C strings from here on: a NUL would hide what follows it. */
	if (!ota_text_is_utf8(text) || memchr(text.data, '\0', text.size))
		return ota_fail(error, OTA_EINVALID, "%s: is not a text file in UTF-8", path);
	return 0;
}

/* Some editors put a byte order mark before the first key. */
static char *text_begin(char *text)
{
	size_t mark = sizeof(BYTE_ORDER_MARK) - 1;
	return strncmp(text, BYTE_ORDER_MARK, mark) == 0 ? text + mark : text;
}

static bool directory_of(char target[PATH_MAX], const char *path)
{
	char absolute[PATH_MAX];
	/* Resolved once: the program may change its directory before it uses a path. */
	if (!realpath(path, absolute))
		return false;
	char *slash = strrchr(absolute, '/');
	size_t size = (size_t)(slash - absolute);
	return ota_text_copy(target, PATH_MAX, (struct ota_span){absolute, size > 0 ? size : 1});
}

int ota_config_read(const char *path, const struct ota_config_spec *spec, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct reader reader = {.spec = spec, .path = path, .error = error};
	int code = file_load(path, &text, error);
	if (code < 0)
		return code;
	if (!directory_of(reader.directory, path))
		return ota_fail_errno(error, "cannot find the directory of %s", path);
	reader.given = calloc(spec->row_count + 1, sizeof(*reader.given));
	if (!reader.given)
		return ota_fail(error, OTA_ENOMEM, "out of memory for %s", path);
	code = lines_read(&reader, text_begin(text.data));
	if (code == 0 && reader.first.code < 0) {
		*error = reader.first;
		code = error->code;
	}
	free(reader.given);
	ota_bytes_free(&reader.seen);
	return code;
}
