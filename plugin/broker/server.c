#include "plugin/broker/server.h"

#include <stdlib.h>
#include <string.h>

#include <linux/magic.h>
#include <sys/vfs.h>

#include "common/file.h"
#include "common/version.h"
#include "plugin/broker/bulletin.h"
#include "plugin/broker/intake.h"
#include "plugin/store/restore.h"

/* Where the run before left off, as the store tells. */
struct resumed {
	uint64_t applied;
	int64_t heard_ms;
	bool gap_explained;
};

static const char *const callback_names[OTA_CALLBACKS] = {
	[OTA_CALLBACK_AUTH] = "auth",       [OTA_CALLBACK_ACL] = "acl",
	[OTA_CALLBACK_MESSAGE] = "message", [OTA_CALLBACK_CONTROL] = "control",
	[OTA_CALLBACK_DISCONNECT] = "disconnect", [OTA_CALLBACK_TICK] = "tick",
};

static void lines_write(void *context, enum ota_log_level level, const char *line)
{
	ota_lines_add(context, level, line);
}

static struct ota_control_figures figures_read(void *context)
{
	const struct ota_server *server = context;
	struct ota_worker_figures worker = ota_worker_figures(server->worker);
	return (struct ota_control_figures){
		.queue_depth = (int64_t)ota_queue_depth(server->queue),
		.journal_bytes = (int64_t)ota_journal_bytes(server->journal),
		.journal_limit_bytes = (int64_t)server->options.journal_limit_bytes,
		.commit = worker.commit,
		.callbacks = server->stopwatches,
		.callback_names = callback_names,
		.callback_count = OTA_CALLBACKS,
		.events = worker.events,
		.store_failures = worker.failures,
		.coalesced = worker.coalesced + server->superseded,
		.set_aside = worker.set_aside,
		.dropped_reports = server->dropped_reports,
		.dropped_pulls = server->dropped_pulls,
		.unsent = server->dropped_messages,
	};
}

static int pieces_make(struct ota_server *server, struct ota_error *error)
{
	server->queue = ota_queue_new();
	server->mailbox = ota_mailbox_new();
	server->plight = ota_plight_new();
	server->peers = ota_peers_new();
	server->sessions = ota_sessions_new(OTA_SESSIONS_MAX);
	server->addressed = ota_sessions_new(OTA_SESSIONS_MAX);
	server->denylist = ota_denylist_new();
	server->quotas = ota_quotas_new();
	if (!server->queue || !server->mailbox || !server->plight || !server->peers || !server->sessions || !server->addressed ||
	    !server->denylist || !server->quotas)
		return ota_fail(error, OTA_ENOMEM, "no memory");
	return 0;
}

/* What belongs to the store and stands beside it: the key of download URLs, and the one that devices' secrets are kept under. */
static int key_files_find(struct ota_server *server, struct ota_error *error)
{
	if (!ota_file_join(server->secret_key_file, sizeof(server->secret_key_file), server->options.store_dir, "secret.key"))
		return ota_fail(error, OTA_ELIMIT, "ota_store_dir: is too long");
	server->key_files[0] = (struct ota_key_file){"url.key", server->options.url_key_file, false};
	server->key_files[1] = (struct ota_key_file){"secret.key", server->secret_key_file, true};
	return 0;
}

static int keeper_start(struct ota_server *server, struct ota_error *error)
{
	struct ota_keeper_options keeper = {
		.store_dir = server->options.store_dir,
		.backup_dir = server->options.backup_dir,
		.package_dir = server->options.package_dir,
		.keys = server->key_files,
		.key_count = OTA_KEY_FILES_MAX,
		.survey = ota_survey_all,
		.survey_context = &server->survey,
	};
	server->survey = (struct ota_survey){
		.store_dir = server->options.store_dir,
		.package_dir = server->options.package_dir,
		.journal_dir = server->options.journal_dir,
		.url_key_file = server->options.url_key_file,
		.store_uuid = ota_store_uuid(server->store),
		.segment_bytes = OTA_JOURNAL_SEGMENT_BYTES,
		.carrier = server->carrier,
	};
	return ota_keeper_start(&keeper, &server->keeper, error);
}

