#include "ctl/enrol.h"

#include <string.h>

#include "ctl/meter.h"
#include "ctl/pieces.h"

enum { UNKNOWN_SHOWN = 20, DIGEST_SHOWN = 16 }; /* of its hex digits: nobody finds two lists with the same */

static int no_memory(struct ota_error *error)
{
	return ota_fail(error, OTA_ENOMEM, "out of memory");
}

cJSON *ota_enrol_sums(const char *counts)
{
	cJSON *sums = ota_pieces_sums(counts);

	if (sums && cJSON_AddArrayToObject(sums, "unknownNames"))
		return sums;
	cJSON_Delete(sums);
	return NULL;
}

static int set_members(cJSON *sums, const cJSON *members, struct ota_error *error)
{
	cJSON_DeleteItemFromObjectCaseSensitive(sums, "members");
	return cJSON_AddNumberToObject(sums, "members", members->valuedouble) ? 0 : no_memory(error);
}

int ota_enrol_answered(void *context, const cJSON *data, struct ota_error *error)
{
	cJSON *sums = context, *shown = cJSON_GetObjectItemCaseSensitive(sums, "unknownNames");
	const cJSON *members = ota_json_member(data, "members"), *name;

	cJSON_ArrayForEach(name, ota_json_member(data, "unknownNames")) {
		if (cJSON_GetArraySize(shown) == UNKNOWN_SHOWN || !cJSON_IsString(name))
			break;
		cJSON_AddItemToArray(shown, cJSON_CreateString(name->valuestring));
	}
	return cJSON_IsNumber(members) ? set_members(sums, members, error) : 0;
}

static void on_sent(void *context, uint64_t sent)
{
	struct ota_meter *meter = context;

	ota_meter_show(meter, sent, meter->transfer.size);
}

static int take_answer(cJSON *sums, const cJSON *data, struct ota_error *error)
{
	ota_pieces_add_up(sums, data);
	return ota_enrol_answered(sums, data, error);
}

static int send_file(struct ota_invocation *invocation, const cJSON *command, const struct ota_names *names, cJSON *sums,
		     struct ota_error *error)
{
	const char *quiet = ota_invocation_value(invocation, "quiet");
	OTA_AUTO_JSON cJSON *data = NULL;
	struct ota_meter meter;
	const struct ota_client_upload upload = {
		.members = command, .fd = fileno(names->stream), .size = names->size, .progress = on_sent, .context = &meter };

	ota_meter_begin(&meter, ota_meter_stream(invocation->messages, quiet), names->path, names->size);
	int code = ota_client_upload(invocation->client, &upload, &data, error);
	ota_meter_end(&meter);
	return code < 0 ? code : take_answer(sums, data, error);
}

static int send_words(struct ota_invocation *invocation, cJSON *command, struct ota_names *words, cJSON *sums,
		      struct ota_error *error)
{
	int code = 0;

	while (code == 0) {
		OTA_AUTO_JSON cJSON *data = NULL;
		cJSON *names = NULL;

		code = ota_names_take(words, OTA_NAMES_MAX, &names, error);
		if (code < 0 || !names->child) {
			cJSON_Delete(names);
			break;
		}
		cJSON_DeleteItemFromObjectCaseSensitive(command, "names");
		if (!cJSON_AddItemToObject(command, "names", names)) {
			cJSON_Delete(names);
			return no_memory(error);
		}
		code = ota_client_call(invocation->client, command, &data, error);
		if (code == 0)
			code = take_answer(sums, data, error);
	}
	cJSON_DeleteItemFromObjectCaseSensitive(command, "names");
	return code;
}

int ota_enrol(struct ota_invocation *invocation, cJSON *command, const struct ota_names *names, cJSON *sums,
	      struct ota_error *error)
{
	struct ota_names words;
	int code = 0;

	if (names->word_count > 0) {
		code = ota_names_open(names->words, names->word_count, NULL, &words, error);
		if (code < 0)
			return code;
		code = send_words(invocation, command, &words, sums, error);
		ota_names_close(&words);
	}
	if (code == 0 && names->stream)
		code = send_file(invocation, command, names, sums, error);
	return code < 0 ? ota_pieces_blame(sums, code, error) : 0;
}

static double number_of(const cJSON *sums, const char *key)
{
	const cJSON *number = ota_json_member(sums, key);

	return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

/* Unknown names are left out as they are of a batch by names, where its exclusions tell of them; here nothing else would. */
static void tell(const struct ota_invocation *invocation, const char *product, const char *group, const cJSON *sums)
{
	double unknown = number_of(sums, "unknown");
	const cJSON *first = cJSON_GetArrayItem(ota_json_member(sums, "unknownNames"), 0);

	(void)fprintf(invocation->messages, "otactl: the names are group %s of product %s, with %.0f members\n", group,
		      product, number_of(sums, "members"));
	if (unknown > 0 && cJSON_IsString(first))
		(void)fprintf(invocation->messages,
			      "otactl: %.0f of the names are no registered devices, %s for one; they are left out\n", unknown,
			      first->valuestring);
}

/* Whose group it became meanwhile, nobody knows; a batch for it would go to devices that are not in the list. */
static int check_alone(const char *group, const cJSON *sums, struct ota_error *error)
{
	if (number_of(sums, "members") > number_of(sums, "added") + number_of(sums, "already"))
		return ota_fail(error, OTA_ECONFLICT,
				"group %s, which is made for this list, has other members, too; delete it and try again", group);
	if (number_of(sums, "members") == 0)
		return ota_fail(error, OTA_ENOTFOUND, "none of the names is a registered device");
	return 0;
}

int ota_enrol_list(struct ota_invocation *invocation, const char *product, const struct ota_names *names,
		   char ret_group[OTA_ENROL_NAME_SIZE], struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *sums = ota_enrol_sums("added already unknown");
	OTA_AUTO_JSON cJSON *command = cJSON_CreateObject();
	char group[OTA_ENROL_NAME_SIZE];

	(void)snprintf(group, sizeof(group), "names-%.*s", DIGEST_SHOWN, names->sha256);
	if (!sums || !cJSON_AddStringToObject(command, "command", "addToGroup") ||
	    !cJSON_AddStringToObject(command, "productKey", product) || !cJSON_AddStringToObject(command, "group", group))
		return no_memory(error);
	int code = ota_enrol(invocation, command, names, sums, error);
	if (code == 0)
		code = check_alone(group, sums, error);
	if (code < 0)
		return code;
	tell(invocation, product, group, sums);
	memcpy(ret_group, group, sizeof(group));
	return 0;
}
