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

enum { SECTION_WORDS_SIZE = 64 }; /* "a section [KIND NAME]" */

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

/* Byte order marks, line ends of another system and what a paste brings along are seen by nobody. */
static bool is_printable(const char *text)
{
	while (*text) {
		uint32_t character = 0;
		size_t size = ota_text_utf8_next(ota_span_from_text(text), &character);
		if (size == 0 || character < 0x20 || (character >= 0x7f && character < 0xa0))
			return false;
		text += size;
	}
	return true;
}

static int text_store(const struct entry *entry, const char *text)
{
	if (entry->row->required && *text == '\0')
		return entry_fail(entry, "is empty (%s)", entry->row->help ? entry->row->help : "required");
	if (!is_printable(text))
		return entry_fail(entry, "must be text in UTF-8 without control characters");
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
	if (!directory)
		return entry_fail(entry, "\"%.64s\" must be an absolute path", entry->value);
	if (!ota_file_join(path, sizeof(path), directory, entry->value))
		return entry_fail(entry, "is %zu bytes long; at most %zu are allowed", strlen(entry->value),
				  entry->row->size - 1);
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
	char low[32], high[32];
	uint64_t bytes;
	if (!ota_text_parse_size(entry->value, &bytes))
		return entry_fail(entry, "\"%.64s\" must be a size such as 512k, 16M or 1G", entry->value);
	if (bytes > INT64_MAX || !is_within(entry->row, (int64_t)bytes)) {
		ota_text_print_size(low, (uint64_t)entry->row->low);
		ota_text_print_size(high, entry->row->high ? (uint64_t)entry->row->high : INT64_MAX);
		return entry_fail(entry, "\"%.64s\" must be from %s to %s bytes", entry->value, low, high);
	}
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

static const char *section_words(const char *section, char words[SECTION_WORDS_SIZE])
{
	if (*section)
		snprintf(words, SECTION_WORDS_SIZE, "a section [%.32s NAME]", section);
	return *section ? words : "the head of the file";
}

static bool has_sections(const struct ota_config_spec *spec)
{
	for (size_t i = 0; i < spec->row_count; i++)
		if (spec->rows[i].section[0] != '\0')
			return true;
	return false;
}

/* A key that is right, under the wrong header. NULL if there is none. */
static const char *key_home(const struct ota_config_spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->row_count; i++)
		if (strcmp(spec->rows[i].key, key) == 0)
			return spec->rows[i].section;
	return NULL;
}

/* Where there are no sections there is no head. */
static int option_unknown(const struct ota_config_spec *spec, const char *section, const char *key, struct ota_error *error)
{
	const char *nearest = key_nearest(spec, section, key);
	if (nearest)
		return ota_fail_at(error, OTA_EINVALID, key, "%.64s: unknown option; did you mean \"%s\"?", key, nearest);
	return ota_fail_at(error, OTA_EINVALID, key, "%.64s: unknown option", key);
}

static int key_unknown(const struct ota_config_spec *spec, const char *section, const char *key, struct ota_error *error)
{
	char words[SECTION_WORDS_SIZE], home_words[SECTION_WORDS_SIZE];
	const char *nearest = key_nearest(spec, section, key);
	const char *where = section_words(section, words);
	const char *home = key_home(spec, key);
	if (!has_sections(spec))
		return option_unknown(spec, section, key, error);
	if (home)
		return ota_fail_at(error, OTA_EINVALID, key, "%.64s: belongs into %s, not into %s", key,
				   section_words(home, home_words), where);
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
		return option_unknown(spec, section, key, error);
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

static int section_unknown(const struct reader *reader, const char *header)
{
	OTA_AUTO_FREE const char **kinds = calloc(reader->spec->row_count + 1, sizeof(*kinds));
	const char *nearest;
	for (size_t i = 0; kinds && i < reader->spec->row_count; i++)
		kinds[i] = reader->spec->rows[i].section;
	nearest = kinds ? ota_nearest(reader->kind, kinds) : NULL;
	if (nearest)
		return ota_fail(reader->error, OTA_EINVALID, "unknown section [%.64s]; did you mean [%.64s NAME]?", header,
				nearest);
	return ota_fail(reader->error, OTA_EINVALID, "unknown section [%.64s]", header);
}

/* "kind name" without the brackets. */
static int header_split(struct reader *reader, char *header)
{
	size_t size = strcspn(header, " \t");
	const char *name = header + size + strspn(header + size, " \t");
	if (!ota_text_copy(reader->kind, sizeof(reader->kind), (struct ota_span){header, size}) || size == 0 ||
	    !section_is_known(reader->spec, reader->kind))
		return section_unknown(reader, header);
	if (!*name)
		return ota_fail(reader->error, OTA_EINVALID, "section [%.64s] needs a name: [%.64s NAME]", header, reader->kind);
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

/* The lines are C strings from here on: a NUL would hide what follows it. */
static int text_check(const char *path, struct ota_span text, struct ota_error *error)
{
	unsigned line = 1;
	while (text.size > 0) {
		uint32_t character = 0;
		size_t size = ota_text_utf8_next(text, &character);
		if (size == 0 || character == 0)
			return ota_fail(error, OTA_EINVALID, "%s:%u: is no text in UTF-8%s", path, line,
					size ? ": it holds a NUL byte" : "");
		line += character == '\n';
		text = (struct ota_span){text.data + size, text.size - size};
	}
	return 0;
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
	return text_check(path, (struct ota_span){out->data, out->size}, error);
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
