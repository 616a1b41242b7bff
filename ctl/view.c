#include "ctl/view.h"

#include <string.h>

#include "common/json.h"

#define LIST(name) { name, sizeof(name) / sizeof((name)[0]) }

/* clang-format off */
static const struct ota_field product_columns[] = {
	{ "PRODUCT",      "productKey",   OTA_HUMAN_TEXT,   0 },
	{ "NAME",         "name",         OTA_HUMAN_TEXT,   40 },
	{ "DEVICES",      "devices",      OTA_HUMAN_NUMBER, 0 },
	{ "REGISTRATION", "registration", OTA_HUMAN_TEXT,   0 },
	{ "SIGN",         "signMethod",   OTA_HUMAN_TEXT,   0 },
	{ "CREATED",      "createdAt",    OTA_HUMAN_AGO,    0 },
};
static const struct ota_field product_lines[] = {
	{ "product",      "productKey",   OTA_HUMAN_TEXT,   0 },
	{ "name",         "name",         OTA_HUMAN_TEXT,   0 },
	{ "devices",      "devices",      OTA_HUMAN_NUMBER, 0 },
	{ "registration", "registration", OTA_HUMAN_TEXT,   0 },
	{ "sign method",  "signMethod",   OTA_HUMAN_TEXT,   0 },
	{ "delivery",     "delivery",     OTA_HUMAN_TEXT,   0 },
	{ "created",      "createdAt",    OTA_HUMAN_TIME,   0 },
	{ "rev",          "rev",          OTA_HUMAN_NUMBER, 0 },
};
const struct ota_view ota_view_product = { "productKey", LIST(product_columns), LIST(product_lines), NULL };

static const struct ota_field task_columns[] = {
	{ "TASK",    "id",         OTA_HUMAN_NUMBER, 0 },
	{ "BATCH",   "batch",      OTA_HUMAN_NUMBER, 0 },
	{ "DEVICE",  "deviceName", OTA_HUMAN_TEXT,   40 },
	{ "MODULE",  "module",     OTA_HUMAN_TEXT,   24 },
	{ "STATE",   "state",      OTA_HUMAN_TEXT,   0 },
	{ "REASON",  "reason",     OTA_HUMAN_TEXT,   0 },
	{ "CAUSE",   "cause",      OTA_HUMAN_TEXT,   0 },
	{ "STEP",    "step",       OTA_HUMAN_NUMBER, 0 },
	{ "ATTEMPT", "attempt",    OTA_HUMAN_NUMBER, 0 },
	{ "FROM",    "fromVersion", OTA_HUMAN_TEXT,  24 },
	{ "TO",      "version",    OTA_HUMAN_TEXT,   24 },
	{ "UPDATED", "updatedAt",  OTA_HUMAN_AGO,    0 },
};
static const struct ota_field task_lines[] = {
	{ "task",    "id",          OTA_HUMAN_NUMBER, 0 },
	{ "batch",   "batch",       OTA_HUMAN_NUMBER, 0 },
	{ "product", "productKey",  OTA_HUMAN_TEXT,   0 },
	{ "device",  "deviceName",  OTA_HUMAN_TEXT,   0 },
	{ "module",  "module",      OTA_HUMAN_TEXT,   0 },
	{ "from",    "fromVersion", OTA_HUMAN_TEXT,   0 },
	{ "to",      "version",     OTA_HUMAN_TEXT,   0 },
	{ "state",   "state",       OTA_HUMAN_TEXT,   0 },
	{ "reason",  "reason",      OTA_HUMAN_TEXT,   0 },
	{ "cause",   "cause",       OTA_HUMAN_TEXT,   0 },
	{ "mark",    "mark",        OTA_HUMAN_TEXT,   0 },
	{ "asked",   "ask",         OTA_HUMAN_TEXT,   0 },
	{ "step",    "step",        OTA_HUMAN_NUMBER, 0 },
	{ "told",    "desc",        OTA_HUMAN_TEXT,   0 },
	{ "attempt", "attempt",     OTA_HUMAN_NUMBER, 0 },
	{ "created", "createdAt",   OTA_HUMAN_TIME,   0 },
	{ "updated", "updatedAt",   OTA_HUMAN_TIME,   0 },
	{ "due",     "dueAt",       OTA_HUMAN_TIME,   0 },
};
static const struct ota_field attempt_columns[] = {
	{ "ATTEMPT", "attempt",   OTA_HUMAN_NUMBER, 0 },
	{ "PUSHED",  "pushedAt",  OTA_HUMAN_AGO,    0 },
	{ "STARTED", "startedAt", OTA_HUMAN_AGO,    0 },
	{ "FETCHED", "fetchedAt", OTA_HUMAN_AGO,    0 },
	{ "ENDED",   "endedAt",   OTA_HUMAN_AGO,    0 },
	{ "SENT",    "bytes",     OTA_HUMAN_BYTES,  0 },
	{ "CAUSE",   "cause",     OTA_HUMAN_TEXT,   0 },
	{ "TOLD",    "desc",      OTA_HUMAN_TEXT,   60 },
};
static const struct ota_view attempt_view = { "attempt", LIST(attempt_columns), { NULL, 0 }, NULL };
static const struct ota_part task_parts[] = { { "attempts", "attempts", &attempt_view }, { NULL, NULL, NULL } };
const struct ota_view ota_view_task = { "id", LIST(task_columns), LIST(task_lines), task_parts };

