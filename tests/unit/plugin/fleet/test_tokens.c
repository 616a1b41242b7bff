/* Operators' tokens: made, shown once, used, expired, revoked. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/credential.h"
#include "common/file.h"
#include "common/text.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void open_fleet(void)
{
	fleet_open(&fleet, 1);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(tokens, .init = open_fleet, .fini = close_fleet);

/* "conflict: <sentence>" or "none". */
static const char *refusal(cJSON *response)
{
	static char said[OTA_ERROR_TEXT_MAX + 32];
	const cJSON *error = cJSON_GetObjectItem(response, "error");

	snprintf(said, sizeof(said), "%s%s%s", error ? cJSON_GetObjectItem(error, "code")->valuestring : "none",
		 error ? ": " : "", error ? cJSON_GetObjectItem(error, "message")->valuestring : "");
	cJSON_Delete(response);
	return said;
}

static void expect_refusal(cJSON *response, const char *code, const char *words)
{
	const char *said = refusal(response);

	cr_expect(strncmp(said, code, strlen(code)) == 0 && strstr(said, words), "%s", said);
}

/* The row of a token in listTokens, the caller's; NULL if there is none. */
static cJSON *token_row(const char *name)
{
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listTokens\"}"), *items = cJSON_GetObjectItem(page, "items"), *row = NULL;

	for (int i = 0; i < cJSON_GetArraySize(items) && !row; i++)
		if (strcmp(cJSON_GetObjectItem(cJSON_GetArrayItem(items, i), "name")->valuestring, name) == 0)
			row = cJSON_DetachItemFromArray(items, i);
	cJSON_Delete(page);
	return row;
}

static double time_of(const char *name, const char *member)
{
	cJSON *row = token_row(name);
	const cJSON *value = cJSON_GetObjectItem(row, member);
	double at = value ? value->valuedouble : 0;

	cr_assert(row, "%s is not listed", name);
	cJSON_Delete(row);
	return at;
}

static bool works(const char *token)
{
	return strcmp(refusal(fleet_ask_as(&fleet, token, "{\"command\":\"listProducts\"}")), "none") == 0;
}

/* How many events of that word there are. */
static int noted(const char *word, const char *detail)
{
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"limit\":500}");
	const cJSON *event;
	int count = 0;

	cJSON_ArrayForEach(event, cJSON_GetObjectItem(page, "items")) {
		count += strcmp(cJSON_GetObjectItem(event, "event")->valuestring, word) == 0 &&
			 strstr(cJSON_GetObjectItem(event, "detail")->valuestring, detail) != NULL;
	}
	cJSON_Delete(page);
	return count;
}

Test(tokens, a_made_token_works_until_it_expires)
{
	char token[OTA_TOKEN_SIZE];

	ota_text_cut(token, sizeof(token), fleet_token(&fleet, "ci", "viewer", "90d"));
	cr_expect(ota_token_is_wellformed(ota_span_from_text(token)));
	cr_expect(works(token));
	cr_expect_eq((int64_t)time_of("ci", "expiresAt"), fleet.now.wall_ms + 90LL * OTA_DAY_MS);
	fleet.now.wall_ms += 90LL * OTA_DAY_MS - 1;
	cr_expect(works(token));
	fleet.now.wall_ms += 1;
	cr_expect_not(works(token));
	cJSON *row = token_row("ci");
	cr_expect(row, "it stays listed until it is revoked");
	cJSON_Delete(row);
}

Test(tokens, a_revoked_token_fails_at_once_and_its_name_is_free)
{
	char token[OTA_TOKEN_SIZE];

	ota_text_cut(token, sizeof(token), fleet_token(&fleet, "ci", "operator", ""));
	cr_expect(works(token));
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"revokeToken\",\"name\":\"ci\",\"reason\":\"left\"}"));
	cr_expect_not(works(token));
	expect_refusal(fleet_ask(&fleet, "{\"command\":\"revokeToken\",\"name\":\"ci\"}"), "not_found", "ci");
	cr_expect(works(fleet_token(&fleet, "ci", "operator", "")));
	cr_expect_not(works(token), "the old one of that name stays dead");
	cr_expect_eq(noted("token_revoked", "left"), 1);
}

static cJSON *create(const char *name, const char *role)
{
	return fleet_ask(&fleet, "{\"command\":\"createToken\",\"name\":\"%s\",\"role\":\"%s\"}", name, role);
}

Test(tokens, a_name_is_given_once)
{
	fleet_token(&fleet, "ci", "viewer", "1m");
	expect_refusal(create("ci", "admin"), "conflict", "revoke");
	fleet.now.wall_ms += OTA_HOUR_MS;
	expect_refusal(create("ci", "admin"), "conflict", "revoke");
}

Test(tokens, the_last_admin_that_lasts_cannot_be_revoked)
{
	fleet_token(&fleet, "for_a_while", "admin", "1d");
	expect_refusal(fleet_ask(&fleet, "{\"command\":\"revokeToken\",\"name\":\"admin\"}"), "conflict", "make another");
	cr_expect_str_eq(refusal(fleet_ask(&fleet, "{\"command\":\"revokeToken\",\"name\":\"for_a_while\"}")), "none");
	fleet_token(&fleet, "second", "admin", "");
	cr_expect_str_eq(refusal(fleet_ask(&fleet, "{\"command\":\"revokeToken\",\"name\":\"admin\"}")), "none");
}

