/* Recipes: a way to ask each row of the table of commands so that it works. */
#ifndef OTA_TESTS_FLEET_RECIPES_H
#define OTA_TESTS_FLEET_RECIPES_H

#include "common/bytes.h"
#include "common/command.h"
#include "common/text.h"
#include "tests/unit/plugin/fleet/fixture.h"

/* A command that works in the test's world, behind another one where it needs that. @batch, @package and the like stand for the
 * members of the world's batch and package. */
struct recipe {
	const char *command;
	const char *members; /* "" or ,"key":value... */
	const char *before;  /* a whole command of the admin, NULL = none */
	void (*prepare)(void);
};

extern struct fleet recipes_fleet;

/* Devices d0 and d1, a package, and a batch for d0. */
void recipes_open(void);
void recipes_close(void);

/* Fails the test if the command has none. */
const struct recipe *recipe_of(const struct ota_command *command);
/* Does what the command needs to have happened. */
void recipe_prepare(const struct recipe *recipe);
/* The response; `more` is "" or ,"key":value... */
cJSON *recipe_ask(const struct recipe *recipe, const char *token, const char *more);

#endif
