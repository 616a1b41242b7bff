/*
 * POST /api/v1/groups/{productKey}/{group}/members: a list of names into a group, as long as it may be. Each thousand is a
 * command of its own, sent when the one before was answered, so that neither the broker nor this process ever holds more of the
 * list; the connection sleeps meanwhile, and what its sender has sent already waits in its socket.
 *
 * A list that breaks off leaves in the group what was sent before. To repeat it does no harm.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/request.h"
#include "gateway/roll.h"

enum { UNKNOWN_NAMED = 20 };

static const char *const counts[] = { "added", "already", "unknown" };
enum { COUNTS = sizeof(counts) / sizeof(counts[0]) };

struct ota_enrolment {
	struct ota_roll roll;
	int64_t counts[COUNTS]; /* of all answers */
	int64_t members;        /* of the last one */
	cJSON *unknown_names;   /* the first ones */
	uint64_t sent;          /* names of the roll that were answered for */
	bool is_ended;          /* the whole list was read */
};

void ota_enrolment_free(struct ota_enrolment *enrolment)
{
	if (enrolment)
		cJSON_Delete(enrolment->unknown_names);
	free(enrolment);
}

static int check_length(const struct ota_request *request, struct ota_error *error)
{
	uint64_t length = 0;

	if (!ota_request_length(request, &length))
		return ota_fail_at(error, OTA_EINVALID, MHD_HTTP_HEADER_CONTENT_LENGTH, "a list of names needs a Content-Length");
	if (length > OTA_ROLL_BYTES_MAX)
		return ota_fail_at(error, OTA_ELIMIT, MHD_HTTP_HEADER_CONTENT_LENGTH,
				   "the list has %" PRIu64 " bytes; at most %d are read: send it in parts", length,
				   OTA_ROLL_BYTES_MAX);
	return 0;
}

/* Every piece is a command of its own, and to repeat one does no harm: an Idempotency-Key has nothing to do here. */
static enum ota_next ask(struct ota_request *request, cJSON *names)
{
	struct ota_error error = { 0 };
	enum ota_next next;

	cJSON_DeleteItemFromObjectCaseSensitive(request->command, "names");
	if (names && !cJSON_AddItemToObject(request->command, "names", names)) {
		cJSON_Delete(names);
		return OTA_NEXT_CLOSE;
	}
	if (!ota_request_authorize(request, &next))
		return next;
	cJSON_DeleteItemFromObjectCaseSensitive(request->command, "requestId");
	if (ota_request_check(request, &error) < 0)
		return ota_request_refuse(request, &error);
	return ota_request_ask(request);
}

static enum ota_next ask_piece(struct ota_request *request)
{
	struct ota_roll *roll = &request->enrolment->roll;
	cJSON *names = ota_name_piece_array(&roll->piece);

	ota_name_piece_clear(&roll->piece);
	return names ? ask(request, names) : OTA_NEXT_CLOSE;
}

/* Before the body, a command without names: who may not, or names no product, is told so before he sends the list. */
static enum ota_next members_begin(struct ota_request *request)
{
	struct ota_error error = { 0 };
	bool has_length = ota_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH) != NULL;
	int code = check_length(request, &error);

	if (code < 0 && !has_length)
		return ota_request_refuse_as(request, MHD_HTTP_LENGTH_REQUIRED, NULL, NULL, &error);
	if (code == 0)
		code = ota_request_check_form(request, "a list of names", &error);
	if (code == 0)
		code = ota_route_command(&request->route, &request->target, &request->command, &error);
	if (code < 0)
		return ota_request_refuse(request, &error);
	request->enrolment = calloc(1, sizeof(*request->enrolment));
	if (!request->enrolment)
		return OTA_NEXT_CLOSE;
	request->enrolment->unknown_names = cJSON_CreateArray();
	return ask(request, NULL);
}

