#include "tests/sim/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message.h"
#include "tests/sim/world.h"

const char *const device_modules[DEVICE_MODULES] = { "default", "mcu" };

/*
 * a b c d   progress 5, 50, 99, 100        1 2 3 4   progress -1 .. -4
 * R O X     reboot into the new, the old, a wrong version
 * r o x     the same said without a reboot
 * w W       waits for half a minute, for three      V   gone for good      Z   offline for a while
 * p         asks for work                           k K agrees, refuses to cancel (nobody asked)
 */
static const char *const scripts[] = {
	"abcdR", "abcdR", "abcdR", "adR", "adR", "bdR", "dR", "R", "abdwR", "r", "abr",
	"a2", "a222", "b3", "ad4", "4", "1", "ad1", "a2wadR", "b2adR",
	"", "V", "aV", "adV", "aZ", "adZR", "Z", "aWbWcdR", "wwadR",
	"dO", "adO", "abdO", "adwO", "do",
	"dX", "adX", "X", "x", "adx",
	"adRwO", "adRwX", "adRO", "adR4", "adRd2", "adRwwwO",
	"ak", "adk", "K", "aKbdR", "addR", "aaddO", "apbdR", "adpO", "aobdR", "dodR",
};

static void plan_next(struct world *world, struct device *device, int64_t after_ms)
{
	int64_t from_ms = world->server.up ? world->true_ms : world->server.started_ms; /* nothing to connect to before */

	network_add(&world->network, (struct happening){ .kind = HAPPENS_DEVICE,
							 .at_ms = from_ms + after_ms,
							 .device = device->number,
							 .number = ++device->plan });
}

void device_open(struct world *world, struct device *device, int number)
{
	struct luck *luck = &world->luck;

	*device = (struct device){ .number = number, .job.script = "" };
	device->ours = luck_percent(luck, 50);
	device->cancels = device->ours && luck_percent(luck, 60);
	device->informs_twice = !device->ours && luck_percent(luck, 30);
	device->has_two = luck_percent(luck, 30);
	if (luck_percent(luck, 35))
		device->habit = scripts[luck_below(luck, sizeof(scripts) / sizeof(scripts[0]))];
	snprintf(device->runs[0], sizeof(device->runs[0]), "1.%d.0", (int)luck_below(luck, 2));
	if (device->has_two)
		snprintf(device->runs[1], sizeof(device->runs[1]), "1.0.0");
	plan_next(world, device, luck_between(luck, 0, 40000));
}

/* QoS 1: what comes late comes on the connection of its time. */
static void say(struct world *world, struct device *device, enum ota_topic_kind topic, char *text)
{
	trace_line(&world->trace, "d%d says %s", device->number, text);
	network_send(&world->network, &world->luck,
		     (struct happening){ .kind = HAPPENS_TO_SERVER,
					 .at_ms = world->true_ms,
					 .device = device->number,
					 .number = device->connection,
					 .topic = topic,
					 .text = text });
}

static char *format(const char *form, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *form, ...)
{
	va_list arguments;
	char *text = NULL;

	va_start(arguments, form);
	if (vasprintf(&text, form, arguments) < 0)
		world_give_up("memory", form);
	va_end(arguments);
	return text;
}

static void inform(struct world *world, struct device *device, int module, const char *version)
{
	const char *caps = !device->ours ? "" : device->cancels ? ",\"caps\":[\"cancel\"]" : ",\"caps\":[]";
	char boot[32] = "";

	if (device->ours)
		snprintf(boot, sizeof(boot), ",\"bootId\":\"b%d\"", device->boot);
	say(world, device, OTA_TOPIC_INFORM,
	    format("{\"id\":1,\"params\":{\"version\":\"%s\",\"module\":\"%s\"%s%s}}", version, device_modules[module], caps,
		   boot));
}

static void progress(struct world *world, struct device *device, int step, const char *more)
{
	char name[96] = "";

	if (device->ours && device->job.batch)
		snprintf(name, sizeof(name), ",\"module\":\"%s\",\"batch\":%lld,\"attempt\":%lld",
			 device_modules[device->job.module], (long long)device->job.batch, (long long)device->job.attempt);
	say(world, device, OTA_TOPIC_PROGRESS,
	    format("{\"id\":1,\"params\":{\"step\":\"%d\",\"desc\":\"\"%s%s}}", step, name, more));
}

