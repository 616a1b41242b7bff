#include "ctl/when.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "common/text.h"
#include "common/time.h"

/* As many digits as asked for, and no others, from *text on. */
static bool take_digits(const char **text, size_t digits, int *ret_value)
{
	*ret_value = 0;
	for (; digits > 0; digits--, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		*ret_value = *ret_value * 10 + **text - '0';
	}
	return true;
}

static bool take_character(const char **text, char wanted)
{
	if (**text != wanted)
		return false;
	(*text)++;
	return true;
}

static bool take_date(const char **text, struct tm *parts)
{
	bool taken = take_digits(text, 4, &parts->tm_year) && take_character(text, '-') && take_digits(text, 2, &parts->tm_mon) &&
		     take_character(text, '-') && take_digits(text, 2, &parts->tm_mday);

	parts->tm_year -= 1900;
	parts->tm_mon -= 1;
	return taken;
}

static bool take_clock(const char **text, struct tm *parts)
{
	if (!take_digits(text, 2, &parts->tm_hour) || !take_character(text, ':') || !take_digits(text, 2, &parts->tm_min))
		return false;
	return !take_character(text, ':') || take_digits(text, 2, &parts->tm_sec);
}

/* timegm() makes the 30th of February the 2nd of March: what comes back changed was no date. */
static bool date_parse(const char *text, int64_t *ret_ms)
{
	struct tm parts = { 0 }, again;

	if (!take_date(&text, &parts))
		return false;
	if (take_character(&text, 'T') && !take_clock(&text, &parts))
		return false;
	take_character(&text, 'Z');
	if (*text)
		return false;
	struct tm given = parts;
	time_t seconds = timegm(&parts);
	if (seconds < 0 || !gmtime_r(&seconds, &again) || again.tm_mon != given.tm_mon || again.tm_hour != given.tm_hour ||
	    again.tm_min != given.tm_min || again.tm_sec != given.tm_sec)
		return false;
	*ret_ms = (int64_t)seconds * OTA_SECOND_MS;
	return true;
}

int ota_when_parse(const char *name, const char *text, int64_t now_ms, int64_t *ret_ms, struct ota_error *error)
{
	int64_t back_ms;

	if (date_parse(text, ret_ms))
		return 0;
	if (!ota_text_parse_duration(text, &back_ms))
		return ota_fail(error, OTA_EINVALID, "--%s is \"%s\"; allowed: " OTA_WHEN_WORDS, name, text);
	*ret_ms = back_ms < now_ms ? now_ms - back_ms : 0;
	return 0;
}

int ota_when_parse_ahead(const char *text, int64_t now_ms, int64_t *ret_ms, struct ota_error *error)
{
	int64_t ahead_ms;

	if (date_parse(text, ret_ms))
		return 0;
	if (strncmp(text, "in ", 3) != 0 || !ota_text_parse_duration(text + 3, &ahead_ms))
		return ota_fail(error, OTA_EINVALID, "\"%.64s\" is no moment; allowed: " OTA_WHEN_AHEAD_WORDS, text);
	*ret_ms = now_ms + ahead_ms;
	return 0;
}
