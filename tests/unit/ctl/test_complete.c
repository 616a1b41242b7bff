#include "ctl/complete.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char said[8192];
static char asked[128];

static cJSON *answer(void *context, const char *command, const char *product)
{
	(void)context;
	(void)snprintf(asked, sizeof(asked), "%s %s", command, product ? product : "-");
	return cJSON_Parse("[{\"productKey\":\"pk1\",\"name\":\"One\",\"deviceName\":\"a:1\",\"id\":7,\"state\":\"running\"},"
			   "{\"productKey\":\"pk2\\u001b\",\"deviceName\":\"b\",\"id\":71}]");
}

/* What is said at the end of a line; words are separated by one space, so that a trailing one begins a new word. */
static const char *complete(const char *text)
{
	struct ota_complete how = {.ask = answer};
	char *copy = strdup(text), *rest = copy, *words[16];
	int count = 0;

	for (char *word = strsep(&rest, " "); word && count < 16; word = strsep(&rest, " "))
		words[count++] = word;
	asked[0] = '\0';
	memset(said, 0, sizeof(said));
	how.stream = fmemopen(said, sizeof(said), "w");
	ota_complete(&how, count, words);
	(void)fclose(how.stream);
	free(copy);
	return said;
}

static void expect(const char *line, const char *candidates)
{
	cr_expect_str_eq(complete(line), candidates, "%s: %s", line, said);
}

Test(complete, nouns_then_verbs)
{
	expect("pr", "product\n");
	expect("-o json bat", "batch\n");
	expect("batch res", "resume\tgo on\n");
	expect("nothing ", "");
	expect("help ta", "task\n");
}

Test(complete, options_of_the_verb_and_of_all)
{
	cr_expect_not_null(strstr(complete("batch create --"), "--on-conflict\t"));
	cr_expect_not_null(strstr(said, "--output\t"));
	expect("batch create --ki",
	       "--kind\tstatic (default); verify: a few devices prove the package; dynamic: whoever comes to match later"
	       " joins\n");
	expect("product list --ki", "");
}

Test(complete, choices_are_those_of_the_command)
{
	expect("batch create --kind ", "verify\nstatic\ndynamic\n");
	expect("batch create -k v", "verify\n");
	expect("batch create --kind=v", "verify\n");
	expect("batch list -s ", "planned\nrunning\npaused\ncompleted\ncanceled\n");
	expect("token add x --role o", "operator\n");
	expect("device list --online ", "true\nfalse\n");
	expect("log -o json", "json\njsonl\n");
}

Test(complete, what_the_server_knows_is_asked_where_it_fits)
{
	expect("product show ", "pk1\tOne\npk2 \n");
	expect("batch watch 7", "7\trunning\n71\n");
	cr_expect_str_eq(asked, "listBatches -");
	expect("device show pk1 a", "a:1\n");
	cr_expect_str_eq(asked, "listDevices pk1");
	expect("batch create -p pk2 --all --device ", "a:1\nb\n");
	cr_expect_str_eq(asked, "listDevices pk2");
}

Test(complete, nobody_is_asked_where_nothing_fits)
{
	expect("batch create --device ", ""); /* of which product? */
	expect("batch create --name ", "");
	expect("server status ", "");
	cr_expect_str_eq(asked, "");
}

Test(complete, files_are_the_shells_business)
{
	expect("package add fw", ":file\n");
	expect("batch create --names-file ", ":file\n");
	expect("--token-file ", ":file\n");
}