static const struct ota_field device_columns[] = {
	{ "DEVICE",   "deviceName", OTA_HUMAN_TEXT,    64 },
	{ "ONLINE",   "online",     OTA_HUMAN_YES,     0 },
	{ "VERSIONS", "modules",    OTA_HUMAN_MODULES, 60 },
	{ "SEEN",     "lastSeenAt", OTA_HUMAN_AGO,     0 },
	{ "BARRED",   "barred",     OTA_HUMAN_YES,     0 },
	{ "DISABLED", "disabled",   OTA_HUMAN_YES,     0 },
	{ "TAGS",     "tags",       OTA_HUMAN_TAGS,    60 },
};
static const struct ota_field device_lines[] = {
	{ "product",    "productKey",   OTA_HUMAN_TEXT, 0 },
	{ "device",     "deviceName",   OTA_HUMAN_TEXT, 0 },
	{ "online",     "online",       OTA_HUMAN_YES,  0 },
	{ "registered", "registeredAt", OTA_HUMAN_TIME, 0 },
	{ "seen",       "lastSeenAt",   OTA_HUMAN_TIME, 0 },
	{ "agent",      "agent",        OTA_HUMAN_TEXT, 0 },
	{ "caps",       "caps",         OTA_HUMAN_LIST, 0 },
	{ "barred",     "barred",       OTA_HUMAN_YES,  0 },
	{ "disabled",   "disabled",     OTA_HUMAN_YES,  0 },
	{ "secret",     "hasSecret",    OTA_HUMAN_YES,  0 },
	{ "tags",       "tags",         OTA_HUMAN_TAGS, 0 },
	{ "rev",        "rev",          OTA_HUMAN_NUMBER, 0 },
};
static const struct ota_field module_columns[] = {
	{ "MODULE",   "module",     OTA_HUMAN_TEXT, 0 },
	{ "VERSION",  "version",    OTA_HUMAN_TEXT, 0 },
	{ "REPORTED", "reportedAt", OTA_HUMAN_AGO,  0 },
};
/* Of one device: what all have in common is left out. */
static const struct ota_field device_task_columns[] = {
	{ "TASK",     "id",        OTA_HUMAN_NUMBER, 0 },
	{ "BATCH",    "batch",     OTA_HUMAN_NUMBER, 0 },
	{ "MODULE",   "module",    OTA_HUMAN_TEXT,   24 },
	{ "VERSION",  "version",   OTA_HUMAN_TEXT,   32 },
	{ "STATE",    "state",     OTA_HUMAN_TEXT,   0 },
	{ "REASON",   "reason",    OTA_HUMAN_TEXT,   0 },
	{ "CAUSE",    "cause",     OTA_HUMAN_TEXT,   0 },
	{ "MARK",     "mark",      OTA_HUMAN_TEXT,   0 },
	{ "STEP",     "step",      OTA_HUMAN_NUMBER, 0 },
	{ "ATTEMPTS", "attempt",   OTA_HUMAN_NUMBER, 0 },
	{ "SENT",     "attempts",  OTA_HUMAN_SENT,   0 },
	{ "UPDATED",  "updatedAt", OTA_HUMAN_AGO,    0 },
};
static const struct ota_view device_task_view = { "id", LIST(device_task_columns), { NULL, 0 }, NULL };
static const struct ota_view module_view = { "module", LIST(module_columns), { NULL, 0 }, NULL };
static const struct ota_part device_parts[] = {
	{ "modules", "modules", &module_view }, { "tasks", "tasks", &device_task_view }, { NULL, NULL, NULL },
};
const struct ota_view ota_view_device = { "productKey/deviceName", LIST(device_columns), LIST(device_lines), device_parts };

