#include "ctl/verb.h"

#include <string.h>

#include "common/nearest.h"
#include "ctl/schedule.h"
#include "ctl/verbs.h"

#define LIST(name) { name, sizeof(name) / sizeof((name)[0]) }
#define NO_OPTIONS { NULL, 0 }

enum {
	WORDS_MAX = 32,
	PLAN_LACKS = 3, /* of the options of batch create, the last ones of MUTATING: what a plan has no use for */
};

/* clang-format off */
#define PRODUCT { "product", 'p', "KEY", "productKey", false, "the product" }
#define MODULE { "module", 'm', "MODULE", "module", false, "the module, default if not given" }
#define VERSION { "version", 'v', "VERSION", "version", false, "the version" }
#define ROWS { "limit", 'n', "N", NULL, false, "stop after that many rows" }
#define WHEN \
	{ "since", 0, "WHEN", NULL, false, "from then on: 2h (ago), 2026-11-20 or 2026-11-20T10:00 (UTC)" }, \
	{ "until", 0, "WHEN", NULL, false, "up to then" }
#define FOLLOW { "follow", 'F', NULL, NULL, false, "the last ten, or all --since, and then what happens, as it happens" }
#define NAMES_FILE { "names-file", 'f', "FILE", NULL, false, "one device name a line, - for standard input" }
#define QUIET { "quiet", 'q', NULL, NULL, false, "no progress bar" }
#define SECRETS_OUT { "out", 0, "FILE", NULL, false, "secrets into a new file (CSV, mode 600) instead of showing them" }
#define DRY_RUN { "dry-run", 0, NULL, "dryRun", false, "say what it would do and do nothing" }
#define REASONED \
	{ "reason", 0, "TEXT", "reason", false, "why; kept in the log" }, \
	{ "request-id", 0, "ID", "requestId", false, "the same id again gives the same answer and does nothing twice" }
#define MUTATING \
	REASONED, DRY_RUN, \
	{ "if-rev", 0, "REV", "ifRev", false, "only if what it changes still has that rev, of which show tells" }

static const struct ota_option globals[] = {
	{ "output",     'o', "FORM", NULL, false, "table (default), json, jsonl or name" },
	{ "no-headers", 0,   NULL,   NULL, false, "tables without their first line" },
	{ "gateway",    0,   "URL",  NULL, false, "the gateway (OTA_URL)" },
	{ "token-file", 0,   "FILE", NULL, false, "a file with the token (OTA_TOKEN_FILE; or OTA_TOKEN)" },
	{ "config",     'c', "FILE", NULL, false, "settings instead of ~/.config/otactl.conf and /etc/otactl.conf" },
	{ "help",       'h', NULL,   NULL, false, "help of everything, a noun or a verb" },
};

