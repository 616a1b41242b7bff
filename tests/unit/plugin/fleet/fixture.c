#include "tests/unit/plugin/fleet/fixture.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/credential.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/text.h"

static const char image[] = "image of version 2.0.0";

static void work_begin(struct fleet *fleet)
{
	cr_assert_eq(ota_store_begin(fleet->store, NULL), 0);
}

static void work_end(struct fleet *fleet)
{
	struct ota_error error = {0};

	cr_assert_eq(ota_store_commit(fleet->store, &error), 0, "%s", error.text);
}

static void line_keep(void *context, enum ota_log_level level, const char *line)
{
	struct fleet *fleet = context;

	(void)level;
	snprintf(fleet->logged.text, sizeof(fleet->logged.text), "%s", line);
	fleet->logged.refused += !strncmp(line, "refused ", 8);
	if (!strncmp(line, "refused ", 8) || !strncmp(line, "mended ", 7))
		snprintf(fleet->logged.complaint, sizeof(fleet->logged.complaint), "%s", line);
}

static void server_start(struct fleet *fleet)
{
	struct ota_error error = {0};
	char path[4096];

	fleet->log = (struct ota_log){ .write = line_keep, .context = fleet };
	cr_assert_eq(ota_store_open(fleet->directory, &fleet->store, &error), 0, "%s", error.text);
	cr_assert_eq(ota_keeper_start(&(struct ota_keeper_options){ .store_dir = fleet->directory,
								    .backup_dir = fleet->directory,
								    .package_dir = fleet->directory },
				      &fleet->keeper, &error),
		     0, "%s", error.text);
	cr_assert_eq(ota_engine_new(&(struct ota_engine_options){ .store = fleet->store,
								  .outbox = &fleet->outbox,
								  .url_keys = &fleet->keys,
								  .gateway_url = "http://gw",
								  .log = &fleet->log,
								  .start_grace_ms = fleet->grace_ms },
				    fleet->now, &fleet->engine, &error),
		     0, "%s", error.text);
	cr_assert_eq(ota_control_new(&(struct ota_control_options){ .store = fleet->store,
								    .engine = fleet->engine,
								    .keeper = fleet->keeper,
								    .package_dir = fleet->directory,
								    .store_dir = fleet->directory,
								    .started_ms = fleet->now.wall_ms },
				     &fleet->control, &error),
		     0);
	work_begin(fleet);
	cr_assert_eq(ota_control_bootstrap(fleet->control, fleet->directory, fleet->now, &error), 0, "%s", error.text);
	work_end(fleet);
	OTA_AUTO_BYTES struct ota_bytes token = {0};
	cr_assert(ota_file_join(path, sizeof(path), fleet->directory, "admin.token"));
	cr_assert_eq(ota_file_read(path, 64, &token, NULL), 0);
	ota_text_copy(fleet->token, sizeof(fleet->token), (struct ota_span){ token.data, token.size - 1 });
}

static void server_stop(struct fleet *fleet)
{
	fleet->control = ota_control_free(fleet->control);
	fleet->engine = ota_engine_free(fleet->engine);
	fleet->keeper = ota_keeper_stop(fleet->keeper);
	fleet->store = ota_store_free(fleet->store);
	ota_outbox_clear(&fleet->outbox);
}

static void devices_register(struct fleet *fleet, int devices)
{
	OTA_AUTO_BYTES struct ota_bytes names = {0};

	for (int i = 0; i < devices; i++)
		ota_bytes_format(&names, "%s\"d%d\"", i ? "," : "", i);
	if (devices)
		cJSON_Delete(
			fleet_do(fleet, "{\"command\":\"registerDevices\",\"productKey\":\"PK\",\"names\":[%s]}", names.data));
}

static void package_add(struct fleet *fleet)
{
	struct ota_digest_result digest;
	struct ota_digest *stream = ota_digest_new();
	char path[4096];

	ota_digest_update(stream, image, sizeof(image));
	ota_digest_finish(stream, &digest);
	ota_digest_free(stream);
	ota_file_join(path, sizeof(path), fleet->directory, digest.sha256);
	cr_assert_eq(ota_file_replace(path, (struct ota_span){ image, sizeof(image) }, 0644, NULL), 0);
	cJSON_Delete(fleet_do(fleet,
			      "{\"command\":\"addPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"size\":%zu,"
			      "\"sha256\":\"%s\",\"md5\":\"%s\"}",
			      sizeof(image), digest.sha256, digest.md5));
}

void fleet_open(struct fleet *fleet, int devices)
{
	*fleet = (struct fleet){ .now = { .wall_ms = 1700000000000, .heard_ms = 0 } };
	scratch_make(fleet->directory);
	fleet->grace_ms = 1;
	fleet->keys.count = 1;
	ota_text_cut(fleet->keys.keys[0].id, sizeof(fleet->keys.keys[0].id), "00000000");
	server_start(fleet);
	fleet->now.heard_ms = 10;
	cJSON_Delete(fleet_do(fleet, "{\"command\":\"createProduct\",\"productKey\":\"PK\"}"));
	devices_register(fleet, devices);
	package_add(fleet);
}