/* How far it had come, for who has to go on from there. */
static void refuse_rest(struct ota_request *request, const struct ota_error *error)
{
	const struct ota_enrolment *enrolment = request->enrolment;

	request->refusal = *error;
	if (enrolment->sent > 0)
		(void)ota_error_prefix(&request->refusal, error->code, "after %" PRIu64 " names", enrolment->sent);
}

static enum ota_next members_body(struct ota_request *request, struct ota_span *bytes)
{
	struct ota_roll *roll = &request->enrolment->roll;
	struct ota_error error = { 0 };

	if (ota_roll_take(roll, bytes, &error) < 0) {
		refuse_rest(request, &error);
		return OTA_NEXT_BODY;
	}
	return ota_name_piece_is_full(&roll->piece) ? ask_piece(request) : OTA_NEXT_BODY;
}

static int64_t number_of(const cJSON *data, const char *key)
{
	const cJSON *number = ota_json_member(data, key);

	return cJSON_IsNumber(number) ? (int64_t)number->valuedouble : 0;
}

static void add_up(struct ota_request *request)
{
	struct ota_enrolment *enrolment = request->enrolment;
	const cJSON *name;

	for (size_t i = 0; i < COUNTS; i++)
		enrolment->counts[i] += number_of(request->data, counts[i]);
	enrolment->members = number_of(request->data, "members");
	enrolment->sent = enrolment->roll.names;
	cJSON_ArrayForEach(name, ota_json_member(request->data, "unknownNames")) {
		if (cJSON_IsString(name) && cJSON_GetArraySize(enrolment->unknown_names) < UNKNOWN_NAMED)
			cJSON_AddItemToArray(enrolment->unknown_names, cJSON_CreateString(name->valuestring));
	}
}

static enum ota_next answer(struct ota_request *request)
{
	struct ota_enrolment *enrolment = request->enrolment;
	OTA_AUTO_JSON cJSON *tree = cJSON_CreateObject();
	const cJSON *product = ota_json_member(request->command, "productKey");
	const cJSON *group = ota_json_member(request->command, "group");
	int64_t doubles = (int64_t)enrolment->roll.doubles;
	bool made = cJSON_AddStringToObject(tree, "productKey", product->valuestring) &&
		    cJSON_AddStringToObject(tree, "group", group->valuestring) &&
		    cJSON_AddNumberToObject(tree, "members", (double)enrolment->members) &&
		    cJSON_AddNumberToObject(tree, "names", (double)enrolment->roll.names);

	/* Who stands twice in the list was a member, the second time. */
	for (size_t i = 0; i < COUNTS; i++)
		made = made && cJSON_AddNumberToObject(tree, counts[i], (double)(enrolment->counts[i] + (i == 1 ? doubles : 0)));
	if (!made || !cJSON_AddItemReferenceToObject(tree, "unknownNames", enrolment->unknown_names))
		return OTA_NEXT_CLOSE;
	return ota_request_answer(request, MHD_HTTP_OK, tree);
}

static enum ota_next members_end(struct ota_request *request)
{
	struct ota_enrolment *enrolment = request->enrolment;
	struct ota_error error = { 0 };

	enrolment->is_ended = true;
	if (ota_roll_end(&enrolment->roll, &error) < 0) {
		refuse_rest(request, &error);
		return ota_request_refuse(request, &request->refusal);
	}
	return enrolment->roll.piece.count > 0 ? ask_piece(request) : answer(request);
}

static enum ota_next members_answered(struct ota_request *request)
{
	bool is_middle = request->body_bytes > 0 && !request->enrolment->is_ended;

	if (request->error.code == 0)
		add_up(request);
	else
		refuse_rest(request, &request->error);
	if (request->refusal.code != 0 && !is_middle)
		return ota_request_refuse(request, &request->refusal);
	return request->enrolment->is_ended ? answer(request) : OTA_NEXT_BODY;
}

const struct ota_resource ota_resource_members = {
	.begin = members_begin,
	.body = members_body,
	.end = members_end,
	.answered = members_answered,
	.level = OTA_LOG_INFO,
};
