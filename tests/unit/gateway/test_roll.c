/* Lists of names as their bytes come (gateway/roll.h): any cut gives the same names, and a wrong one its line. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "gateway/roll.h"

static struct ota_roll roll;
static struct ota_error error;

/* All of it, `cut` bytes at a time; full pieces are dropped as if they were sent. */
static int feed(const char *text, size_t cut)
{
	memset(&roll, 0, sizeof(roll));
	error = (struct ota_error){0};
	for (size_t at = 0; at < strlen(text);) {
		size_t left = strlen(text) - at;
		struct ota_span bytes = {text + at, left < cut ? left : cut};
		size_t before = bytes.size;
		int code = ota_roll_take(&roll, &bytes, &error);

		if (code < 0)
			return code;
		at += before - bytes.size;
		if (ota_name_piece_is_full(&roll.piece))
			ota_name_piece_clear(&roll.piece);
	}
	return ota_roll_end(&roll, &error);
}

static void expect_names(const char *text, const char *names)
{
	for (size_t cut = 1; cut <= strlen(text) + 1; cut++) {
		cr_assert_eq(feed(text, cut), 0, "%zu: %s", cut, error.text);
		cJSON *array = ota_name_piece_array(&roll.piece);
		char *told = cJSON_PrintUnformatted(array);

		cr_expect_str_eq(told, names, "cut at %zu: %s", cut, told);
		free(told);
		cJSON_Delete(array);
	}
}

Test(roll, a_name_a_line_however_the_bytes_come)
{
	expect_names("a\nb\n", "[\"a\",\"b\"]");
	expect_names("a\r\nb", "[\"a\",\"b\"]");
	expect_names("# who\n\n  \t\n\ta  \n #b\nc   ", "[\"a\",\"c\"]");
	expect_names("", "[]");
	expect_names("a\nb\na\n", "[\"a\",\"b\"]");
	cr_expect_eq(roll.doubles, 1);
	cr_expect_eq(roll.names, 3);
}

Test(roll, a_wrong_name_is_told_with_its_line)
{
	char text[4096];

	cr_expect_eq(feed("a\n\nb c\n", 3), OTA_EINVALID);
	cr_expect_str_eq(error.text, "line 3: \"b c\" is no device name; allowed: 1..64 letters, digits and _ . : @ -");
	cr_expect_eq(feed("a\n\xC3\xBC", 1), OTA_EINVALID);
	/* The longest that can be right, with room around it, and one more. */
	snprintf(text, sizeof(text), "%*s\n", OTA_DEVICE_NAME_MAX, "n");
	memset(text, 'n', OTA_DEVICE_NAME_MAX);
	cr_expect_eq(feed(text, 7), 0, "%s", error.text);
	memset(text, 'n', OTA_DEVICE_NAME_MAX + 1);
	text[OTA_DEVICE_NAME_MAX + 1] = '\0';
	cr_expect_eq(feed(text, 7), OTA_EINVALID);
	/* Far beyond what is kept of a line. */
	memset(text, 'n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cr_expect_eq(feed(text, 100), OTA_EINVALID);
	text[0] = '#';
	cr_expect_eq(feed(text, 100), 0, "a comment may be as long as it likes");
	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "ab", 2);
	cr_expect_eq(feed(text, 100), 0, "and so may the space behind a name");
	text[sizeof(text) - 2] = 'x';
	cr_expect_eq(feed(text, 100), OTA_EINVALID);
}

/* A piece ends where a command does; the rest waits for the next one. */
Test(roll, a_full_piece_leaves_the_rest)
{
	char *text = malloc(OTA_NAMES_MAX * 8);
	size_t size = 0;

	for (int i = 0; i < OTA_NAMES_MAX + 5; i++)
		size += (size_t)snprintf(text + size, 8, "n%d\n", i);
	struct ota_span bytes = {text, size};
	memset(&roll, 0, sizeof(roll));
	cr_assert_eq(ota_roll_take(&roll, &bytes, &error), 0);
	cr_expect_eq(roll.piece.count, OTA_NAMES_MAX);
	cr_expect(memcmp(bytes.data, "n1000\n", 6) == 0);
	ota_name_piece_clear(&roll.piece);
	cr_assert_eq(ota_roll_take(&roll, &bytes, &error), 0);
	cr_expect_eq(roll.piece.count, 5);
	cr_expect_eq(bytes.size, 0);
	free(text);
}

/* Names as long as they may be: their command still fits the broker's. */
Test(roll, a_piece_of_the_longest_names_fits_a_command)
{
	char name[OTA_DEVICE_NAME_MAX + 2];
	OTA_AUTO_BYTES struct ota_bytes text = {0};

	memset(&roll, 0, sizeof(roll));
	for (int i = 0; !ota_name_piece_is_full(&roll.piece); i++) {
		snprintf(name, sizeof(name), "%064d\n", i);
		struct ota_span bytes = {name, OTA_DEVICE_NAME_MAX + 1};
		cr_assert_eq(ota_roll_take(&roll, &bytes, &error), 0);
	}
	cJSON *array = ota_name_piece_array(&roll.piece);
	char *told = cJSON_PrintUnformatted(array);
	cr_expect(roll.piece.count > 600 && strlen(told) < OTA_PAYLOAD_MAX - 8192, "%zu names, %zu bytes", roll.piece.count,
		  strlen(told));
	free(told);
	cJSON_Delete(array);
}

Test(roll, a_list_ends_at_a_million)
{
	memset(&roll, 0, sizeof(roll));
	roll.names = OTA_ROLL_NAMES_MAX - 1;
	struct ota_span bytes = ota_span_from_text("last\n");
	cr_expect_eq(ota_roll_take(&roll, &bytes, &error), 0);
	bytes = ota_span_from_text("over\n");
	cr_expect_eq(ota_roll_take(&roll, &bytes, &error), OTA_ELIMIT);
	cr_expect_str_eq(error.text, "line 2: a list has at most 1000000 names; send the rest as another one");
}
