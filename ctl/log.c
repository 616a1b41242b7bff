/*
 * log, device log: a search of the event log, or with --follow what happens, as it happens.
 */
#include <time.h>

#include "common/limits.h"
#include "common/text.h"
#include "common/time.h"
#include "ctl/verbs.h"
#include "ctl/when.h"

enum { BEGIN_WITH = 10 /* events that have happened, before --follow shows new ones */ };

struct follower {
	struct ota_invocation *invocation;
	cJSON *command;
	int64_t last; /* everything up to this id was shown */
	bool is_away; /* the server, at the last look */
};

static bool set_number(cJSON *command, const char *key, int64_t value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(command, key);
	return cJSON_AddNumberToObject(command, key, (double)value) != NULL;
}

static int set_time(const struct ota_invocation *invocation, cJSON *command, const char *name, struct ota_error *error)
{
	const char *text = ota_invocation_value(invocation, name);
	int64_t at_ms;

	if (!text)
		return 0;
	int code = ota_when_parse(name, text, invocation->output.now_ms, &at_ms, error);
	if (code == 0 && !set_number(command, name, at_ms))
		code = ota_fail(error, OTA_ENOMEM, "out of memory");
	return code;
}

/* --- the events that have happened, before those that follow --- */

/* Moves the events of a page to the front of a list, the oldest first, up to `most`. */
static void collect(cJSON *events, cJSON *page, int64_t most)
{
	cJSON *items = cJSON_GetObjectItemCaseSensitive(page, "items");

	while (items && items->child && cJSON_GetArraySize(events) < most)
		cJSON_InsertItemInArray(events, 0, cJSON_DetachItemViaPointer(items, items->child));
}

static int64_t last_of(const cJSON *page)
{
	int64_t last = 0;

	ota_json_integer((struct ota_json_place){ .object = page, .prefix = "" }, "last", 0, OTA_INTEGER_MAX, &last, NULL);
	return last;
}

/* The newest `most`, from as many pages as it takes. */
static int show_newest(struct follower *follower, int64_t most, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *events = cJSON_CreateArray();
	bool more = true, first = true;

	while (more) {
		OTA_AUTO_JSON cJSON *page = NULL;
		int code = ota_invocation_ask(follower->invocation, follower->command, &page, error);

		if (code < 0)
			return code;
		if (first)
			follower->last = last_of(page);
		first = false;
		collect(events, page, most);
		const cJSON *next = ota_json_member(page, "next");
		more = cJSON_IsString(next) && cJSON_GetArraySize(events) < most;
		cJSON_DeleteItemFromObjectCaseSensitive(follower->command, "after");
		if (more && !cJSON_AddStringToObject(follower->command, "after", next->valuestring))
			return ota_fail(error, OTA_ENOMEM, "out of memory");
	}
	ota_output_page(&follower->invocation->output, follower->invocation->verb->view, events);
	return 0;
}

/* --- and those that follow --- */

/* Shows what is new; *ret_more tells that there may be more at once. A server that is away is told of once, and asked again. */
static int look(struct follower *follower, bool *ret_more, struct ota_error *error)
{
	struct ota_invocation *invocation = follower->invocation;
	OTA_AUTO_JSON cJSON *page = NULL;
	int code = set_number(follower->command, "above", follower->last)
			   ? ota_invocation_ask(invocation, follower->command, &page, error)
			   : ota_fail(error, OTA_ENOMEM, "out of memory");

	*ret_more = false;
	if (ota_client_may_recover(code)) {
		if (!follower->is_away)
			(void)fprintf(invocation->messages, "otactl: %s; trying again\n", error->text);
		follower->is_away = true;
		return 0;
	}
	if (code < 0)
		return code;
	if (follower->is_away)
		(void)fputs("otactl: the server is back; nothing was missed\n", invocation->messages);
	follower->is_away = false;
	*ret_more = last_of(page) > follower->last;
	follower->last = last_of(page);
	ota_output_page(&invocation->output, invocation->verb->view, ota_json_member(page, "items"));
	(void)fflush(invocation->output.stream);
	return 0;
}

/* Until the operator ends it: by Ctrl-C, whose exit code is 130 as for any program that leaves it to the system. */
static int follow(struct follower *follower, struct ota_error *error)
{
	static const struct timespec pause = { .tv_sec = 1 };
	bool more = true;
	int code = 0;

	(void)fflush(follower->invocation->output.stream);
	if (!set_number(follower->command, "limit", OTA_PAGE_MAX))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	while (code == 0) {
		if (!more)
			(void)nanosleep(&pause, NULL);
		follower->invocation->output.now_ms = ota_wall_ms();
		code = look(follower, &more, error);
	}
	return code;
}

static int follow_begin(struct ota_invocation *invocation, cJSON *command, struct ota_error *error)
{
	struct follower follower = { .invocation = invocation, .command = command };
	int64_t most = BEGIN_WITH;
	const char *limit = ota_invocation_value(invocation, "limit");
	int code = 0;

	if (invocation->output.form == OTA_OUTPUT_JSON)
		return ota_fail(error, OTA_EINVALID, "--follow never ends, and json is one document; use -o jsonl");
	if (ota_invocation_value(invocation, "until"))
		return ota_fail(error, OTA_EINVALID, "--follow never ends; leave --until away");
	if (limit && (!ota_text_parse_i64(ota_span_from_text(limit), &most) || most < 0))
		return ota_fail(error, OTA_EINVALID, "--limit is \"%s\"; allowed: a number", limit);
	ota_output_begin(&invocation->output);
	/* From a moment on, everything is shown; else the newest few come first. */
	if (!ota_json_member(command, "since"))
		code = show_newest(&follower, most, error);
	return code < 0 ? code : follow(&follower, error);
}

int ota_log_show(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code == 0)
		code = set_time(invocation, command, "since", error);
	if (code == 0)
		code = set_time(invocation, command, "until", error);
	if (code < 0)
		return code;
	if (ota_invocation_value(invocation, "follow"))
		return follow_begin(invocation, command, error);
	return ota_invocation_list(invocation, command, error);
}
