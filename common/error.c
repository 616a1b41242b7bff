#include "common/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

/* The words are part of the protocol: they stand in answers and logs, and programs compare them. */
static const struct {
	int code;
	const char *name;
} code_names[] = {
	{OTA_OK, "ok"},
	{OTA_EINVALID, "invalid"},
	{OTA_ENOTFOUND, "not_found"},
	{OTA_ECONFLICT, "conflict"},
	{OTA_EDENIED, "denied"},
	{OTA_ELIMIT, "limit"},
	{OTA_EUNAVAILABLE, "unavailable"},
	{OTA_ETIMEOUT, "timeout"},
	{OTA_EIO, "io"},
	{OTA_ECORRUPT, "corrupt"},
	{OTA_EVERSION, "version"},
	{OTA_EVERIFY, "verify"},
	{OTA_ENOMEM, "no_memory"},
	{OTA_ECANCELED, "canceled"},
};

enum { CODE_COUNT = sizeof(code_names) / sizeof(code_names[0]) };

const char *ota_code_name(int code)
{
	for (size_t i = 0; i < CODE_COUNT; i++)
		if (code_names[i].code == code)
			return code_names[i].name;
	return "unknown";
}

int ota_code_from_name(const char *name)
{
	for (size_t i = 0; i < CODE_COUNT; i++)
		if (strcmp(code_names[i].name, name) == 0)
			return code_names[i].code;
	return OTA_OK;
}

/* The sentence may end in a terminal, a log or a JSON answer: nothing of it may move a cursor or begin a line, and what it quotes
 * may have been cut in the middle of a character ("%.64s"). */
static void text_defuse(char *text)
{
	while (*text) {
		uint32_t character = 0;
		size_t size = ota_text_utf8_next(ota_span_from_text(text), &character);
		if (size == 0 || character < 0x20 || (character >= 0x7f && character < 0xa0)) {
			size = size > 0 ? size : 1;
			memset(text, '?', size);
		}
		text += size;
	}
}

static int error_fill(struct ota_error *error, int code, const char *path, const char *format, va_list arguments)
	__attribute__((format(printf, 4, 0)));

static int error_fill(struct ota_error *error, int code, const char *path, const char *format, va_list arguments)
{
	if (!error)
		return code;
	error->code = code;
	snprintf(error->path, sizeof(error->path), "%s", path);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	text_defuse(error->path);
	text_defuse(error->text);
	return code;
}

/* Appends as much as fits, whole characters only. */
static void text_append(char text[OTA_ERROR_TEXT_MAX], const char *more)
{
	size_t used = strlen(text);
	ota_text_cut(text + used, OTA_ERROR_TEXT_MAX - used, more);
}

int ota_fail(struct ota_error *error, int code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	error_fill(error, code, "", format, arguments);
	va_end(arguments);
	return code;
}

int ota_fail_at(struct ota_error *error, int code, const char *path, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	error_fill(error, code, path, format, arguments);
	va_end(arguments);
	return code;
}

/* What a caller can act on: free space, or look elsewhere. The rest is for people to read. */
static int code_of_errno(int number)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT:
		return OTA_ELIMIT;
	case ENOENT:
		return OTA_ENOTFOUND;
	default:
		return OTA_EIO;
	}
}

int ota_fail_errno(struct ota_error *error, const char *format, ...)
{
	int number = errno; /* before anything below can change it */
	int code = code_of_errno(number);
	char words[128];
	va_list arguments;
	va_start(arguments, format);
	error_fill(error, code, "", format, arguments);
	va_end(arguments);
	if (error) {
		text_append(error->text, ": ");
		text_append(error->text, strerror_r(number, words, sizeof(words)));
	}
	return code;
}

int ota_error_recode(struct ota_error *error, int code)
{
	if (error)
		error->code = code;
	return code;
}

int ota_error_prefix(struct ota_error *error, int code, const char *format, ...)
{
	if (!error)
		return code;
	char text[OTA_ERROR_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	text_defuse(text);
	/* A sentence too long is cut at its end: the context in front is what finds the place. */
	text_append(text, ": ");
	text_append(text, error->text);
	memcpy(error->text, text, sizeof(text));
	return error->code;
}
