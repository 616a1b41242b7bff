/*
 * Desk: control, engine and store of the plugin in one process without a broker, for requests by the hundred thousand.
 *
 * Usage: desk DIRECTORY (empty; the store goes there). Frames come on standard input and are answered on standard output, both
 * with a little-endian length of 4 bytes before them. A frame begins with what it is:
 *
 *   'c' request     a request of an operator; answered with the whole answer
 *   'm' topic NUL payload   a message of a device, which connects first; answered with the code's word, "" if all is well
 *   'g' topic       its connection is gone
 *
 * The first frame out is the admin token. The clock moves 20 ms a frame and nothing else moves it, so that a file of frames
 * always does the same. Ends with 0 at the end of the input.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/text.h"
#include "plugin/control/control.h"
#include "plugin/fleet/engine.h"

enum { FRAME_MAX = 1 << 20, FRAME_MS = 20, TURN_ROWS = 200, TURNS = 50 };

struct desk {
	struct ota_store *store;
	struct ota_outbox outbox;
	struct ota_url_keys keys;
	struct ota_engine *engine;
	struct ota_control *control;
	struct ota_instant now;
	uint64_t connections;
};

static void must(int failed, const struct ota_error *error, const char *what)
{
	if (!failed)
		return;
	fprintf(stderr, "desk: %s: %s\n", what, error->text);
	exit(EXIT_FAILURE);
}

static void desk_begin(struct desk *desk)
{
	struct ota_error error = {0};

	must(ota_store_begin(desk->store, &error), &error, "begin");
}

static void desk_commit(struct desk *desk)
{
	struct ota_error error = {0};

	must(ota_store_commit(desk->store, &error), &error, "commit");
}

static void desk_open(struct desk *desk, const char *directory)
{
	struct ota_error error = {0};

	must(ota_store_open(directory, &desk->store, &error), &error, "open");
	must(ota_engine_new(&(struct ota_engine_options){.store = desk->store,
							 .outbox = &desk->outbox,
							 .url_keys = &desk->keys,
							 .gateway_url = "http://gateway",
							 .start_grace_ms = 1},
			    desk->now, &desk->engine, &error),
	     &error, "engine");
	must(ota_control_new(&(struct ota_control_options){.store = desk->store,
							   .engine = desk->engine,
							   .package_dir = directory,
							   .store_dir = directory,
							   .started_ms = desk->now.wall_ms},
			     &desk->control, &error),
	     &error, "control");
	desk_begin(desk);
	must(ota_control_bootstrap(desk->control, directory, desk->now, &error), &error, "bootstrap");
	desk_commit(desk);
}

static void desk_close(struct desk *desk)
{
	desk->control = ota_control_free(desk->control);
	desk->engine = ota_engine_free(desk->engine);
	desk->store = ota_store_free(desk->store);
	ota_outbox_clear(&desk->outbox);
}

static void answer_write(const char *data, size_t size)
{
	uint32_t length = htole32((uint32_t)size);

	if (fwrite(&length, sizeof(length), 1, stdout) != 1 || fwrite(data ? data : "", 1, size, stdout) != size ||
	    fflush(stdout))
		exit(EXIT_FAILURE);
}

static void request_answer(struct desk *desk, struct ota_span request)
{
	OTA_AUTO_BYTES struct ota_bytes answer = {0};
	struct ota_error error = {0};

	desk_begin(desk);
	must(ota_control_handle(desk->control, request, "desk", desk->now, &answer, &error), &error, "handle");
	desk_commit(desk);
	answer_write(answer.data, answer.size);
}

/* Every message has a connection of its own, newer than the device's last one. */
static void message_apply(struct desk *desk, struct ota_span frame, bool is_gone)
{
	const char *end = memchr(frame.data, '\0', frame.size);
	size_t topic_size = end ? (size_t)(end - frame.data) : frame.size;
	size_t skip = end ? topic_size + 1 : topic_size;
	struct ota_fleet_event event = {.kind = OTA_FLEET_CONNECTED, .at = desk->now};
	struct ota_error error = {0};
	int code = 0;

	event.topic = ota_topic_parse((struct ota_span){frame.data, topic_size}, &event.identity);
	event.payload = (struct ota_span){frame.data + skip, frame.size - skip};
	bool is_ours = event.topic == OTA_TOPIC_INFORM || event.topic == OTA_TOPIC_PROGRESS || event.topic == OTA_TOPIC_REQUEST ||
		       event.topic == OTA_TOPIC_FIRMWARE_GET;
	desk_begin(desk);
	if (is_ours && !is_gone) {
		event.connection = ++desk->connections;
		must(ota_engine_apply(desk->engine, &event, &error), &error, "connect");
	}
	event.kind = is_gone ? OTA_FLEET_GONE : OTA_FLEET_MESSAGE;
	event.connection = desk->connections;
	if (is_ours)
		code = ota_engine_apply(desk->engine, &event, &error);
	must(code != OTA_EINVALID ? code : 0, &error, "message");
	desk_commit(desk);
	const char *word = code ? error.text : is_ours ? "" : "no topic";
	answer_write(word, strlen(word));
}

static void time_pass(struct desk *desk)
{
	struct ota_error error = {0};
	bool more = true;

	desk->now.wall_ms += FRAME_MS;
	desk->now.heard_ms += FRAME_MS;
	for (int turn = 0; more && turn < TURNS; turn++) {
		desk_begin(desk);
		must(ota_engine_turn(desk->engine, desk->now, TURN_ROWS, &more, &error), &error, "turn");
		desk_commit(desk);
	}
	ota_outbox_clear(&desk->outbox);
}

static void frame_handle(struct desk *desk, struct ota_span frame)
{
	struct ota_span rest = {frame.data + 1, frame.size - 1};

	if (frame.data[0] == 'c')
		request_answer(desk, rest);
	else
		message_apply(desk, rest, frame.data[0] == 'g');
	time_pass(desk);
}

/* A frame in memory of its own size, so that a sanitizer sees a read behind its end. */
static bool frame_read(struct ota_bytes *frame)
{
	uint32_t length;
	char *room;

	if (fread(&length, sizeof(length), 1, stdin) != 1)
		return false;
	length = le32toh(length);
	if (length < 1 || length > FRAME_MAX || !(room = malloc(length)))
		exit(EXIT_FAILURE);
	if (fread(room, 1, length, stdin) != length)
		exit(EXIT_FAILURE);
	*frame = (struct ota_bytes){.data = room, .size = length};
	return true;
}

static void token_tell(const char *directory)
{
	OTA_AUTO_BYTES struct ota_bytes token = {0};
	struct ota_error error = {0};
	char path[4096];

	must(!ota_file_join(path, sizeof(path), directory, "admin.token"), &error, "the directory's name is too long");
	must(ota_file_read(path, 256, &token, &error), &error, "token");
	answer_write(token.data, token.size - 1);
}

int main(int argc, char **argv)
{
	struct desk desk = {.now = {.wall_ms = 1700000000000}};
	struct ota_bytes frame;

	if (argc != 2) {
		fprintf(stderr, "usage: desk DIRECTORY\n");
		return EXIT_FAILURE;
	}
	desk.keys.count = 1;
	ota_text_cut(desk.keys.keys[0].id, sizeof(desk.keys.keys[0].id), "00000000");
	desk_open(&desk, argv[1]);
	token_tell(argv[1]);
	while (frame_read(&frame)) {
		frame_handle(&desk, (struct ota_span){frame.data, frame.size});
		free(frame.data);
	}
	desk_close(&desk);
	return EXIT_SUCCESS;
}