static const struct ota_field group_columns[] = {
	{ "GROUP",   "group",     OTA_HUMAN_TEXT,   0 },
	{ "MEMBERS", "members",   OTA_HUMAN_NUMBER, 0 },
	{ "CREATED", "createdAt", OTA_HUMAN_AGO,    0 },
	{ "BY",      "createdBy", OTA_HUMAN_TEXT,   24 },
};
static const struct ota_field group_lines[] = {
	{ "product", "productKey", OTA_HUMAN_TEXT,   0 },
	{ "group",   "group",      OTA_HUMAN_TEXT,   0 },
	{ "members", "members",    OTA_HUMAN_NUMBER, 0 },
	{ "created", "createdAt",  OTA_HUMAN_TIME,   0 },
	{ "by",      "createdBy",  OTA_HUMAN_TEXT,   0 },
};
const struct ota_view ota_view_group = { "group", LIST(group_columns), LIST(group_lines), NULL };
static const struct ota_field member_columns[] = { { "DEVICE", "deviceName", OTA_HUMAN_TEXT, 0 } };
const struct ota_view ota_view_group_member = { "deviceName", LIST(member_columns), { NULL, 0 }, NULL };
static const struct ota_field membership_lines[] = {
	{ "added",           "added",        OTA_HUMAN_NUMBER, 0 },
	{ "already members", "already",      OTA_HUMAN_NUMBER, 0 },
	{ "removed",         "removed",      OTA_HUMAN_NUMBER, 0 },
	{ "were no members", "absent",       OTA_HUMAN_NUMBER, 0 },
	{ "not registered",  "unknown",      OTA_HUMAN_NUMBER, 0 },
	{ "such as",         "unknownNames", OTA_HUMAN_LIST,   0 },
	{ "members now",     "members",      OTA_HUMAN_NUMBER, 0 },
};
const struct ota_view ota_view_membership = { "group", { NULL, 0 }, LIST(membership_lines), NULL };

static const struct ota_field reason_columns[] = {
	{ "TASK",    "task",    OTA_HUMAN_NUMBER, 0 },
	{ "BATCH",   "batch",   OTA_HUMAN_NUMBER, 0 },
	{ "MODULE",  "module",  OTA_HUMAN_TEXT,   24 },
	{ "VERSION", "version", OTA_HUMAN_TEXT,   32 },
	{ "STATE",   "state",   OTA_HUMAN_TEXT,   0 },
	{ "REASON",  "reason",  OTA_HUMAN_TEXT,   0 },
	{ "WHY",     "text",    OTA_HUMAN_TEXT,   0 },
};
static const struct ota_view reason_view = { "task", LIST(reason_columns), { NULL, 0 }, NULL };
static const struct ota_field explanation_lines[] = {
	{ "product",    "productKey", OTA_HUMAN_TEXT, 0 },
	{ "device",     "deviceName", OTA_HUMAN_TEXT, 0 },
	{ "registered", "registered", OTA_HUMAN_YES,  0 },
	{ "online",     "online",     OTA_HUMAN_YES,  0 },
	{ "why",        "text",       OTA_HUMAN_TEXT, 0 },
	{ "opens",      "opensAt",    OTA_HUMAN_TIME, 0 },
};
static const struct ota_part explanation_parts[] = { { "tasks", "tasks", &reason_view }, { NULL, NULL, NULL } };
const struct ota_view ota_view_explanation = {
	"productKey/deviceName", { NULL, 0 }, LIST(explanation_lines), explanation_parts,
};
static const struct ota_field confirmation_lines[] = {
	{ "confirmed",        "confirmed",  OTA_HUMAN_NUMBER, 0 },
	{ "confirmed before", "already",    OTA_HUMAN_NUMBER, 0 },
	{ "do not wait",      "notWaiting", OTA_HUMAN_NUMBER, 0 },
	{ "such as",          "names",      OTA_HUMAN_LIST,   0 },
};
const struct ota_view ota_view_confirmation = { "batch", { NULL, 0 }, LIST(confirmation_lines), NULL };

