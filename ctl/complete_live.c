#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "ctl/client.h"
#include "ctl/complete.h"

enum { PATIENCE_S = 2 }; /* who pressed a key waits no longer */

/* What was printed so far is out: a slow server takes away no more than its own names. */
static void give_up(int signal)
{
	(void)signal;
	_exit(0);
}

static cJSON *ask_server(const char *command, const char *product)
{
	const struct ota_access_options options = { NULL };
	struct ota_client *client = NULL;
	struct ota_error error = { 0 };
	struct ota_access access;
	cJSON *members = cJSON_CreateObject();
	cJSON *data = NULL, *items = NULL;

	if (ota_access_read(&options, &access, &error) == 0 && ota_client_open(&access, &client, &error) == 0 &&
	    cJSON_AddStringToObject(members, "command", command) &&
	    (!product || cJSON_AddStringToObject(members, "productKey", product)) &&
	    ota_client_call(client, members, &data, &error) == 0)
		items = cJSON_DetachItemFromObjectCaseSensitive(data, "items");
	explicit_bzero(&access, sizeof(access));
	(void)ota_client_free(client);
	cJSON_Delete(members);
	cJSON_Delete(data);
	return items;
}

static cJSON *ask(void *context, const char *command, const char *product)
{
	(void)fflush(context);
	(void)signal(SIGALRM, give_up);
	(void)alarm(PATIENCE_S);
	return ask_server(command, product);
}

void ota_complete_live(FILE *stream, int count, char *const *words)
{
	const struct ota_complete complete = { .stream = stream, .ask = ask, .context = stream };

	ota_complete(&complete, count, words);
}
