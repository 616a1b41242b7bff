/* The whole table of commands, row by row: who may, and what the log says of it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/credential.h"
#include "tests/unit/plugin/fleet/recipes.h"

TestSuite(commands, .init = recipes_open, .fini = recipes_close);

/* --- who may --- */

/* A conflict or the like comes from behind the door: only a denial counts. */
static bool is_denied(cJSON *response)
{
	const cJSON *error = cJSON_GetObjectItem(response, "error");
	bool denied = error && strcmp(cJSON_GetObjectItem(error, "code")->valuestring, "denied") == 0;

	cJSON_Delete(response);
	return denied;
}

struct holder {
	const char *what;
	enum ota_role role; /* what the token must be good for */
	char token[OTA_TOKEN_SIZE];
};

static void holder_make(struct holder *holder)
{
	bool expires = strcmp(holder->what, "expired") == 0, revoked = strcmp(holder->what, "revoked") == 0;
	const char *role = expires || revoked ? "admin" : holder->what;

	ota_text_cut(holder->token, sizeof(holder->token), fleet_token(&recipes_fleet, holder->what, role, expires ? "1m" : ""));
	if (expires)
		fleet_advance(&recipes_fleet, OTA_MINUTE_MS);
	if (revoked)
		cJSON_Delete(fleet_do(&recipes_fleet, "{\"command\":\"revokeToken\",\"name\":\"revoked\"}"));
}

Test(commands, each_row_is_allowed_to_its_role_and_those_above_and_to_nobody_else)
{
	struct holder holders[] = {
		{ "expired", OTA_ROLE_NONE, "" },       { "revoked", OTA_ROLE_NONE, "" }, { "viewer", OTA_ROLE_VIEWER, "" },
		{ "operator", OTA_ROLE_OPERATOR, "" },  { "admin2", OTA_ROLE_ADMIN, "" }, { "none", OTA_ROLE_NONE, "" },
		{ "a stranger", OTA_ROLE_NONE, "" },
	};
	enum { HOLDERS = sizeof(holders) / sizeof(holders[0]), MADE = HOLDERS - 3 };

	for (int i = 0; i < MADE; i++)
		holder_make(&holders[i]);
	ota_text_cut(holders[MADE].token, OTA_TOKEN_SIZE, fleet_token(&recipes_fleet, "second", "admin", ""));
	cr_assert_eq(ota_token_new(holders[HOLDERS - 1].token), 0);
	for (size_t i = 0; i < ota_command_count(); i++) {
		const struct ota_command *command = ota_command_at(i);

		if (command->role == OTA_ROLE_NONE)
			continue; /* needs no token */
		for (int j = 0; j < HOLDERS; j++)
			cr_expect_eq(is_denied(recipe_ask(recipe_of(command), holders[j].token, "")),
				     holders[j].role < command->role, "%s with a token: %s", command->name, holders[j].what);
	}
}

/* --- what the log says --- */

static bool is_noted(const char *actor, const char *reason)
{
	cJSON *page = fleet_do(&recipes_fleet, "{\"command\":\"listEvents\",\"limit\":20}");
	const cJSON *event;
	bool noted = false;

	cJSON_ArrayForEach(event, cJSON_GetObjectItem(page, "items")) {
		const cJSON *by = cJSON_GetObjectItem(event, "actor");

		noted |= by && strcmp(by->valuestring, actor) == 0 &&
			 strstr(cJSON_GetObjectItem(event, "detail")->valuestring, reason) != NULL;
	}
	cJSON_Delete(page);
	return noted;
}

/* By a token that has just the role the row asks for. */
static void change_check(const struct ota_command *command)
{
	const struct recipe *recipe = recipe_of(command);
	char token[OTA_TOKEN_SIZE];

	recipes_open();
	ota_text_cut(token, sizeof(token), fleet_token(&recipes_fleet, "ann", ota_role_name(command->role), ""));
	recipe_prepare(recipe);
	cJSON *response = recipe_ask(recipe, token, ",\"reason\":\"because of 42\"");
	const cJSON *error = cJSON_GetObjectItem(response, "error");
	cr_expect(!error, "%s: %s", command->name, error ? cJSON_GetObjectItem(error, "message")->valuestring : "");
	cr_expect(is_noted("ann", "because of 42"), "%s leaves no row with its actor and reason", command->name);
	cJSON_Delete(response);
	recipes_close();
}

Test(audit, each_change_is_in_the_log_with_actor_and_reason)
{
	for (size_t i = 0; i < ota_command_count(); i++)
		if (ota_command_at(i)->mutating && ota_command_at(i)->role > OTA_ROLE_NONE)
			change_check(ota_command_at(i));
}