static const struct ota_field count_columns[] = {
	{ "VERSION", "version", OTA_HUMAN_TEXT,   0 },
	{ "DEVICES", "count",   OTA_HUMAN_NUMBER, 0 },
};
static const struct ota_view count_view = { "version", LIST(count_columns), { NULL, 0 }, NULL };
static const struct ota_field version_lines[] = {
	{ "product",    "productKey", OTA_HUMAN_TEXT,   0 },
	{ "module",     "module",     OTA_HUMAN_TEXT,   0 },
	{ "never said", "unknown",    OTA_HUMAN_NUMBER, 0 },
};
static const struct ota_part version_parts[] = { { "versions", "versions", &count_view }, { NULL, NULL, NULL } };
const struct ota_view ota_view_version = { "productKey", { NULL, 0 }, LIST(version_lines), version_parts };

static const struct ota_field package_columns[] = {
	{ "PACKAGE",      "id",           OTA_HUMAN_NUMBER, 0 },
	{ "PRODUCT",      "productKey",   OTA_HUMAN_TEXT,   0 },
	{ "MODULE",       "module",       OTA_HUMAN_TEXT,   24 },
	{ "VERSION",      "version",      OTA_HUMAN_TEXT,   40 },
	{ "SIZE",         "size",         OTA_HUMAN_BYTES,  0 },
	{ "STATUS",       "status",       OTA_HUMAN_TEXT,   0 },
	{ "VERIFICATION", "verification", OTA_HUMAN_TEXT,   0 },
	{ "CREATED",      "createdAt",    OTA_HUMAN_AGO,    0 },
	{ "BY",           "createdBy",    OTA_HUMAN_TEXT,   24 },
};
static const struct ota_field package_lines[] = {
	{ "package",      "id",           OTA_HUMAN_NUMBER, 0 },
	{ "product",      "productKey",   OTA_HUMAN_TEXT,   0 },
	{ "module",       "module",       OTA_HUMAN_TEXT,   0 },
	{ "version",      "version",      OTA_HUMAN_TEXT,   0 },
	{ "size",         "size",         OTA_HUMAN_BYTES,  0 },
	{ "sha256",       "sha256",       OTA_HUMAN_TEXT,   0 },
	{ "md5",          "md5",          OTA_HUMAN_TEXT,   0 },
	{ "url",          "url",          OTA_HUMAN_TEXT,   0 },
	{ "status",       "status",       OTA_HUMAN_TEXT,   0 },
	{ "verification", "verification", OTA_HUMAN_TEXT,   0 },
	{ "notes",        "notes",        OTA_HUMAN_PROSE,  0 },
	{ "info",         "extData",      OTA_HUMAN_TAGS,   0 },
	{ "created",      "createdAt",    OTA_HUMAN_TIME,   0 },
	{ "by",           "createdBy",    OTA_HUMAN_TEXT,   0 },
	{ "rev",          "rev",          OTA_HUMAN_NUMBER, 0 },
};
static const struct ota_field file_columns[] = {
	{ "NAME",   "name",   OTA_HUMAN_TEXT,  0 },
	{ "SIZE",   "size",   OTA_HUMAN_BYTES, 0 },
	{ "SHA256", "sha256", OTA_HUMAN_TEXT,  0 },
	{ "MD5",    "md5",    OTA_HUMAN_TEXT,  0 },
};
static const struct ota_view file_view = { "name", LIST(file_columns), { NULL, 0 }, NULL };
static const struct ota_part file_parts[] = { { "files", "files", &file_view }, { NULL, NULL, NULL } };
const struct ota_view ota_view_package = { "id", LIST(package_columns), LIST(package_lines), file_parts };