static int keyring_start(struct ota_server *server, struct ota_error *error)
{
	if (server->options.device_auth != OTA_DEVICE_AUTH_TRIPLE)
		return 0;
	return ota_keyring_open(server->options.store_dir, server->secret_key_file, &server->keyring, error);
}

static int carrier_start(struct ota_server *server, struct ota_error *error)
{
	struct ota_carrier_options carrier = {
		.store_dir = server->options.store_dir,
		.package_dir = server->options.package_dir,
		.mailbox = server->mailbox,
		.log_threshold = server->log.threshold,
	};
	return ota_carrier_start(&carrier, &server->carrier, error);
}

static int restore_finish(struct ota_server *server, struct ota_error *error)
{
	struct ota_restore_options options = {.now_ms = ota_wall_ms(), .keys = server->key_files, .key_count = OTA_KEY_FILES_MAX};
	struct ota_log_line line;
	bool restored = false;
	int code = ota_restore_finish(server->store, &options, &restored, error);
	if (code != 0 || !restored)
		return code;
	ota_log_begin(&line, OTA_LOG_WARNING, "store_restored");
	ota_log_text(&line, "store", ota_store_uuid(server->store));
	ota_log_end(&server->log, &line);
	return 0;
}

/* Nobody may come in before they are known. */
static int denylist_load(struct ota_server *server, struct ota_error *error)
{
	enum { PAGE = 500 };
	OTA_AUTO_FREE struct ota_device *rows = calloc(PAGE, sizeof(*rows));
	struct ota_identity after = {"", ""};
	char username[OTA_USERNAME_SIZE];
	size_t count = PAGE;
	int code = rows ? 0 : OTA_ENOMEM;
	while (code == 0 && count == PAGE) {
		code = ota_device_list_disabled(server->store, &after, rows, PAGE, &count, error);
		for (size_t i = 0; code == 0 && i < count; i++) {
			after = rows[i].identity;
			ota_identity_print(username, &after);
			code = ota_denylist_add(server->denylist, username);
		}
	}
	return code == OTA_ENOMEM ? ota_fail(error, code, "no memory for the devices that are shut out") : code;
}

static int node_load(struct ota_server *server, struct resumed *resumed, struct ota_error *error)
{
	int code = ota_store_begin(server->store, error);
	if (code == 0)
		code = ota_store_load_node(server->store, OTA_NODE_ID, &resumed->applied, &resumed->heard_ms, error);
	if (code == 0)
		code = ota_restore_explains_gap(server->store, &resumed->gap_explained, error);
	if (code == 0)
		code = denylist_load(server, error);
	ota_store_rollback(server->store);
	return code;
}

static int store_start(struct ota_server *server, struct resumed *resumed, struct ota_error *error)
{
	int code = key_files_find(server, error);
	if (code == 0)
		code = ota_store_open(server->options.store_dir, &server->store, error);
	if (code == 0)
		code = ota_store_set_cache(server->store, server->options.store_cache_bytes, error);
	if (code != 0)
		return ota_error_prefix(error, code, "ota_store_dir");
	code = restore_finish(server, error);
	if (code == 0)
		code = carrier_start(server, error);
	if (code == 0)
		code = keeper_start(server, error);
	if (code == 0)
		code = keyring_start(server, error);
	return code == 0 ? node_load(server, resumed, error) : code;
}