static const struct ota_option page_options[] = { ROWS };
static const struct ota_option product_add_options[] = {
	{ "key", 'k', "KEY", "productKey", false, "the same as PRODUCT: the key that is burnt into its devices" },
	{ "name", 0, "TEXT", "name", false, "a name for people" },
	{ "registration", 0, "RULE", "registration", false, "listed (default): only registered devices are served; open: whoever reports is registered" },
	{ "sign-method", 0, "METHOD", "signMethod", false, "auto, md5 or sha256" },
	{ "delivery", 0, "WAY", "delivery", false, "http (default): devices download by a URL; mqtt: block by block over MQTT" },
	MUTATING,
};
static const struct ota_option versions_options[] = { MODULE };
static const struct ota_option device_list_options[] = {
	PRODUCT, MODULE, VERSION,
	{ "online", 0, "YES", "online", false, "true or false" },
	{ "disabled", 0, "YES", "disabled", false, "true or false: shut out by an operator" },
	{ "tag", 't', "KEY=VALUE", "tag", false, "that have this tag" },
	{ "where", 'w', "EXPRESSION", "where", false, "those it means, as 'version < 2.0 and percent < 10': ota-targets(7)" },
	ROWS,
};
static const struct ota_option device_add_options[] = {
	NAMES_FILE, QUIET,
	{ "secrets", 's', NULL, "secrets", false, "make a secret for each new device; it is shown this once" },
	SECRETS_OUT,
	MUTATING,
};
static const struct ota_option device_renew_options[] = {
	SECRETS_OUT,
	MUTATING,
};
static const struct ota_option device_import_options[] = {
	{ "product", 'p', "KEY", NULL, false, "the product, where no column product_key says it" },
	{ "dry-run", 0, NULL, NULL, false, "read the whole table, say what it holds and do nothing" },
	QUIET,
	REASONED,
};
static const struct ota_option device_tag_options[] = {
	NAMES_FILE, QUIET,
	{ "set", 's', "KEY=VALUE", NULL, true, "this tag; may be given many times" },
	{ "unset", 'u', "KEY", NULL, true, "no longer this tag; may be given many times" },
	MUTATING,
};
static const struct ota_option group_change_options[] = { NAMES_FILE, QUIET, REASONED, DRY_RUN };
static const struct ota_option mutating_options[] = { MUTATING };
static const struct ota_option package_list_options[] = { PRODUCT, MODULE, ROWS };
static const struct ota_option package_show_options[] = { PRODUCT, MODULE, VERSION };
static const struct ota_option package_add_options[] = {
	PRODUCT, MODULE, VERSION,
	{ "url", 0, "URL", "url", false, "hosted elsewhere: devices fetch it there, otactl fetches it once to measure it" },
	{ "notes", 0, "TEXT", "notes", false, "release notes" },
	{ "notes-file", 0, "FILE", NULL, false, "release notes from a file" },
	{ "info", 'i', "KEY=VALUE", NULL, true, "goes with each push to the devices; may be given many times" },
	QUIET,
	REASONED, DRY_RUN,
};
static const struct ota_option package_yank_options[] = {
	PRODUCT, MODULE, VERSION,
	{ "force", 0, NULL, "force", false, "also when it is in use: its batches and their unfinished tasks are canceled" },
	MUTATING,
};
static const struct ota_option package_verify_options[] = {
	PRODUCT, MODULE, VERSION,
	QUIET,
};
/* How a batch moves: what may change while it runs, and what is said of it once. */
#define STRATEGY_LIVE \
	{ "push-timeout", 0, "TIME", "strategy.pushTimeout", false, "online time for the first report (1h)" }, \
	{ "upgrade-timeout", 0, "TIME", "strategy.upgradeTimeout", false, "from the first report to the new version (60m)" }, \
	{ "reboot-timeout", 0, "TIME", "strategy.rebootTimeout", false, "from the whole download to the new version (10m)" }, \
	{ "soak", 0, "TIME", "strategy.soak", false, "the new version must run that long (0s)" }, \
	{ "retries", 0, "N", "strategy.retries", false, "more attempts after a failed one (2)" }, \
	{ "retry-pause", 0, "TIME", "strategy.retryPause", false, "before the next attempt (10m)" }, \
	{ "end-at", 0, "WHEN", "strategy.endAt", false, "then what is pending is canceled, in place of --end-after", ota_schedule_read }, \
	{ "end-after", 0, "TIME", "strategy.endAfter", false, "so long after its start what is pending is canceled (30d)" }, \
	{ "retry-on", 0, "CAUSES", "strategy.retryCauses", false, "what is tried again (download_failed,push_timeout,upgrade_timeout,lost; none)", \
	  ota_phrase_read_list }, \
	{ "abort-percent", 0, "N", "strategy.abortPercent", false, "stop when more than that share failed (10)" }, \
	{ "abort-sample", 0, "N", "strategy.abortSample", false, "of at least so many finished; 0 = never (10)" }, \
	{ "abort-count", 0, "N", "strategy.abortCount", false, "stop when so many failed, whatever the share; 0 = never (0)" }, \
	{ "abort-on", 0, "CAUSES", "strategy.abortCauses", false, "what counts as failed for that, as burn_failed,lost (every cause)", \
	  ota_phrase_read_list }, \
	{ "abort-action", 0, "ACTION", "strategy.abortAction", false, "pause (default) or cancel: what stopping means" }, \
	{ "rate", 'r', "RATE", "strategy.rate", false, "devices a minute: '1000', or growing: '1000 from 50 factor 2 every 10m'", \
	  ota_phrase_read_rate }, \
	{ "max-in-flight", 0, "N", "strategy.maxInFlight", false, "devices being updated at a time; 0 = any number (0)" }, \
	{ "window", 0, "FROM-TO", "strategy.window", false, "send only at this time of the day, such as 22:00-06:00", ota_phrase_read_window }, \
	{ "zone", 0, "ZONE", "strategy.window.zone", false, "the time zone of --window, such as Europe/Berlin (UTC)" }, \
	{ "zone-tag", 0, "TAG", "strategy.window.zoneTag", false, "each device's own time zone is the value of this tag, --zone if it has none" }
