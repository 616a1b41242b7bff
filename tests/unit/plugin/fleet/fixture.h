/* A server without a broker: real store, real engine, real control, an own clock, and devices that are moved by hand. */
#ifndef OTA_TESTS_FLEET_FIXTURE_H
#define OTA_TESTS_FLEET_FIXTURE_H

#include <cjson/cJSON.h>

#include "plugin/control/control.h"
#include "plugin/fleet/engine.h"
#include "tests/unit/support/scratch.h"

struct fleet {
	char directory[SCRATCH_SIZE];
	struct ota_store *store;
	struct ota_outbox outbox;
	struct ota_url_keys keys;
	struct ota_engine *engine;
	struct ota_control *control;
	struct ota_keeper *keeper; /* its jobs are real and run in their own time */
	struct ota_instant now;
	char token[64];
	uint64_t connections;
	uint64_t connection_of[1000]; /* device number -> its connection, 0 = offline */
	int64_t grace_ms;
	struct ota_log log;
	struct {
		char text[OTA_LOG_LINE_MAX];
		int refused; /* lines so far */
		char complaint[OTA_LOG_LINE_MAX]; /* the last line of a message that was refused or mended */
	} logged;
};

/* Product PK, devices d0 .. d<devices-1> registered, package 2.0.0 of the module default added. */
void fleet_open(struct fleet *fleet, int devices);
void fleet_close(struct fleet *fleet);
/* As fleet_send(), from a device of any name and product, online or not. */
void fleet_send_as(struct fleet *fleet, const char *product_key, const char *device_name, const char *payload);
/* Ends engine and store as a crash would, `away_ms` of wall time later starts them again. */
void fleet_restart(struct fleet *fleet, int64_t away_ms);

void fleet_connect(struct fleet *fleet, int device);
void fleet_disconnect(struct fleet *fleet, int device);
void fleet_inform(struct fleet *fleet, int device, const char *version);
void fleet_inform_as(struct fleet *fleet, int device, const char *params); /* the raw params object */
void fleet_progress(struct fleet *fleet, int device, int step);
void fleet_send(struct fleet *fleet, int device, enum ota_topic_kind topic, const char *payload);
void fleet_send_bytes(struct fleet *fleet, int device, enum ota_topic_kind topic, struct ota_span payload);
/* Blocks of the device's active task were sent over MQTT. */
void fleet_fetched(struct fleet *fleet, int device, struct ota_fetched fetched);
/* Lets time pass, running what is due on the way. */
void fleet_advance(struct fleet *fleet, int64_t ms);

/* One command without its token, `{"command":"getBatch","batch":7}` -> its response object, owned by the caller. */
cJSON *fleet_ask(struct fleet *fleet, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As above with another token, "" for none. */
cJSON *fleet_ask_as(struct fleet *fleet, const char *token, const char *command);
/* A token of that name and role, made by the admin; expires_in "" = never. Static storage: one at a time. */
const char *fleet_token(struct fleet *fleet, const char *name, const char *role, const char *expires_in);
/* As above for a command that must succeed: its data. */
cJSON *fleet_do(struct fleet *fleet, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A batch of the package 2.0.0: kind, and the rest of the command's members ("" or ",..."). Overrides verification. Returns its
 * id. */
int64_t fleet_batch(struct fleet *fleet, const char *kind, const char *members);

/* Messages sent to a device since the last call, whatever their topic. */
int fleet_pushes(struct fleet *fleet, int device);
/* "pushed", "failed/burn_failed", "pending/retry": state and reason or cause of a device's newest task; "none". Static
 * storage. */
const char *fleet_task(struct fleet *fleet, int device);
const char *fleet_mark(struct fleet *fleet, int device);
const char *fleet_batch_state(struct fleet *fleet, int64_t batch);

#endif