/* The loop waits for every write to the journal, so it must not reach a disk. */
static void journal_place_check(const struct ota_server *server)
{
	struct statfs place;
	struct ota_log_line line;
	if (statfs(server->options.journal_dir, &place) != 0 || place.f_type == TMPFS_MAGIC || place.f_type == RAMFS_MAGIC)
		return;
	ota_log_begin(&line, OTA_LOG_WARNING, "journal_not_in_memory");
	ota_log_text(&line, "ota_journal_dir", server->options.journal_dir);
	ota_log_text(&line, "advice", "use a directory on tmpfs, or a slow disk may stall the broker");
	ota_log_end(&server->log, &line);
}

static void gap_tell(const struct ota_server *server, uint64_t first, uint64_t last)
{
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_WARNING, "journal_gap_accepted");
	ota_log_integer(&line, "first", (int64_t)first);
	ota_log_integer(&line, "last", (int64_t)last);
	ota_log_text(&line, "meaning", "these reports were applied to the database before; devices tell them again");
	ota_log_end(&server->log, &line);
}

/* Once the journal is open, what it lacks is settled: the next gap is nobody's doing but a fault's. */
static int gap_settle(struct ota_server *server, struct resumed *resumed, struct ota_error *error)
{
	uint64_t first = ota_journal_first(server->journal);
	int code = 0;
	if (!resumed->gap_explained)
		return 0;
	if (first > resumed->applied + 1) {
		gap_tell(server, resumed->applied + 1, first - 1);
		resumed->applied = first - 1;
	}
	code = ota_store_begin(server->store, error);
	if (code == 0)
		code = ota_store_save_node(server->store, OTA_NODE_ID, resumed->applied, resumed->heard_ms, error);
	if (code == 0)
		code = ota_restore_forget_gap(server->store, error);
	if (code == 0)
		code = ota_store_commit(server->store, error);
	ota_store_rollback(server->store);
	return code;
}

static int journal_start(struct ota_server *server, struct resumed *resumed, struct ota_error *error)
{
	struct ota_journal_options options = {
		.directory = server->options.journal_dir,
		.store_uuid = ota_store_uuid(server->store),
		.applied = resumed->applied,
		.gap_explained = resumed->gap_explained,
		.limit_bytes = server->options.journal_limit_bytes,
	};
	int code = ota_journal_open(&options, &server->journal, error);
	if (code != 0)
		return ota_error_prefix(error, code, "ota_journal_dir %s", options.directory);
	journal_place_check(server);
	code = gap_settle(server, resumed, error);
	return code == 0 ? ota_inwork_open(&server->inwork, options.directory, resumed->applied, error) : code;
}

static int engine_start(struct ota_server *server, struct ota_error *error)
{
	struct ota_engine_options engine = {
		.store = server->store,
		.outbox = &server->outbox,
		.url_keys = &server->url_keys,
		.gateway_url = server->options.gateway_url,
		.log = &server->worker_log,
		.settle_ms = server->options.settle_ms,
		.repush_ms = server->options.repush_ms,
		.repush_max_ms = server->options.repush_max_ms,
		.start_grace_ms = server->options.start_grace_ms,
		.log_keep_ms = server->options.log_keep_ms,
		.noted = ota_options_publish_events(&server->options) ? ota_bulletin_post : NULL,
		.noted_context = &server->outbox,
	};
	struct ota_instant now = ota_heard_now(&server->heard);
	int code = ota_url_keys_open(server->options.url_key_file, &server->url_keys, error);
	if (code != 0)
		return ota_error_prefix(error, code, "ota_url_key_file");
	code = ota_engine_new(&engine, now, &server->engine, error);
	if (code != 0)
		return ota_error_prefix(error, code, "ota_gateway_url");
	struct ota_control_options control = {
		.store = server->store,
		.engine = server->engine,
		.log = &server->worker_log,
		.package_dir = server->options.package_dir,
		.store_dir = server->options.store_dir,
		.started_ms = now.wall_ms,
		.keeper = server->keeper,
		.alarms = ota_survey_alarms,
		.alarms_context = &server->survey,
		.figures = figures_read,
		.figures_context = server,
	};
	return ota_control_new(&control, &server->control, error);
}

