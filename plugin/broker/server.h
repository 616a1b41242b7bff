/*
 * Server: everything the plugin owns, put together at the start and taken apart at the end. Both belong to the broker's thread;
 * in between the store, the engine and the control belong to the worker's.
 */
#ifndef OTA_PLUGIN_BROKER_SERVER_H
#define OTA_PLUGIN_BROKER_SERVER_H

#include "common/pace.h"
#include "plugin/access/denylist.h"
#include "plugin/access/keyring.h"
#include "plugin/broker/carrier.h"
#include "plugin/broker/compat.h"
#include "plugin/broker/options.h"
#include "plugin/broker/peers.h"
#include "plugin/broker/quota.h"
#include "plugin/broker/sessions.h"
#include "plugin/broker/survey.h"
#include "plugin/broker/worker.h"

enum ota_callback_kind {
	OTA_CALLBACK_AUTH,
	OTA_CALLBACK_ACL, /* of topics that may be ours; others are answered before a clock is read */
	OTA_CALLBACK_MESSAGE,
	OTA_CALLBACK_CONTROL,
	OTA_CALLBACK_DISCONNECT,
	OTA_CALLBACK_TICK,
	OTA_CALLBACKS,
};

struct ota_server {
	struct ota_options options;
	struct ota_compat compat;
	struct ota_log log; /* the broker's log; the broker's thread only */

	/* Shared by both threads, each with its own rule. */
	struct ota_heard heard;
	struct ota_queue *queue;
	struct ota_mailbox *mailbox;
	struct ota_plight *plight;
	struct ota_journal *journal;

	/* The worker's thread, while it runs. */
	struct ota_url_keys url_keys;
	struct ota_outbox outbox;   /* what the engine decided in the open transaction */
	struct ota_lines lines;     /* what it logged meanwhile */
	struct ota_log worker_log;  /* writes to lines */
	struct ota_inwork inwork;
	struct ota_store *store;
	struct ota_key_file key_files[OTA_KEY_FILES_MAX];
	char secret_key_file[OTA_OPTION_PATH_SIZE];
	struct ota_survey survey; /* the keeper's thread as well: constant while it runs */
	struct ota_keeper *keeper;
	struct ota_engine *engine;
	struct ota_control *control;
	struct ota_worker *worker;

	/* The broker's thread. */
	mosquitto_plugin_id_t *identifier; /* under which the callbacks are registered */
	struct ota_peers *peers;
	struct ota_carrier *carrier;
	struct ota_pace blocks;    /* what may be handed to the broker of them, in KiB */
	struct ota_sessions *sessions;
	struct ota_sessions *addressed; /* client ids that something may be on its way to, until the next TICK (clients.h) */
	int64_t addressed_ms; /* boot_ms of the last one */
	struct ota_denylist *denylist;
	uint64_t newest_login; /* the device that was let in by the callback before, by its number, 0 = none (clients.h) */
	struct ota_keyring *keyring; /* NULL unless devices prove themselves by it */
	struct ota_outbox sending; /* committed, from `sent` on not yet handed to the broker */
	size_t sent;
	struct ota_outbox bulletins; /* the same for events: no push and no answer waits behind them */
	struct ota_lines logging;
	struct ota_quotas *quotas; /* what each device may still send */
	struct ota_pace refusals;  /* lines about denied topics */
	struct ota_pace logins;    /* lines about refused logins */
	struct ota_pace drops;     /* lines about reports that found no place */
	uint64_t queued_last;      /* the last sequence the worker was told of */
	_Atomic uint64_t superseded; /* steps that a newer one replaced before they were written */
	_Atomic uint64_t dropped_reports, dropped_pulls, dropped_messages; /* read by getServer on the worker's thread */
	int64_t first_call_ms;     /* boot_ms of the first callback, 0 = none yet */
	bool ticked;
	bool tick_missed;          /* said so */
	struct ota_stopwatch stopwatches[OTA_CALLBACKS]; /* how long callbacks keep the broker's only thread */
};

/* Opens everything and starts the worker. Nothing is registered with the broker yet. */
int ota_server_start(const struct ota_options *options, const struct ota_log *log, struct ota_server **ret_server,
		     struct ota_error *error);
/* Stops the worker within its deadline, closes everything. NULL is fine; returns NULL. */
struct ota_server *ota_server_stop(struct ota_server *server);

/* Sends blocks at their pace, then sends and logs what the worker handed over: at most OTA_SEND_TURN messages and, when
 * none of them is left, OTA_BULLETINS_TURN events, so that the loop never stalls. In every callback. Events beyond
 * OTA_BULLETINS_MAX that wait are dropped. */
enum { OTA_SEND_TURN = 200, OTA_LOG_TURN = 100, OTA_BULLETINS_TURN = 500, OTA_BULLETINS_MAX = 20000 };
void ota_server_drain(struct ota_server *server);
/* Hands to the worker what a device fetched over MQTT, if anything. */
void ota_server_tell_fetched(struct ota_server *server, const struct ota_identity *identity, const struct ota_fetched *fetched);

#endif