static const struct ota_field linked_columns[] = {
	{ "NAME",   "name",   OTA_HUMAN_TEXT,  0 },
	{ "INTACT", "intact", OTA_HUMAN_YES,   0 },
	{ "SIZE",   "size",   OTA_HUMAN_BYTES, 0 },
	{ "SHA256", "sha256", OTA_HUMAN_TEXT,  0 },
};
static const struct ota_view linked_view = { "name", LIST(linked_columns), { NULL, 0 }, NULL };
static const struct ota_part link_parts[] = { { "files", "files", &linked_view }, { NULL, NULL, NULL } };
static const struct ota_field link_lines[] = {
	{ "intact",  "intact",    OTA_HUMAN_YES,   0 },
	{ "size",    "size",      OTA_HUMAN_BYTES, 0 },
	{ "sha256",  "sha256",    OTA_HUMAN_TEXT,  0 },
	{ "md5",     "md5",       OTA_HUMAN_TEXT,  0 },
	{ "url",     "url",       OTA_HUMAN_TEXT,  0 },
	{ "expires", "expiresAt", OTA_HUMAN_TIME,  0 },
};
const struct ota_view ota_view_link = { "sha256", { NULL, 0 }, LIST(link_lines), link_parts };

static const struct ota_field batch_columns[] = {
	{ "BATCH",   "id",            OTA_HUMAN_NUMBER, 0 },
	{ "NAME",    "name",          OTA_HUMAN_TEXT,   32 },
	{ "PRODUCT", "productKey",    OTA_HUMAN_TEXT,   0 },
	{ "MODULE",  "module",        OTA_HUMAN_TEXT,   24 },
	{ "VERSION", "version",       OTA_HUMAN_TEXT,   32 },
	{ "KIND",    "kind",          OTA_HUMAN_TEXT,   0 },
	{ "STATE",   "state",         OTA_HUMAN_TEXT,   0 },
	{ "STAGE",   "stage",         OTA_HUMAN_TEXT,   0 },
	{ "OUTCOME", "outcome",       OTA_HUMAN_TEXT,   0 },
	{ "ENDED",   "counts",        OTA_HUMAN_SHARE,  0 },
	{ "FAILED",  "counts.failed", OTA_HUMAN_NUMBER, 0 },
	{ "CREATED", "createdAt",     OTA_HUMAN_AGO,    0 },
	{ "BY",      "createdBy",     OTA_HUMAN_TEXT,   24 },
};
static const struct ota_field batch_lines[] = {
	{ "batch",    "id",         OTA_HUMAN_NUMBER, 0 },
	{ "name",     "name",       OTA_HUMAN_TEXT,   0 },
	{ "product",  "productKey", OTA_HUMAN_TEXT,   0 },
	{ "module",   "module",     OTA_HUMAN_TEXT,   0 },
	{ "version",  "version",    OTA_HUMAN_TEXT,   0 },
	{ "package",  "package",    OTA_HUMAN_NUMBER, 0 },
	{ "kind",     "kind",       OTA_HUMAN_TEXT,   0 },
	{ "where",    "where",      OTA_HUMAN_TEXT,   0 },
	{ "state",    "state",      OTA_HUMAN_TEXT,   0 },
	{ "reason",   "reason",     OTA_HUMAN_TEXT,   0 },
	{ "stage",    "stage",      OTA_HUMAN_TEXT,   0 },
	{ "",         "stageReason", OTA_HUMAN_TEXT,  0 },
	{ "outcome",  "outcome",    OTA_HUMAN_TEXT,   0 },
	{ "devices",  "total",      OTA_HUMAN_NUMBER, 0 },
	{ "prepared", "prepared",   OTA_HUMAN_NUMBER, 0 },
	{ "in flight", "inFlight",  OTA_HUMAN_LIMIT,  0 },
	{ "rate",     "rate",       OTA_HUMAN_LIMIT,  0 },
	{ "next",     "next",       OTA_HUMAN_NEXT,   0 },
	{ "not done before", "finishesAt", OTA_HUMAN_TIME, 0 },
	{ "tasks",    "counts",     OTA_HUMAN_COUNTS, 0 },
	{ "causes",   "causes",     OTA_HUMAN_COUNTS, 0 },
	{ "asked",    "asked",      OTA_HUMAN_COUNTS, 0 },
	{ "excluded", "excluded",   OTA_HUMAN_COUNTS, 0 },
	{ "strategy", "strategy",   OTA_HUMAN_COUNTS, 0 },
	{ "tags",     "tags",       OTA_HUMAN_TAGS,   0 },
	{ "created",  "createdAt",  OTA_HUMAN_TIME,   0 },
	{ "by",       "createdBy",  OTA_HUMAN_TEXT,   0 },
	{ "started",  "startedAt",  OTA_HUMAN_TIME,   0 },
	{ "ended",    "endedAt",    OTA_HUMAN_TIME,   0 },
	{ "ends",     "endsAt",     OTA_HUMAN_TIME,   0 },
	{ "rev",      "rev",        OTA_HUMAN_NUMBER, 0 },
};
static const struct ota_part batch_parts[] = { { "stages", "stages", &ota_view_stage }, { NULL, NULL, NULL } };
const struct ota_view ota_view_batch = { "id", LIST(batch_columns), LIST(batch_lines), batch_parts };