static int control_bootstrap(struct ota_server *server, struct ota_error *error)
{
	int code = ota_store_begin(server->store, error);
	if (code == 0)
		code = ota_control_bootstrap(server->control, server->options.store_dir, ota_heard_now(&server->heard), error);
	if (code == 0)
		code = ota_store_commit(server->store, error);
	if (code != 0)
		ota_store_rollback(server->store);
	return code;
}

/* What an earlier run heard and did not apply comes first. */
static int replay_queue(struct ota_server *server, uint64_t applied, struct ota_error *error)
{
	uint64_t last = ota_journal_last(server->journal);
	struct ota_item item = {.kind = OTA_ITEM_JOURNALED, .first = applied + 1, .last = last};
	server->queued_last = last;
	if (last <= applied)
		return 0;
	int code = ota_queue_put(server->queue, &item);
	return code == 0 ? 0 : ota_fail(error, code, "no memory to queue the journal");
}

static int worker_start(struct ota_server *server, uint64_t applied, struct ota_error *error)
{
	struct ota_worker_options options = {
		.store = server->store,
		.keeper = server->keeper,
		.engine = server->engine,
		.control = server->control,
		.outbox = &server->outbox,
		.lines = &server->lines,
		.queue = server->queue,
		.mailbox = server->mailbox,
		.journal = server->journal,
		.inwork = &server->inwork,
		.plight = server->plight,
		.heard = &server->heard,
		.journal_dir = server->options.journal_dir,
		.log_threshold = server->log.threshold,
		.applied = applied,
		.replayed = ota_journal_last(server->journal),
	};
	int code = replay_queue(server, applied, error);
	return code == 0 ? ota_worker_start(&options, &server->worker, error) : code;
}

static void start_tell(const struct ota_server *server, uint64_t applied)
{
	struct ota_log_line line;
	uint64_t last = ota_journal_last(server->journal);
	ota_log_begin(&line, OTA_LOG_INFO, "started");
	ota_log_text(&line, "version", OTA_SOFTWARE_VERSION);
	ota_log_text(&line, "store", ota_store_uuid(server->store));
	ota_log_integer(&line, "applied", (int64_t)applied);
	ota_log_integer(&line, "replay", (int64_t)(last > applied ? last - applied : 0));
	ota_log_integer(&line, "torn_bytes", (int64_t)ota_journal_torn_bytes(server->journal));
	ota_log_end(&server->log, &line);
	if (server->options.device_auth == OTA_DEVICE_AUTH_NONE) {
		ota_log_begin(&line, OTA_LOG_WARNING, "devices_not_authenticated");
		ota_log_text(&line, "ota_device_auth", "none");
		ota_log_text(&line, "meaning", "WHOEVER CONNECTS MAY CALL HIMSELF ANY DEVICE: for a lab, never for a fleet");
		ota_log_end(&server->log, &line);
	}
}

static int server_build(struct ota_server *server, struct ota_error *error)
{
	struct resumed resumed = {0};
	int code = pieces_make(server, error);
	if (code == 0)
		code = store_start(server, &resumed, error);
	if (code == 0)
		code = journal_start(server, &resumed, error);
	if (code != 0)
		return code;
	ota_heard_start(&server->heard, resumed.heard_ms, ota_journal_last_heard_ms(server->journal), ota_boot_ms());
	code = engine_start(server, error);
	if (code == 0)
		code = control_bootstrap(server, error);
	if (code == 0)
		code = worker_start(server, resumed.applied, error);
	if (code == 0)
		start_tell(server, resumed.applied);
	return code;
}

int ota_server_start(const struct ota_options *options, const struct ota_log *log, struct ota_server **ret_server,
		     struct ota_error *error)
{
	struct ota_server *server = calloc(1, sizeof(*server));
	if (!server)
		return ota_fail(error, OTA_ENOMEM, "no memory");
	server->options = *options;
	server->log = *log;
	server->worker_log = (struct ota_log){.write = lines_write, .context = &server->lines, .threshold = log->threshold};
	server->inwork.fd = -1;
	ota_compat_find(&server->compat);
	int code = server_build(server, error);
	if (code != 0) {
		ota_server_stop(server);
		return code;
	}
	*ret_server = server;
	return 0;
}