static void pull(struct world *world, struct device *device)
{
	bool is_get = luck_percent(&world->luck, 50);
	int module = device->has_two ? (int)luck_below(&world->luck, 2) : 0;

	say(world, device, is_get ? OTA_TOPIC_FIRMWARE_GET : OTA_TOPIC_REQUEST,
	    is_get ? format("{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"module\":\"%s\"}}", device_modules[module])
		   : format("{\"id\":1,\"params\":{\"version\":\"\",\"module\":\"%s\"}}", device_modules[module]));
}

static void connect_now(struct world *world, struct device *device)
{
	if (!world->server.up || world->model.devices[device->number].shut_out) {
		plan_next(world, device, luck_between(&world->luck, 2000, 30000));
		return;
	}
	device->connection = ++world->server.connections;
	trace_line(&world->trace, "d%d connects as %llu", device->number, (unsigned long long)device->connection);
	server_hear(world,
		    (struct item){ .kind = ITEM_CONNECTED, .device = device->number, .connection = device->connection });
	if (luck_percent(&world->luck, 85)) {
		for (int module = 0; module < (device->has_two ? 2 : 1); module++) {
			if (device->informs_twice && luck_percent(&world->luck, 50))
				inform(world, device, module, "0.0.1");
			inform(world, device, module, device->runs[module]);
		}
	}
	plan_next(world, device, luck_between(&world->luck, 500, 20000));
}

static void disconnect_now(struct world *world, struct device *device, int64_t away_ms)
{
	if (device->connection) {
		trace_line(&world->trace, "d%d leaves", device->number);
		server_hear(world,
			    (struct item){ .kind = ITEM_GONE, .device = device->number, .connection = device->connection });
		device->connection = 0;
	}
	if (!device->is_gone)
		plan_next(world, device, away_ms);
}

void device_cut(struct world *world, struct device *device)
{
	device->connection = 0;
	if (!device->is_gone)
		plan_next(world, device, luck_between(&world->luck, 500, 60000));
}

static const char *version_after(const struct device *device, char act)
{
	if (act == 'R' || act == 'r')
		return device->job.version;
	return act == 'O' || act == 'o' ? device->job.old : "6.6.6";
}

static void version_take(struct world *world, struct device *device, char act)
{
	char *runs = device->runs[device->job.module];

	snprintf(runs, sizeof(device->runs[0]), "%s", version_after(device, act));
	if (act >= 'a') {
		inform(world, device, device->job.module, runs);
		return;
	}
	device->boot++;
	disconnect_now(world, device, luck_between(&world->luck, 500, 25000));
}

static void script_step(struct world *world, struct device *device, char act)
{
	static const struct {
		char act;
		int step;
		const char *more;
	} reports[] = {
		{ 'a', 5, "" }, { 'b', 50, "" }, { 'c', 99, "" }, { 'd', 100, "" }, { '1', -1, "" }, { '2', -2, "" },
		{ '3', -3, "" }, { '4', -4, "" }, { 'k', 0, ",\"cancel\":\"accepted\"" }, { 'K', 0, ",\"cancel\":\"refused\"" },
	};

	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		if (reports[i].act == act)
			progress(world, device, reports[i].step, reports[i].more);
	}
	if (strchr("ROXrox", act))
		version_take(world, device, act);
	if (act == 'p')
		pull(world, device);
	device->is_gone |= act == 'V';
	if (act == 'V' || act == 'Z')
		disconnect_now(world, device, luck_between(&world->luck, 20000, 900000));
}

static int64_t pause_after(struct world *world, char act)
{
	if (act == 'w' || act == 'W')
		return act == 'w' ? 30000 : 180000;
	return luck_between(&world->luck, 50, 9000);
}

static void script_act(struct world *world, struct device *device)
{
	char act = *device->job.script++;
	uint64_t plan = device->plan;

	script_step(world, device, act);
	if (device->plan == plan && !device->is_gone)
		plan_next(world, device, pause_after(world, act));
}

