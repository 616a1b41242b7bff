/* Operators' tokens: made here, shown once, kept as a hash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/credential.h"
#include "common/text.h"
#include "plugin/control/call.h"

static int token_note(struct ota_call *call, const struct ota_operator *operator, const char *event, struct ota_error *error)
{
	char detail[OTA_EVENT_DETAIL_MAX], until[OTA_TIME_SIZE] = "";

	if (operator->expires_ms)
		ota_time_print(until, operator->expires_ms);
	snprintf(detail, sizeof(detail), "%s, %s%s%s", operator->name, operator->role, *until ? ", until " : "", until);
	return ota_call_note(call, (struct ota_call_subject){""}, event, detail, error);
}

static int64_t expiry_of(const struct ota_call *call)
{
	char text[OTA_LABEL_MAX + 1];
	int64_t life_ms = 0;

	ota_call_text(call, "expiresIn", "", text, sizeof(text));
	return ota_text_parse_duration(text, &life_ms) ? call->now.wall_ms + life_ms : 0;
}

static int token_insert(struct ota_call *call, struct ota_operator *operator, struct ota_error *error)
{
	struct ota_operator namesake;
	int failed = ota_operator_find_name(call->store, operator->name, &namesake, error);

	if (!failed)
		return ota_fail_at(error, OTA_ECONFLICT, "name", "there is a token %s already; revoke it, or take another name",
				   operator->name);
	if (failed == OTA_ENOTFOUND)
		failed = ota_operator_insert(call->store, operator, error);
	return failed ? failed : token_note(call, operator, "token_created", error);
}

int ota_handle_create_token(struct ota_call *call, struct ota_error *error)
{
	struct ota_operator operator = { .created_ms = call->now.wall_ms, .expires_ms = expiry_of(call) };
	char token[OTA_TOKEN_SIZE];

	ota_call_text(call, "name", "", operator.name, sizeof(operator.name));
	ota_call_text(call, "role", "", operator.role, sizeof(operator.role));
	ota_text_cut(operator.created_by, sizeof(operator.created_by), call->operator.name);
	if (ota_token_new(token))
		return ota_fail(error, OTA_EIO, "no random bytes for a token");
	ota_token_hash(ota_span_from_text(token), operator.token_hash);
	int failed = token_insert(call, &operator, error);
	ota_answer_operator_open(call->out, &operator);
	if (!call->undo) /* it will never be one */
		ota_answer_text(call->out, "token", token);
	ota_answer_close(call->out, '}');
	explicit_bzero(token, sizeof(token));
	call->secret = true;
	return failed;
}

int ota_handle_list_tokens(struct ota_call *call, struct ota_error *error)
{
	char after[OTA_LABEL_MAX + 1];
	size_t limit = ota_call_limit(call), count = 0, i = 0;
	OTA_AUTO_FREE struct ota_operator *rows = calloc(limit, sizeof(*rows));

	ota_call_text(call, "after", "", after, sizeof(after));
	int failed = rows ? ota_operator_list(call->store, after, rows, limit, &count, error) : OTA_ENOMEM;
	if (failed)
		return failed;
	ota_page_open(call);
	for (; i < count && ota_page_has_room(call); i++) {
		ota_answer_operator_open(call->out, &rows[i]);
		ota_answer_close(call->out, '}');
	}
	ota_page_close_text(call, i && (i < count || count == limit) ? rows[i - 1].name : NULL);
	return 0;
}

/* Without an admin nobody could make tokens again; one that expires leaves the same hole, later. */
static int last_admin_check(struct ota_call *call, const struct ota_operator *operator, struct ota_error *error)
{
	const char *admin = ota_role_name(OTA_ROLE_ADMIN);
	int64_t count = 0;

	if (strcmp(operator->role, admin) != 0 || operator->expires_ms)
		return 0;
	int failed = ota_operator_count_lasting(call->store, admin, &count, error);
	if (failed || count > 1)
		return failed;
	return ota_fail_at(error, OTA_ECONFLICT, "name",
			   "%s is the last admin token that does not expire; make another such token first",
			   operator->name);
}

int ota_handle_revoke_token(struct ota_call *call, struct ota_error *error)
{
	char name[OTA_LABEL_MAX + 1];
	struct ota_operator operator;

	ota_call_text(call, "name", "", name, sizeof(name));
	int failed = ota_operator_find_name(call->store, name, &operator, error);
	if (failed == OTA_ENOTFOUND)
		return ota_fail_at(error, failed, "name", "there is no token %s", name);
	if (!failed)
		failed = last_admin_check(call, &operator, error);
	if (!failed)
		failed = ota_operator_delete(call->store, name, error);
	if (!failed)
		failed = token_note(call, &operator, "token_revoked", error);
	ota_answer_operator_open(call->out, &operator);
	ota_answer_close(call->out, '}');
	return failed;
}