#define STRATEGY \
	STRATEGY_LIVE, \
	{ "start-at", 0, "WHEN", "strategy.startAt", false, "nothing is sent before: \"in 2h\", 2026-11-20 or 2026-11-20T10:00 (UTC)", \
	  ota_schedule_read }, \
	{ "auto-rollback", 0, NULL, "strategy.autoRollback", false, "when it stops by itself, send who has the version back to the one before" }, \
	{ "stage", 's', "STAGE", "strategy.stages", true, "who goes first, as '1% success 95 finished 80 soak 1h deadline 2d manual' or '500 soak 1h'; may be given many times", \
	  ota_phrase_read_stage }, \
	{ "confirm", 0, NULL, "strategy.confirm", false, "each device waits for an operator's word" }, \
	{ "pull-only", 0, NULL, "strategy.pullOnly", false, "nothing is pushed: devices that ask are answered" }
static const struct ota_option batch_create_options[] = {
	{ "file", 'f', "FILE", NULL, false, "the batch as JSON, as batch export writes it; - for standard input. Options win over it" },
	{ "package", 0, "ID", "package", false, "the package by its id; or:" },
	PRODUCT, MODULE, VERSION,
	{ "kind", 'k', "KIND", "kind", false, "static (default); verify: a few devices prove the package; dynamic: whoever comes to match later joins" },
	{ "all", 'a', NULL, "targets.all", false, "every device of the product" },
	{ "where", 'w', "EXPRESSION", "targets.where", false, "those it means, as 'version < 2.0 and percent < 10'; ota-targets(7)" },
	{ "of-batch", 0, "ID", "targets.batch", false, "those of another batch" },
	{ "of-state", 0, "STATE", "targets.state", false, "of them only those that are failed, succeeded, canceled or have it installed" },
	{ "device", 'd', "NAME", NULL, true, "this device; may be given many times" },
	{ "names-file", 0, "FILE", NULL, false, "one device name a line, - for standard input; more than 1000 become a group" },
	{ "name", 0, "TEXT", "name", false, "a name for people" },
	{ "tag", 0, "KEY=VALUE", NULL, true, "goes with each push of this batch; may be given many times" },
	{ "on-conflict", 0, "RULE", "onConflict", false, "devices that have unfinished work: reject (default), skip them, or supersede: take them over" },
	{ "override", 0, NULL, "override", false, "roll out a package that no verify batch proved; needs --reason" },
	STRATEGY,
	MUTATING,
};
static const struct ota_option batch_export_options[] = {
	{ "all", 'a', NULL, "all", false, "also what is at its default" },
};
/* What is not said is as it was in the batch before. */
#define SUCCESSOR \
	{ "name", 0, "TEXT", "name", false, "a name for people" }, \
	{ "on-conflict", 0, "RULE", "onConflict", false, "devices that have unfinished work: reject, skip or supersede" }, \
	{ "override", 0, NULL, "override", false, "also with a package that no verify batch proved; needs --reason" }
