#include "ctl/names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/digest.h"
#include "common/json.h"
#include "common/name_piece.h"
#include "common/text.h"
#include "ctl/input.h"

static char *trim(char *line)
{
	size_t size;

	line += strspn(line, " \t\r\n");
	size = strlen(line);
	while (size > 0 && strchr(" \t\r\n", line[size - 1]))
		line[--size] = '\0';
	return line;
}

/* 1 a name, 0 the end. The name is good until the next one. */
static int file_next(struct ota_names *names, const char **ret_name, struct ota_error *error)
{
	while (names->stream && getline(&names->line, &names->line_size, names->stream) >= 0) {
		const char *name = trim(names->line);

		names->number++;
		if (name[0] == '\0' || name[0] == '#')
			continue;
		*ret_name = name;
		return 1;
	}
	return names->stream && ferror(names->stream) ? ota_fail_errno(error, "%s", names->path) : 0;
}

static int name_next(struct ota_names *names, const char **ret_name, struct ota_error *error)
{
	if (names->word_next == names->word_count)
		return file_next(names, ret_name, error);
	*ret_name = names->words[names->word_next++];
	return 1;
}

static int name_check(const struct ota_names *names, const char *name, struct ota_error *error)
{
	if (ota_text_is_device_name(ota_span_from_text(name)))
		return 0;
	(void)ota_fail(error, OTA_EINVALID, "\"%.80s\" is no device name; allowed: 1..64 letters, digits and _ . : @ -", name);
	return names->number > 0 ? ota_error_prefix(error, OTA_EINVALID, "%s:%zu", names->path, names->number) : OTA_EINVALID;
}

static void start_again(struct ota_names *names)
{
	names->word_next = 0;
	names->number = 0;
	if (names->stream)
		rewind(names->stream);
}

static int read_all(struct ota_names *names, struct ota_digest *digest, struct ota_error *error)
{
	struct ota_digest_result result;
	const char *name;
	int code;

	while ((code = name_next(names, &name, error)) > 0) {
		code = name_check(names, name, error);
		if (code == 0)
			code = ota_digest_update(digest, name, strlen(name) + 1);
		if (code < 0)
			return code;
		names->count++;
		names->file_count += names->number > 0;
	}
	if (code == 0 && names->count == 0)
		code = ota_fail(error, OTA_EINVALID, "no device name is given; name devices or a --names-file");
	if (code == 0)
		code = ota_digest_finish(digest, &result);
	if (code == 0)
		ota_text_cut(names->sha256, sizeof(names->sha256), result.sha256);
	return code;
}

static int file_open(struct ota_names *names, const char *path, struct ota_error *error)
{
	struct stat status = { 0 };

	names->path = ota_input_name(path);
	names->stream = ota_input_open(path, error);
	if (!names->stream)
		return error->code;
	(void)fstat(fileno(names->stream), &status);
	if (!S_ISREG(status.st_mode))
		return ota_fail(error, OTA_EINVALID, "%s is no regular file; for a pipe give -", names->path);
	names->size = (uint64_t)status.st_size;
	return 0;
}

int ota_names_open(const char *const *words, int word_count, const char *path, struct ota_names *ret_names,
		   struct ota_error *error)
{
	struct ota_names names = { .words = words, .word_count = word_count };
	struct ota_digest *digest = ota_digest_new();
	int code = digest ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");

	if (code == 0 && path)
		code = file_open(&names, path, error);
	if (code == 0)
		code = read_all(&names, digest, error);
	(void)ota_digest_free(digest);
	if (code < 0) {
		ota_names_close(&names);
		return code;
	}
	start_again(&names);
	*ret_names = names;
	return 0;
}

void ota_names_close(struct ota_names *names)
{
	free(names->line);
	if (names->stream)
		(void)fclose(names->stream);
	names->line = NULL;
	names->stream = NULL;
}

static int piece_fill(struct ota_names *names, size_t most, struct ota_name_piece *piece, struct ota_error *error)
{
	const char *name;
	int code = 0;

	while (piece->count < most && !ota_name_piece_is_full(piece) && (code = name_next(names, &name, error)) > 0)
		(void)ota_name_piece_add(piece, ota_span_from_text(name));
	return code < 0 ? code : 0;
}

int ota_names_take(struct ota_names *names, size_t most, cJSON **ret_array, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_name_piece *piece = calloc(1, sizeof(*piece));
	int code = piece ? piece_fill(names, most, piece, error) : ota_fail(error, OTA_ENOMEM, "out of memory");

	if (code < 0)
		return code;
	*ret_array = ota_name_piece_array(piece);
	return *ret_array ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");
}

uint64_t ota_names_taken(const struct ota_names *names)
{
	off_t at = names->stream ? ftello(names->stream) : 0;

	return at > 0 ? (uint64_t)at : 0;
}