Test(tokens, members_are_judged_by_name)
{
	static const char *const bad[][2] = {
		{ "\"name\":\"a b\",\"role\":\"viewer\"", "name" },
		{ "\"name\":\"\",\"role\":\"viewer\"", "name" },
		{ "\"name\":\"ci\",\"role\":\"root\"", "role" },
		{ "\"name\":\"ci\"", "role" },
		{ "\"name\":\"ci\",\"role\":\"viewer\",\"expiresIn\":\"59s\"", "expiresIn" },
		{ "\"name\":\"ci\",\"role\":\"viewer\",\"expiresIn\":\"3651d\"", "expiresIn" },
		{ "\"name\":\"ci\",\"role\":\"viewer\",\"expiresIn\":90", "expiresIn" },
	};
	char name[OTA_TOKEN_NAME_MAX + 2];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_refusal(fleet_ask(&fleet, "{\"command\":\"createToken\",%s}", bad[i][0]), "invalid", bad[i][1]);
	snprintf(name, sizeof(name), "%0*d", OTA_TOKEN_NAME_MAX, 0);
	cr_expect_str_eq(refusal(create(name, "viewer")), "none");
	snprintf(name, sizeof(name), "%0*d", OTA_TOKEN_NAME_MAX + 1, 0);
	expect_refusal(create(name, "viewer"), "invalid", "name");
}

/* Every file of the store, searched for the bytes. */
static bool is_on_disk(const char *secret)
{
	static const char *const files[] = {"ota.db", "ota.db-wal"};
	bool found = false;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		OTA_AUTO_BYTES struct ota_bytes content = {0};
		char path[4096];

		cr_assert(ota_file_join(path, sizeof(path), fleet.directory, files[i]));
		if (ota_file_read(path, 64 * 1024 * 1024, &content, NULL) == 0 && content.data)
			found |= memmem(content.data, content.size, secret, strlen(secret)) != NULL;
	}
	return found;
}

Test(tokens, a_repeated_request_id_neither_keeps_nor_shows_the_token)
{
	const char *command = "{\"command\":\"createToken\",\"name\":\"ci\",\"role\":\"viewer\",\"requestId\":\"r1\"}";
	cJSON *made = fleet_do(&fleet, "%s", command);
	char token[OTA_TOKEN_SIZE];

	ota_text_cut(token, sizeof(token), cJSON_GetObjectItem(made, "token")->valuestring);
	cJSON_Delete(made);
	expect_refusal(fleet_ask(&fleet, "%s", command), "conflict", "shown only once");
	cr_expect(works(token), "the first answer's token is the one that counts");
	cr_expect_not(is_on_disk(token));
	cr_expect(is_on_disk("\"productKey\":\"PK\"") || is_on_disk("token_created"), "the search finds what is there");
	const char *other = "{\"command\":\"createProduct\",\"productKey\":\"P2\",\"requestId\":\"r1\"}";
	expect_refusal(fleet_ask(&fleet, "%s", other), "conflict", "another command");
}

Test(tokens, the_last_use_is_written_at_most_once_an_hour)
{
	char token[OTA_TOKEN_SIZE];

	ota_text_cut(token, sizeof(token), fleet_token(&fleet, "ci", "viewer", ""));
	cr_expect_eq((int64_t)time_of("ci", "lastUsedAt"), 0);
	int64_t first_ms = fleet.now.wall_ms;
	cr_expect(works(token));
	cr_expect_eq((int64_t)time_of("ci", "lastUsedAt"), first_ms);
	fleet.now.wall_ms += OTA_HOUR_MS - 1;
	cr_expect(works(token));
	cr_expect_eq((int64_t)time_of("ci", "lastUsedAt"), first_ms);
	fleet.now.wall_ms += 1;
	cr_expect(works(token));
	cr_expect_eq((int64_t)time_of("ci", "lastUsedAt"), fleet.now.wall_ms);
	fleet.now.wall_ms = first_ms; /* a clock that was set back is believed */
	cr_expect(works(token));
	cr_expect_eq((int64_t)time_of("ci", "lastUsedAt"), first_ms);
}

Test(tokens, who_is_refused_stands_in_the_log_at_a_pace)
{
	char viewer[OTA_TOKEN_SIZE];

	ota_text_cut(viewer, sizeof(viewer), fleet_token(&fleet, "eve", "viewer", ""));
	expect_refusal(fleet_ask_as(&fleet, viewer, "{\"command\":\"listTokens\"}"), "denied", "admin");
	cr_expect_eq(noted("access_refused", "listTokens from client test: listTokens needs the role admin"), 1);
	for (int i = 0; i < 200; i++)
		cr_expect_not(works("ota_wrong"));
	cr_expect_eq(noted("access_refused", ""), 10);
	fleet.now.heard_ms += OTA_MINUTE_MS;
	cr_expect_not(works(""));
	cr_expect_eq(noted("access_refused", ""), 10, "a question without a token is no attempt");
	cr_expect_not(works("ota_wrong"));
	cr_expect_eq(noted("access_refused", "has expired; 191 more were not logged"), 1);
	cr_expect_eq(noted("access_refused", "ota_wrong"), 0, "what was tried is a secret, maybe a mistyped one");
}

Test(tokens, pages_show_every_token_once)
{
	char after[128] = "";
	int seen = 0, pages = 0;

	for (int i = 0; i < 9; i++) {
		char name[8];

		snprintf(name, sizeof(name), "t%d", i);
		fleet_token(&fleet, name, "viewer", "");
	}
	do {
		const char *open = *after ? ",\"after\":\"" : "", *shut = *after ? "\"" : "";
		cJSON *page = fleet_do(&fleet, "{\"command\":\"listTokens\",\"limit\":4%s%s%s}", open, after, shut);
		const cJSON *next = cJSON_GetObjectItem(page, "next");

		seen += cJSON_GetArraySize(cJSON_GetObjectItem(page, "items"));
		snprintf(after, sizeof(after), "%s", next ? next->valuestring : "");
		cJSON_Delete(page);
	} while (*after && ++pages < 10);
	cr_expect_eq(seen, 10);
}