static const struct ota_option batch_retry_options[] = {
	{ "failed", 0, NULL, NULL, false, "those that failed, which is what it does anyway" },
	{ "cause", 0, "CAUSES", "causes", false, "only those that failed of these, as burn_failed,lost", ota_phrase_read_list },
	SUCCESSOR, STRATEGY, MUTATING,
};
static const struct ota_option batch_clone_options[] = {
	{ "package", 0, "ID", "package", false, "another package, by its id; or:" },
	VERSION,
	{ "kind", 'k', "KIND", "kind", false, "another kind" },
	{ "all", 'a', NULL, "targets.all", false, "not the same devices, but every one of the product" },
	{ "where", 'w', "EXPRESSION", "targets.where", false, "not the same devices, but those it means; ota-targets(7)" },
	{ "tag", 0, "KEY=VALUE", NULL, true, "goes with each push, in place of the tags before; may be given many times" },
	SUCCESSOR, STRATEGY, MUTATING,
};
static const struct ota_option batch_rollback_options[] = {
	{ "to", 't', "VERSION", "version", false, "to this version; not needed when all its devices ran the same one before" },
	{ "package", 0, "ID", "package", false, "to this package, by its id" },
	SUCCESSOR, STRATEGY, MUTATING,
};
static const struct ota_option batch_set_options[] = { STRATEGY_LIVE, MUTATING };
static const struct ota_option batch_confirm_options[] = {
	{ "all", 'a', NULL, NULL, false, "every device that waits in it now" },
	NAMES_FILE,
	MUTATING,
};
static const struct ota_option batch_list_options[] = {
	PRODUCT,
	{ "state", 's', "STATE", "state", false, "planned, running, paused, completed or canceled" },
	ROWS,
};
static const struct ota_option batch_tasks_options[] = {
	{ "state", 's', "STATE", "state", false, "pending, pushed, upgrading, succeeded, failed or canceled" },
	ROWS,
};
static const struct ota_option batch_watch_options[] = {
	{ "interval", 'i', "TIME", NULL, false, "between two looks (1s)" },
	{ "timeout", 't', "TIME", NULL, false, "give up after that time, with exit code 1" },
};
static const struct ota_option batch_cancel_options[] = {
	{ "level", 'l', "LEVEL", "level", false, "withdraw (default): what is pending; ask: what was pushed, too, where the device agrees; revoke: whatever it does" },
	MUTATING,
};
static const struct ota_option token_add_options[] = {
	{ "role", 0, "ROLE", "role", false, "viewer (looks), operator (rolls out) or admin (also tokens)" },
	{ "expires-in", 'e', "TIME", "expiresIn", false, "it works no longer after that time, such as 90d; never if not given" },
	REASONED, DRY_RUN,
};
static const struct ota_option token_revoke_options[] = { REASONED, DRY_RUN };
static const struct ota_option log_options[] = {
	PRODUCT,
	{ "device", 'd', "NAME", "deviceName", false, "of this device" },
	{ "batch", 'b', "ID", "batch", false, "of this batch" },
	{ "task", 't', "ID", "task", false, "of this task" },
	{ "actor", 0, "NAME", "actor", false, "by the operator with this token" },
	{ "event", 'e', "WORD", "event", false, "of this kind, such as failed or batch_created" },
	WHEN, ROWS, FOLLOW,
};
static const struct ota_option device_log_options[] = { WHEN, ROWS, FOLLOW };

static const struct ota_option server_check_options[] = {
	{ "deep", 0, NULL, "deep", false, "also read every package and compare its digest" },
	REASONED,
};
static const struct ota_option server_backup_options[] = {
	{ "name", 0, "WORD", "name", false, "part of the file's name; such a backup is never removed by --keep" },
	{ "keep", 0, "N", "keep", false, "afterwards remove older ones, but the newest N" },
	REASONED,
};
static const struct ota_option server_restore_options[] = {
	{ "store-dir", 0, "DIR", NULL, false, "the broker's ota_store_dir; must be given" },
	{ "sha256", 0, "HEX", NULL, false, "refuse the file if its SHA-256 is another one" },
};