/* What a device does of itself, when nothing is to be done. */
static void idle_act(struct world *world, struct device *device)
{
	static const int steps[] = { 0, 40, 100, -1, -2, -4 };
	struct luck *luck = &world->luck;
	size_t act = luck_below(luck, 12);

	if (act < 2)
		inform(world, device, device->has_two ? (int)luck_below(luck, 2) : 0, device->runs[0]);
	else if (act == 2)
		progress(world, device, steps[luck_below(luck, 6)], "");
	else if (act == 3)
		progress(world, device, 0, luck_percent(luck, 50) ? ",\"cancel\":\"accepted\"" : ",\"cancel\":\"refused\"");
	else if (act < 6)
		pull(world, device);
	if (act >= 10)
		disconnect_now(world, device, luck_between(luck, 500, act == 10 ? 20000 : 400000));
	else
		plan_next(world, device, luck_between(luck, 5000, 200000));
}

void device_act(struct world *world, struct device *device)
{
	if (device->is_gone)
		return;
	if (!device->connection)
		connect_now(world, device);
	else if (*device->job.script)
		script_act(world, device);
	else if (!world->draining)
		idle_act(world, device);
}

static const char *script_draw(struct world *world, const struct device *device)
{
	if (world->draining)
		return "";
	return device->habit ? device->habit : scripts[luck_below(&world->luck, sizeof(scripts) / sizeof(scripts[0]))];
}

static void offer_take(struct world *world, struct device *device, const struct ota_offer *offer)
{
	int module = !strcmp(offer->module, device_modules[1]);

	if (*device->job.script && luck_percent(&world->luck, 80))
		return; /* it is at work */
	device->job.script = script_draw(world, device);
	device->job.module = module;
	device->job.batch = offer->batch;
	device->job.attempt = offer->attempt;
	snprintf(device->job.version, sizeof(device->job.version), "%.15s", offer->version);
	snprintf(device->job.old, sizeof(device->job.old), "%s", device->runs[module]);
	trace_line(&world->trace, "d%d takes %s of %s: script \"%s\"", device->number, offer->version, offer->module,
		   device->job.script);
	if (*device->job.script)
		plan_next(world, device, luck_between(&world->luck, 100, 3000));
}

static void cancel_answer(struct world *world, struct device *device, struct ota_span payload)
{
	int64_t batch, attempt;
	size_t answer = luck_below(&world->luck, 4);

	if (ota_cancel_parse(payload, &batch, &attempt, NULL) || !answer)
		return;
	device->job.batch = batch;
	device->job.attempt = attempt;
	device->job.script = answer == 1 ? device->job.script : "";
	progress(world, device, 0, answer == 1 ? ",\"cancel\":\"refused\"" : ",\"cancel\":\"accepted\"");
}

void device_hear(struct world *world, struct device *device, const struct happening *message)
{
	struct ota_span payload = ota_span_from_text(message->text);
	struct ota_offer *offer;

	if (!device->connection || device->connection != message->number)
		return;
	if (message->topic == OTA_TOPIC_CANCEL) {
		cancel_answer(world, device, payload);
		return;
	}
	offer = world_grow(NULL, sizeof(*offer));
	if (!ota_offer_parse(payload, offer, NULL))
		offer_take(world, device, offer);
	free(offer);
}

void device_post(struct world *world, const struct ota_outgoing *message)
{
	struct ota_identity identity;

	for (int i = 0; i < world->device_count; i++) {
		struct device *device = &world->devices[i];

		if (!device->connection || device->connection != message->connection)
			continue;
		network_send(&world->network, &world->luck,
			     (struct happening){ .kind = HAPPENS_TO_DEVICE,
						 .at_ms = world->true_ms,
						 .device = i,
						 .number = message->connection,
						 .topic = ota_topic_parse(ota_span_from_text(message->topic), &identity),
						 .text = strndup(message->payload, message->payload_size) });
	}
}

void device_shut_out(struct world *world, const char *username)
{
	int number = (int)strtol(username + 1, NULL, 10);
	struct device *device = &world->devices[number];

	if (device->connection)
		disconnect_now(world, device, luck_between(&world->luck, 2000, 60000));
}