static void stop_tell(const struct ota_server *server, const struct ota_worker_figures *worker)
{
	struct ota_log_line line;
	for (enum ota_callback_kind kind = 0; kind < OTA_CALLBACKS; kind++) {
		struct ota_stopwatch_reading watch;
		ota_stopwatch_read(&server->stopwatches[kind], &watch);
		ota_log_begin(&line, OTA_LOG_INFO, "callback_time");
		ota_log_text(&line, "callback", callback_names[kind]);
		ota_log_integer(&line, "count", (int64_t)watch.count);
		ota_log_integer(&line, "average_us", watch.count > 0 ? (int64_t)(watch.total_us / watch.count) : 0);
		ota_log_integer(&line, "p99_us", (int64_t)ota_stopwatch_within_us(&watch, 99));
		ota_log_integer(&line, "max_us", (int64_t)watch.max_us);
		ota_log_end(&server->log, &line);
	}
	ota_log_begin(&line, OTA_LOG_INFO, "stopped");
	ota_log_integer(&line, "events", (int64_t)worker->events);
	ota_log_integer(&line, "commits", (int64_t)worker->commits);
	ota_log_integer(&line, "coalesced", (int64_t)worker->coalesced);
	ota_log_integer(&line, "set_aside", (int64_t)worker->set_aside);
	ota_log_integer(&line, "store_failures", (int64_t)worker->failures);
	ota_log_integer(&line, "dropped_reports", (int64_t)server->dropped_reports);
	ota_log_integer(&line, "dropped_pulls", (int64_t)server->dropped_pulls);
	ota_log_integer(&line, "unsent", (int64_t)server->dropped_messages);
	ota_log_integer(&line, "waiting", (int64_t)ota_queue_depth(server->queue));
	ota_log_end(&server->log, &line);
}

/* The broker has closed its clients by now: messages would reach nobody, but lines are read. */
static void last_lines_write(struct ota_server *server)
{
	ota_mailbox_take(server->mailbox, &server->sending, &server->logging);
	ota_lines_move(&server->logging, &server->lines);
	ota_lines_flush(&server->logging, &server->log, OTA_LINES_MAX);
}

struct ota_server *ota_server_stop(struct ota_server *server)
{
	if (!server)
		return NULL;
	if (server->worker) {
		struct ota_worker_figures figures;
		ota_intake_end(server);
		server->worker = ota_worker_stop(server->worker, &figures);
		last_lines_write(server);
		stop_tell(server, &figures);
	}
	ota_inwork_close(&server->inwork);
	server->control = ota_control_free(server->control);
	server->engine = ota_engine_free(server->engine);
	server->journal = ota_journal_free(server->journal);
	server->keeper = ota_keeper_stop(server->keeper);
	server->carrier = ota_carrier_stop(server->carrier);
	server->keyring = ota_keyring_free(server->keyring);
	server->store = ota_store_free(server->store);
	server->queue = ota_queue_free(server->queue);
	server->plight = ota_plight_free(server->plight);
	server->mailbox = ota_mailbox_free(server->mailbox);
	server->peers = ota_peers_free(server->peers);
	server->sessions = ota_sessions_free(server->sessions);
	server->addressed = ota_sessions_free(server->addressed);
	server->denylist = ota_denylist_free(server->denylist);
	server->quotas = ota_quotas_free(server->quotas);
	ota_outbox_clear(&server->outbox);
	ota_outbox_clear(&server->sending);
	ota_outbox_clear(&server->bulletins);
	ota_lines_clear(&server->lines);
	explicit_bzero(&server->url_keys, sizeof(server->url_keys));
	free(server);
	return NULL;
}