static const struct ota_verb verbs[] = {
	{ "product", "list", "", "", 0, 0, "listProducts",
	  LIST(page_options), &ota_view_product, NULL,
	  "products and how many devices they have" },
	{ "product", "show", "PRODUCT", "productKey", 1, 1, "getProduct",
	  NO_OPTIONS, &ota_view_product, NULL,
	  "one product" },
	{ "product", "versions", "PRODUCT", "productKey", 1, 1, "versionDistribution",
	  LIST(versions_options), &ota_view_version, NULL,
	  "which versions its devices run" },
	{ "product", "add", "[PRODUCT]", "productKey", 0, 1, "createProduct",
	  LIST(product_add_options), &ota_view_product, NULL,
	  "a new product" },
	{ "product", "set", "PRODUCT", "productKey", 1, 1, "updateProduct",
	  LIST(product_add_options), &ota_view_product, NULL,
	  "change what is given; offers made from then on follow it" },
	{ "device", "list", "", "", 0, 0, "listDevices",
	  LIST(device_list_options), &ota_view_device, NULL,
	  "devices of a product" },
	{ "device", "show", "PRODUCT NAME", "productKey deviceName", 2, 2, "getDevice",
	  NO_OPTIONS, &ota_view_device, NULL,
	  "one device: versions and latest tasks" },
	{ "device", "explain", "PRODUCT NAME", "productKey deviceName", 2, 2, "explainDevice",
	  NO_OPTIONS, &ota_view_explanation, NULL,
	  "why it has not got what it was meant to get, and when it will" },
	{ "device", "add", "PRODUCT [NAME...]", "productKey", 1, -1, "registerDevices",
	  LIST(device_add_options), &ota_view_registration, ota_device_add,
	  "register devices by name" },
	{ "device", "register", "PRODUCT [NAME...]", "productKey", 1, -1, "registerDevices",
	  LIST(device_add_options), &ota_view_registration, ota_device_add,
	  "the same" },
	{ "device", "import", "FILE", "", 1, 1, "importDevices",
	  LIST(device_import_options), &ota_view_registration, ota_device_import,
	  "register devices from a CSV table, with tags and secrets; - for standard input" },
	{ "device", "renew-secret", "PRODUCT NAME", "productKey deviceName", 2, 2, "renewSecret",
	  LIST(device_renew_options), &ota_view_secret, ota_device_renew_secret,
	  "a new secret for a device, in place of the one it has; it is shown this once" },
	{ "device", "tag", "PRODUCT [NAME...]", "productKey", 1, -1, "tagDevices",
	  LIST(device_tag_options), &ota_view_registration, ota_device_tag,
	  "set and unset tags of devices" },
	{ "device", "log", "PRODUCT NAME", "productKey deviceName", 2, 2, "listEvents",
	  LIST(device_log_options), &ota_view_device_event, ota_log_show,
	  "what happened to a device, newest first" },
	{ "device", "unbar", "PRODUCT NAME", "productKey deviceName", 2, 2, "unbarDevice",
	  LIST(mutating_options), &ota_view_device, NULL,
	  "serve a device again that went round in a loop" },
	{ "device", "disable", "PRODUCT NAME", "productKey deviceName", 2, 2, "disableDevice",
	  LIST(mutating_options), &ota_view_device, NULL,
	  "shut a device out: its connection ends and it cannot connect again" },
	{ "device", "enable", "PRODUCT NAME", "productKey deviceName", 2, 2, "enableDevice",
	  LIST(mutating_options), &ota_view_device, NULL,
	  "let a device in again that was shut out" },
	{ "group", "list", "PRODUCT", "productKey", 1, 1, "listGroups",
	  LIST(page_options), &ota_view_group, NULL,
	  "groups of a product's devices" },
	{ "group", "show", "PRODUCT GROUP", "productKey group", 2, 2, "getGroup",
	  NO_OPTIONS, &ota_view_group, NULL,
	  "one group" },
	{ "group", "members", "PRODUCT GROUP", "productKey group", 2, 2, "listGroupMembers",
	  LIST(page_options), &ota_view_group_member, NULL,
	  "the devices in a group" },
	{ "group", "add", "PRODUCT GROUP [NAME...]", "productKey group", 2, -1, "addToGroup",
	  LIST(group_change_options), &ota_view_membership, ota_group_add,
	  "put devices into a group; the first time makes it, also without a name" },
	{ "group", "remove", "PRODUCT GROUP [NAME...]", "productKey group", 2, -1, "removeFromGroup",
	  LIST(group_change_options), &ota_view_membership, ota_group_remove,
	  "take devices out of a group" },
	{ "group", "delete", "PRODUCT GROUP", "productKey group", 2, 2, "deleteGroup",
	  LIST(mutating_options), &ota_view_group, NULL,
	  "a group is no more; its devices stay" },
	{ "package", "list", "", "", 0, 0, "listPackages",
	  LIST(package_list_options), &ota_view_package, NULL,
	  "packages" },
	{ "package", "show", "[ID]", "package", 0, 1, "getPackage",
	  LIST(package_show_options), &ota_view_package, NULL,
	  "one package, by id or by --product and --version" },
	{ "package", "add", "[FILE...]", "", 0, -1, "addPackage",
	  LIST(package_add_options), &ota_view_package, ota_package_add,
	  "upload a package of one file or of several, or name one hosted elsewhere" },
	{ "package", "yank", "[ID]", "package", 0, 1, "yankPackage",
	  LIST(package_yank_options), &ota_view_package, NULL,
	  "take a package back for good: nobody is offered it any more" },
	{ "package", "verify", "[ID]", "package", 0, 1, "linkPackage",
	  LIST(package_verify_options), &ota_view_link, ota_package_verify,
	  "fetch it as a device would and compare; exit code 6 when the bytes differ" },
	{ "batch", "list", "", "", 0, 0, "listBatches",
	  LIST(batch_list_options), &ota_view_batch, NULL,
	  "batches, newest first" },
	{ "batch", "show", "ID", "batch", 1, 1, "getBatch",
	  NO_OPTIONS, &ota_view_batch, NULL,
	  "one batch" },
	{ "batch", "create", "", "", 0, 0, "createBatch",
	  LIST(batch_create_options), &ota_view_batch, ota_batch_create,
	  "roll a package out" },
	{ "batch", "retry", "ID", "batch", 1, 1, "retryBatch",
	  LIST(batch_retry_options), &ota_view_batch, ota_batch_succeed,
	  "a new batch of those that failed in one" },
	{ "batch", "clone", "ID", "batch", 1, 1, "cloneBatch",
	  LIST(batch_clone_options), &ota_view_batch, ota_batch_succeed,
	  "the same batch once more, but for what is said anew" },
	{ "batch", "rollback", "ID", "batch", 1, 1, "rollbackBatch",
	  LIST(batch_rollback_options), &ota_view_batch, ota_batch_succeed,
	  "bring its devices back to what they ran before, and end it" },
	{ "batch", "plan", "", "", 0, 0, "createBatch",
	  { batch_create_options, sizeof(batch_create_options) / sizeof(batch_create_options[0]) - PLAN_LACKS }, &ota_view_plan,
	  ota_batch_plan,
	  "what such a batch would do: whom it meets, how long it takes, what to think of; nothing moves" },
	{ "batch", "export", "ID", "batch", 1, 1, "exportBatch",
	  LIST(batch_export_options), &ota_view_order, ota_batch_export,
	  "a batch as JSON, as batch create --file takes it" },
	{ "batch", "watch", "ID", "batch", 1, 1, "getBatch",
	  LIST(batch_watch_options), &ota_view_batch, ota_batch_watch,
	  "follow a batch to its end; exit code 5 when it failed or was canceled" },
	{ "batch", "tasks", "ID", "batch", 1, 1, "listTasks",
	  LIST(batch_tasks_options), &ota_view_task, NULL,
	  "its devices, one by one" },
	{ "batch", "pause", "ID", "batch", 1, 1, "pauseBatch",
	  LIST(mutating_options), &ota_view_batch, NULL,
	  "send nothing more for now" },
	{ "batch", "resume", "ID", "batch", 1, 1, "resumeBatch",
	  LIST(mutating_options), &ota_view_batch, NULL,
	  "go on" },
	{ "batch", "advance", "ID", "batch", 1, 1, "advanceBatch",
	  LIST(mutating_options), &ota_view_batch, NULL,
	  "open its next stage now, whatever the gate of the open one says" },
	{ "batch", "set", "ID", "batch", 1, 1, "updateBatch",
	  LIST(batch_set_options), &ota_view_batch, NULL,
	  "change its rate, limits, timers or end while it runs" },
	{ "batch", "confirm", "ID [NAME...]", "batch", 1, -1, "confirmTasks",
	  LIST(batch_confirm_options), &ota_view_confirmation, ota_batch_confirm,
	  "your word for devices of a batch made with --confirm" },
	{ "batch", "cancel", "ID", "batch", 1, 1, "cancelBatch",
	  LIST(batch_cancel_options), &ota_view_batch, NULL,
	  "end it" },
	{ "task", "show", "ID", "task", 1, 1, "getTask",
	  NO_OPTIONS, &ota_view_task, NULL,
	  "one device's part in a batch, with its attempts" },
	{ "server", "status", "", "", 0, 0, "getServer",
	  NO_OPTIONS, &ota_view_server, NULL,
	  "the update server, and what needs somebody to act" },
	{ "server", "check", "", "", 0, 0, "checkServer",
	  LIST(server_check_options), &ota_view_check, ota_server_check,
	  "look through the store, the packages and the journal; exit code 7 when something is wrong" },
	{ "server", "backup", "", "", 0, 0, "backupServer",
	  LIST(server_backup_options), &ota_view_backup, ota_server_backup,
	  "a backup of the store, made on the server's machine while it works" },
	{ "server", "job", "ID", "job", 1, 1, "getJob",
	  NO_OPTIONS, &ota_view_job, NULL,
	  "how far a backup or a check is, and what came of it" },
	{ "server", "restore", "FILE", "", 1, 1, NULL,
	  LIST(server_restore_options), &ota_view_backup, ota_server_restore,
	  "put a backup where the broker takes it over when it is restarted; on its machine" },
	{ "token", "add", "NAME", "name", 1, 1, "createToken",
	  LIST(token_add_options), &ota_view_token, NULL,
	  "a token for a person or a program; it is shown this once" },
	{ "token", "list", "", "", 0, 0, "listTokens",
	  LIST(page_options), &ota_view_token, NULL,
	  "who holds which role, until when, and when it was last used" },
	{ "token", "revoke", "NAME", "name", 1, 1, "revokeToken",
	  LIST(token_revoke_options), &ota_view_token, NULL,
	  "a token works no longer, from this moment on" },
	{ "log", NULL, "", "", 0, 0, "listEvents",
	  LIST(log_options), &ota_view_event, ota_log_show,
	  "what happened, newest first" },
};
/* clang-format on */

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