static const struct ota_field plan_lines[] = {
	{ "devices",   "matches",   OTA_HUMAN_NUMBER, 0 },
	{ "excluded",  "excluded",  OTA_HUMAN_COUNTS, 0 },
	{ "conflicts", "conflicts", OTA_HUMAN_LIST,   0 },
	{ "to send",   "bytes",     OTA_HUMAN_BYTES,  0 },
	{ "estimated", "estimated", OTA_HUMAN_TEXT,   0 },
	{ "delivery",  "delivery",  OTA_HUMAN_TEXT,   0 },
};
const struct ota_view ota_view_plan = { "matches", { NULL, 0 }, LIST(plan_lines), NULL };

const struct ota_view ota_view_order = { "name", { NULL, 0 }, { NULL, 0 }, NULL };

static const struct ota_field event_columns[] = {
	{ "AT",      "at",         OTA_HUMAN_TIME,   0 },
	{ "EVENT",   "event",      OTA_HUMAN_TEXT,   0 },
	{ "PRODUCT", "productKey", OTA_HUMAN_TEXT,   0 },
	{ "DEVICE",  "deviceName", OTA_HUMAN_TEXT,   40 },
	{ "BATCH",   "batch",      OTA_HUMAN_NUMBER, 0 },
	{ "TASK",    "task",       OTA_HUMAN_NUMBER, 0 },
	{ "ACTOR",   "actor",      OTA_HUMAN_TEXT,   24 },
	{ "DETAIL",  "detail",     OTA_HUMAN_COUNTS, 0 },
};
const struct ota_view ota_view_event = { "id", LIST(event_columns), { NULL, 0 }, NULL };

/* Of one device: what is the same in every row is left out, so that the detail finds room. */
static const struct ota_field device_event_columns[] = {
	{ "AT",      "at",         OTA_HUMAN_TIME,   0 },
	{ "EVENT",   "event",      OTA_HUMAN_TEXT,   0 },
	{ "BATCH",   "batch",      OTA_HUMAN_NUMBER, 0 },
	{ "ACTOR",   "actor",      OTA_HUMAN_TEXT,   24 },
	{ "DETAIL",  "detail",     OTA_HUMAN_COUNTS, 0 },
};
const struct ota_view ota_view_device_event = { "id", LIST(device_event_columns), { NULL, 0 }, NULL };