void fleet_close(struct fleet *fleet)
{
	server_stop(fleet);
	scratch_remove(fleet->directory);
}

void fleet_restart(struct fleet *fleet, int64_t away_ms)
{
	server_stop(fleet);
	memset(fleet->connection_of, 0, sizeof(fleet->connection_of));
	fleet->now.wall_ms += away_ms;
	server_start(fleet);
}

static struct ota_identity identity_of(int device)
{
	struct ota_identity identity = { .product_key = "PK" };

	snprintf(identity.device_name, sizeof(identity.device_name), "d%d", device);
	return identity;
}

static void event_apply(struct fleet *fleet, int device, struct ota_fleet_event event)
{
	struct ota_error error = {0};

	event.identity = identity_of(device);
	event.connection = fleet->connection_of[device];
	event.at = fleet->now;
	work_begin(fleet);
	int failed = ota_engine_apply(fleet->engine, &event, &error);
	cr_assert(!failed || failed == OTA_EINVALID, "%s", error.text);
	work_end(fleet);
}

void fleet_connect(struct fleet *fleet, int device)
{
	fleet->connection_of[device] = ++fleet->connections;
	event_apply(fleet, device, (struct ota_fleet_event){ .kind = OTA_FLEET_CONNECTED });
}

void fleet_disconnect(struct fleet *fleet, int device)
{
	event_apply(fleet, device, (struct ota_fleet_event){ .kind = OTA_FLEET_GONE });
	fleet->connection_of[device] = 0;
}

void fleet_fetched(struct fleet *fleet, int device, struct ota_fetched fetched)
{
	event_apply(fleet, device, (struct ota_fleet_event){.kind = OTA_FLEET_FETCHED, .fetched = fetched});
}

void fleet_send_bytes(struct fleet *fleet, int device, enum ota_topic_kind topic, struct ota_span payload)
{
	event_apply(fleet, device, (struct ota_fleet_event){.kind = OTA_FLEET_MESSAGE, .topic = topic, .payload = payload});
}

void fleet_send(struct fleet *fleet, int device, enum ota_topic_kind topic, const char *payload)
{
	fleet_send_bytes(fleet, device, topic, ota_span_from_text(payload));
}

void fleet_send_as(struct fleet *fleet, const char *product_key, const char *device_name, const char *payload)
{
	struct ota_error error = {0};
	struct ota_fleet_event event = {
		.kind = OTA_FLEET_MESSAGE, .topic = OTA_TOPIC_INFORM, .payload = ota_span_from_text(payload), .connection = 1};

	ota_identity_make(ota_span_from_text(product_key), ota_span_from_text(device_name), &event.identity);
	event.at = fleet->now;
	work_begin(fleet);
	int failed = ota_engine_apply(fleet->engine, &event, &error);
	cr_assert(!failed || failed == OTA_EINVALID, "%s", error.text);
	work_end(fleet);
}

void fleet_inform_as(struct fleet *fleet, int device, const char *params)
{
	char payload[512];

	snprintf(payload, sizeof(payload), "{\"id\":1,\"params\":%s}", params);
	fleet_send(fleet, device, OTA_TOPIC_INFORM, payload);
}

void fleet_inform(struct fleet *fleet, int device, const char *version)
{
	char params[128];

	snprintf(params, sizeof(params), "{\"version\":\"%s\"}", version);
	fleet_inform_as(fleet, device, params);
}

void fleet_progress(struct fleet *fleet, int device, int step)
{
	char payload[128];

	snprintf(payload, sizeof(payload), "{\"id\":1,\"params\":{\"step\":\"%d\",\"desc\":\"said\"}}", step);
	fleet_send(fleet, device, OTA_TOPIC_PROGRESS, payload);
}

static void turns_run(struct fleet *fleet)
{
	struct ota_error error = {0};
	bool more = true;

	for (int i = 0; more && i < 1000; i++) {
		work_begin(fleet);
		cr_assert_eq(ota_engine_turn(fleet->engine, fleet->now, 50, &more, &error), 0, "%s", error.text);
		work_end(fleet);
	}
	cr_assert(!more, "the engine never rests");
}

void fleet_advance(struct fleet *fleet, int64_t ms)
{
	int64_t end = fleet->now.heard_ms + ms;

	turns_run(fleet);
	for (;;) {
		int64_t next;

		work_begin(fleet);
		cr_assert_eq(ota_engine_next_due(fleet->engine, &next, NULL), 0);
		work_end(fleet);
		next = next <= fleet->now.heard_ms ? fleet->now.heard_ms + 1 : next;
		int64_t step = (next < end ? next : end) - fleet->now.heard_ms;
		fleet->now.heard_ms += step;
		fleet->now.wall_ms += step;
		turns_run(fleet);
		if (fleet->now.heard_ms >= end)
			return;
	}
}