size_t ota_verb_count(void)
{
	return VERBS;
}

const struct ota_verb *ota_verb_at(size_t index)
{
	return index < VERBS ? &verbs[index] : NULL;
}

struct ota_option_list ota_verb_globals(void)
{
	return (struct ota_option_list)LIST(globals);
}

/* The nouns, or the verbs of one noun, for a hint. */
static const char *nearest(const char *word, const char *noun)
{
	const char *words[WORDS_MAX + 1] = { NULL };
	size_t count = 0;

	for (size_t i = 0; i < VERBS && count < WORDS_MAX; i++) {
		if (!noun)
			words[count++] = verbs[i].noun;
		else if (strcmp(verbs[i].noun, noun) == 0 && verbs[i].name)
			words[count++] = verbs[i].name;
	}
	return ota_nearest(word, words);
}

static int unknown(const char *noun, const char *word, struct ota_error *error)
{
	const char *near = word ? nearest(word, noun) : NULL;

	if (!word)
		return ota_fail(error, OTA_EINVALID, "%s: what to do with it? See otactl %s --help", noun, noun);
	if (near)
		return ota_fail(error, OTA_EINVALID, "there is no %s \"%s\"; did you mean \"%s\"?", noun ? "verb" : "noun", word,
				near);
	return ota_fail(error, OTA_EINVALID, "there is no %s \"%s\"; see otactl %s%s--help", noun ? "verb" : "noun", word,
			noun ? noun : "", noun ? " " : "");
}

int ota_verb_find(int argc, char *const *argv, const struct ota_verb **ret_verb, int *ret_used, struct ota_error *error)
{
	const char *word = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
	bool is_noun = false;

	for (size_t i = 0; i < VERBS; i++) {
		const struct ota_verb *verb = &verbs[i];

		if (strcmp(verb->noun, argv[0]) != 0)
			continue;
		is_noun = true;
		if (verb->name && (!word || strcmp(verb->name, word) != 0))
			continue;
		*ret_verb = verb;
		*ret_used = verb->name ? 2 : 1;
		return 0;
	}
	return is_noun ? unknown(argv[0], word, error) : unknown(NULL, argv[0], error);
}