static const struct ota_field server_lines[] = {
	{ "version",        "version",       OTA_HUMAN_TEXT,   0 },
	{ "node",           "nodeId",        OTA_HUMAN_TEXT,   0 },
	{ "store",          "storeId",       OTA_HUMAN_TEXT,   0 },
	{ "started",        "startedAt",     OTA_HUMAN_TIME,   0 },
	{ "devices online", "devicesOnline", OTA_HUMAN_NUMBER, 0 },
	{ "products",       "products",      OTA_HUMAN_NUMBER, 0 },
	{ "batches",        "batches",       OTA_HUMAN_COUNTS, 0 },
	{ "tasks",          "tasks",         OTA_HUMAN_COUNTS, 0 },
	{ "queue",          "queueDepth",    OTA_HUMAN_NUMBER, 0 },
	{ "journal",        "journalBytes",  OTA_HUMAN_BYTES,  0 },
	{ "journal limit",  "journalLimitBytes", OTA_HUMAN_BYTES, 0 },
	{ "events",         "metrics.events", OTA_HUMAN_NUMBER, 0 },
	{ "commits",        "metrics.commit", OTA_HUMAN_WATCH, 0 },
	{ "callback auth",  "metrics.callbacks.auth", OTA_HUMAN_WATCH, 0 },
	{ "callback acl",   "metrics.callbacks.acl", OTA_HUMAN_WATCH, 0 },
	{ "callback message", "metrics.callbacks.message", OTA_HUMAN_WATCH, 0 },
	{ "callback control", "metrics.callbacks.control", OTA_HUMAN_WATCH, 0 },
	{ "callback disconnect", "metrics.callbacks.disconnect", OTA_HUMAN_WATCH, 0 },
	{ "callback tick",  "metrics.callbacks.tick", OTA_HUMAN_WATCH, 0 },
	{ "store failures", "metrics.storeFailures", OTA_HUMAN_NUMBER, 0 },
	{ "reports dropped", "metrics.droppedReports", OTA_HUMAN_NUMBER, 0 },
	{ "pulls dropped",  "metrics.droppedPulls", OTA_HUMAN_NUMBER, 0 },
	{ "set aside",      "metrics.setAside", OTA_HUMAN_NUMBER, 0 },
	{ "unsent",         "metrics.unsent", OTA_HUMAN_NUMBER, 0 },
};
static const struct ota_field finding_columns[] = {
	{ "LEVEL", "level", OTA_HUMAN_TEXT, 0 },
	{ "PART",  "part",  OTA_HUMAN_TEXT, 0 },
	{ "WHAT",  "text",  OTA_HUMAN_TEXT, 0 },
};
const struct ota_view ota_view_finding = { "part", LIST(finding_columns), { NULL, 0 }, NULL };
static const struct ota_part server_parts[] = { { "alarms", "alarms", &ota_view_finding }, { NULL, NULL, NULL } };
const struct ota_view ota_view_server = { "nodeId", { NULL, 0 }, LIST(server_lines), server_parts };

static const struct ota_field job_lines[] = {
	{ "kind",     "kind",            OTA_HUMAN_TEXT,  0 },
	{ "state",    "state",           OTA_HUMAN_TEXT,  0 },
	{ "percent",  "progress",        OTA_HUMAN_TEXT,  0 },
	{ "started",  "startedAt",       OTA_HUMAN_TIME,  0 },
	{ "ended",    "endedAt",         OTA_HUMAN_TIME,  0 },
	{ "failure",  "error.message",   OTA_HUMAN_TEXT,  0 },
	{ "path",     "result.path",     OTA_HUMAN_TEXT,  0 },
	{ "size",     "result.bytes",    OTA_HUMAN_BYTES, 0 },
	{ "sha256",   "result.sha256",   OTA_HUMAN_TEXT,  0 },
};
static const struct ota_part job_parts[] = { { "findings", "result.findings", &ota_view_finding }, { NULL, NULL, NULL } };
const struct ota_view ota_view_job = { "job", { NULL, 0 }, LIST(job_lines), job_parts };

const struct ota_view ota_view_check = { "deep", { NULL, 0 }, { NULL, 0 }, NULL };