cJSON *fleet_ask_as(struct fleet *fleet, const char *token, const char *command)
{
	OTA_AUTO_BYTES struct ota_bytes request = {0}, answer = {0};
	struct ota_error error = {0};

	ota_bytes_format(&request, "{\"commands\":[{\"token\":\"%s\",%s]}", token, command + 1);
	work_begin(fleet);
	cr_assert_eq(ota_control_handle(fleet->control, (struct ota_span){request.data, request.size}, "test", fleet->now,
					&answer, &error),
		     0, "%s", error.text);
	work_end(fleet);
	cJSON *tree = cJSON_Parse(answer.data);
	cr_assert(tree, "no JSON: %s", answer.data);
	cJSON *response = cJSON_DetachItemFromArray(cJSON_GetObjectItem(tree, "responses"), 0);
	cJSON_Delete(tree);
	return response;
}

static cJSON *ask(struct fleet *fleet, const char *command)
{
	return fleet_ask_as(fleet, fleet->token, command);
}

const char *fleet_token(struct fleet *fleet, const char *name, const char *role, const char *expires_in)
{
	static char token[OTA_TOKEN_SIZE];
	cJSON *made = fleet_do(fleet, "{\"command\":\"createToken\",\"name\":\"%s\",\"role\":\"%s\"%s%s%s}", name, role,
			       *expires_in ? ",\"expiresIn\":\"" : "", expires_in, *expires_in ? "\"" : "");

	ota_text_cut(token, sizeof(token), cJSON_GetObjectItem(made, "token")->valuestring);
	cJSON_Delete(made);
	return token;
}

static char *format_command(const char *format, va_list arguments)
{
	char *command = NULL;

	cr_assert(vasprintf(&command, format, arguments) > 0);
	return command;
}

cJSON *fleet_ask(struct fleet *fleet, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	OTA_AUTO_FREE char *command = format_command(format, arguments);
	va_end(arguments);
	return ask(fleet, command);
}

cJSON *fleet_do(struct fleet *fleet, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	OTA_AUTO_FREE char *command = format_command(format, arguments);
	va_end(arguments);
	cJSON *response = ask(fleet, command);
	cJSON *data = cJSON_DetachItemFromObject(response, "data");
	cJSON *said = cJSON_GetObjectItem(cJSON_GetObjectItem(response, "error"), "message");
	cr_assert(data, "%s: %s", command, said ? said->valuestring : "no data");
	cJSON_Delete(response);
	return data;
}

int64_t fleet_batch(struct fleet *fleet, const char *kind, const char *members)
{
	cJSON *batch = fleet_do(
		fleet,
		"{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"%s\",\"override\":true,"
		"\"reason\":\"test\"%s%s}",
		kind, strstr(members, "targets") ? "" : ",\"targets\":{\"all\":true}", members);
	int64_t id = (int64_t)cJSON_GetObjectItem(batch, "id")->valuedouble;

	cJSON_Delete(batch);
	turns_run(fleet);
	return id;
}

int fleet_pushes(struct fleet *fleet, int device)
{
	int count = 0;

	for (size_t i = 0; i < fleet->outbox.count; i++) {
		struct ota_outgoing *item = &fleet->outbox.items[i];

		if (!fleet->connection_of[device] || item->connection != fleet->connection_of[device])
			continue;
		count++;
		item->connection = 0; /* seen */
	}
	return count;
}

static const char *text_of(const cJSON *object, const char *key)
{
	const cJSON *member = cJSON_GetObjectItem(object, key);

	return member ? member->valuestring : "";
}

static const char *task_say(struct fleet *fleet, int device, bool mark)
{
	static char said[128];
	cJSON *row = fleet_do(fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d%d\"}", device);
	const cJSON *task = cJSON_GetArrayItem(cJSON_GetObjectItem(row, "tasks"), 0);

	if (!task) {
		snprintf(said, sizeof(said), "none");
	} else if (mark) {
		snprintf(said, sizeof(said), "%s", text_of(task, "mark"));
	} else {
		const char *state = text_of(task, "state");
		const char *why = text_of(task, strcmp(state, "pending") ? "cause" : "reason");

		snprintf(said, sizeof(said), "%s%s%s", state, *why ? "/" : "", why);
	}
	cJSON_Delete(row);
	return said;
}

const char *fleet_task(struct fleet *fleet, int device)
{
	return task_say(fleet, device, false);
}

const char *fleet_mark(struct fleet *fleet, int device)
{
	return task_say(fleet, device, true);
}

const char *fleet_batch_state(struct fleet *fleet, int64_t batch)
{
	static char said[32];
	cJSON *row = fleet_do(fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch);

	snprintf(said, sizeof(said), "%s", text_of(row, "state"));
	cJSON_Delete(row);
	return said;
}