static const struct ota_field backup_lines[] = {
	{ "path",    "path",    OTA_HUMAN_TEXT,   0 },
	{ "size",    "bytes",   OTA_HUMAN_BYTES,  0 },
	{ "sha256",  "sha256",  OTA_HUMAN_TEXT,   0 },
	{ "removed", "removed", OTA_HUMAN_NUMBER, 0 },
};
const struct ota_view ota_view_backup = { "path", { NULL, 0 }, LIST(backup_lines), NULL };

static const struct ota_field registration_lines[] = {
	{ "registered",   "registered", OTA_HUMAN_NUMBER, 0 },
	{ "changed",      "changed",    OTA_HUMAN_NUMBER, 0 },
	{ "already there", "already",   OTA_HUMAN_NUMBER, 0 },
	{ "secrets in",   "file",       OTA_HUMAN_TEXT,   0 },
};
static const struct ota_field secret_columns[] = {
	{ "DEVICE",       "deviceName",   OTA_HUMAN_TEXT, 0 },
	{ "SECRET",       "deviceSecret", OTA_HUMAN_TEXT, 0 },
};
static const struct ota_field secret_lines[] = {
	{ "product",      "productKey",   OTA_HUMAN_TEXT, 0 },
	{ "device",       "deviceName",   OTA_HUMAN_TEXT, 0 },
	{ "secret, shown only now", "deviceSecret", OTA_HUMAN_TEXT, 0 },
	{ "secret in",    "file",         OTA_HUMAN_TEXT, 0 },
};
const struct ota_view ota_view_secret = { "productKey/deviceName", LIST(secret_columns), LIST(secret_lines), NULL };
static const struct ota_part registration_parts[] = {
	{ "secrets, shown only now", "devices", &ota_view_secret }, { NULL, NULL, NULL },
};
static const struct ota_field import_lines[] = {
	{ "devices",      "devices",  OTA_HUMAN_NUMBER, 0 },
	{ "products",     "products", OTA_HUMAN_NUMBER, 0 },
	{ "with secrets", "secrets",  OTA_HUMAN_NUMBER, 0 },
	{ "with tags",    "tagged",   OTA_HUMAN_NUMBER, 0 },
};
const struct ota_view ota_view_import = { "devices", { NULL, 0 }, LIST(import_lines), NULL };
const struct ota_view ota_view_registration = { "registered", { NULL, 0 }, LIST(registration_lines), registration_parts };

static const struct ota_field token_columns[] = {
	{ "NAME",    "name",       OTA_HUMAN_TEXT, 0 },
	{ "ROLE",    "role",       OTA_HUMAN_TEXT, 0 },
	{ "CREATED", "createdAt",  OTA_HUMAN_AGO,  0 },
	{ "BY",      "createdBy",  OTA_HUMAN_TEXT, 24 },
	{ "EXPIRES", "expiresAt",  OTA_HUMAN_TIME, 0 },
	{ "USED",    "lastUsedAt", OTA_HUMAN_AGO,  0 },
};
static const struct ota_field token_lines[] = {
	{ "name",    "name",       OTA_HUMAN_TEXT, 0 },
	{ "role",    "role",       OTA_HUMAN_TEXT, 0 },
	{ "created", "createdAt",  OTA_HUMAN_TIME, 0 },
	{ "by",      "createdBy",  OTA_HUMAN_TEXT, 0 },
	{ "expires", "expiresAt",  OTA_HUMAN_TIME, 0 },
	{ "used",    "lastUsedAt", OTA_HUMAN_TIME, 0 },
	{ "token, shown only now", "token", OTA_HUMAN_TEXT, 0 },
};
const struct ota_view ota_view_token = { "name", LIST(token_columns), LIST(token_lines), NULL };
/* clang-format on */

const cJSON *ota_view_member(const cJSON *object, const char *path)
{
	const char *dot = strchr(path, '.');
	char key[32];
	size_t size = dot ? (size_t)(dot - path) : strlen(path);

	if (size >= sizeof(key))
		return NULL;
	memcpy(key, path, size);
	key[size] = '\0';
	object = ota_json_member(object, key);
	return dot && object ? ota_view_member(object, dot + 1) : object;
}
