#include "plugin/broker/quota.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "common/limits.h"
#include "common/time.h"

/* clang-format off */
static const struct ota_pace_rate rates[OTA_QUOTAS] = {
	[OTA_QUOTA_MESSAGE]  = {OTA_DEVICE_MESSAGES_SECOND, OTA_SECOND_MS, OTA_DEVICE_MESSAGES_BURST},
	[OTA_QUOTA_REPORT]   = {OTA_DEVICE_REPORTS_SECOND,  OTA_SECOND_MS, OTA_DEVICE_REPORTS_BURST},
	[OTA_QUOTA_STEP]     = {OTA_DEVICE_STEPS_SECOND,    OTA_SECOND_MS, OTA_DEVICE_STEPS_BURST},
	[OTA_QUOTA_PULL]     = {OTA_DEVICE_PULLS_MINUTE,    OTA_MINUTE_MS, OTA_DEVICE_PULLS_BURST},
	[OTA_QUOTA_CONNECT]  = {OTA_DEVICE_CONNECTS_MINUTE, OTA_MINUTE_MS, OTA_DEVICE_CONNECTS_BURST},
	[OTA_QUOTA_LINE]     = {OTA_DEVICE_LINES_MINUTE,    OTA_MINUTE_MS, OTA_DEVICE_LINES_BURST},
	[OTA_QUOTA_PATIENCE] = {OTA_DEVICE_PATIENCE_SECOND, OTA_SECOND_MS, OTA_DEVICE_PATIENCE_BURST},
};
/* clang-format on */

enum { STEP_PAUSE_MS = OTA_SECOND_MS / OTA_DEVICE_STEPS_SECOND, FORGETS_PER_FIND = 2 };

struct entry {
	struct ota_quota quota; /* first: what callers have is the entry */
	char username[OTA_USERNAME_SIZE];
	int64_t used_ms, due_ms;
	bool waits;
	UT_hash_handle hh;
	struct entry *prev, *next;           /* in `oldest` */
	struct entry *prev_due, *next_due;   /* in `waiting` */
};

struct ota_quotas {
	struct entry *by_name;
	struct entry *oldest;  /* all, the one used last at the end */
	struct entry *waiting; /* in the order in which they are due: all wait equally long */
};

struct ota_quotas *ota_quotas_new(void)
{
	return calloc(1, sizeof(struct ota_quotas));
}

static void entry_free(struct ota_quotas *quotas, struct entry *entry)
{
	HASH_DEL(quotas->by_name, entry);
	DL_DELETE(quotas->oldest, entry);
	if (entry->waits)
		DL_DELETE2(quotas->waiting, entry, prev_due, next_due);
	ota_held_clear(&entry->quota.held);
	free(entry);
}

struct ota_quotas *ota_quotas_free(struct ota_quotas *quotas)
{
	if (!quotas)
		return NULL;
	while (quotas->oldest)
		entry_free(quotas, quotas->oldest);
	free(quotas);
	return NULL;
}

size_t ota_quotas_count(const struct ota_quotas *quotas)
{
	return HASH_COUNT(quotas->by_name);
}

/* One that waits is due in a moment, and then goes on. */
static bool entry_may_go(const struct ota_quotas *quotas, const struct entry *entry, int64_t now_ms)
{
	bool crowded = HASH_COUNT(quotas->by_name) >= OTA_DEVICE_QUOTAS_MAX;
	return !entry->waits && (crowded || now_ms - entry->used_ms >= OTA_DEVICE_FORGET_MS);
}

static struct entry *entry_make(struct ota_quotas *quotas, const struct ota_identity *identity)
{
	struct entry *entry = HASH_COUNT(quotas->by_name) < OTA_DEVICE_QUOTAS_MAX ? calloc(1, sizeof(*entry)) : NULL;
	if (!entry)
		return NULL;
	entry->quota.identity = *identity;
	ota_identity_print(entry->username, identity);
	HASH_ADD_STR(quotas->by_name, username, entry);
	return entry;
}

static struct entry *entry_find(struct ota_quotas *quotas, const struct ota_identity *identity)
{
	char username[OTA_USERNAME_SIZE];
	struct entry *entry = NULL;
	ota_identity_print(username, identity);
	HASH_FIND_STR(quotas->by_name, username, entry);
	return entry;
}

struct ota_quota *ota_quotas_find(struct ota_quotas *quotas, const struct ota_identity *identity, int64_t now_ms)
{
	struct entry *entry = entry_find(quotas, identity);
	if (entry)
		DL_DELETE(quotas->oldest, entry);
	for (int i = 0; i < FORGETS_PER_FIND && quotas->oldest && entry_may_go(quotas, quotas->oldest, now_ms); i++)
		entry_free(quotas, quotas->oldest);
	if (!entry)
		entry = entry_make(quotas, identity);
	if (!entry)
		return NULL;
	DL_APPEND(quotas->oldest, entry);
	entry->used_ms = now_ms;
	return &entry->quota;
}

struct ota_quota *ota_quotas_look(struct ota_quotas *quotas, const struct ota_identity *identity)
{
	struct entry *entry = entry_find(quotas, identity);
	return entry ? &entry->quota : NULL;
}

const struct ota_pace_rate *ota_quota_rate(enum ota_quota_kind kind)
{
	return &rates[kind];
}

bool ota_quota_take(struct ota_quota *quota, enum ota_quota_kind kind, int64_t now_ms)
{
	return ota_pace_take(&quota->paces[kind], rates[kind], now_ms);
}

bool ota_quota_take_report(struct ota_quota *quota, size_t size, int64_t now_ms)
{
	int64_t tokens = 1 + (int64_t)(size / (OTA_DEVICE_REPORT_BYTES + 1));
	return ota_pace_take_many(&quota->paces[OTA_QUOTA_REPORT], rates[OTA_QUOTA_REPORT], tokens, now_ms);
}

bool ota_quota_has(const struct ota_quota *quota, enum ota_quota_kind kind, int64_t now_ms)
{
	struct ota_pace tried = quota->paces[kind];
	return ota_pace_take(&tried, rates[kind], now_ms);
}

bool ota_quota_strain(struct ota_quota *quota, int64_t now_ms)
{
	if (ota_quota_take(quota, OTA_QUOTA_PATIENCE, now_ms) || ota_quota_is_shut(quota, now_ms))
		return false;
	quota->shut_until_ms = now_ms + OTA_DEVICE_SHUT_MS;
	return true;
}

bool ota_quota_is_shut(const struct ota_quota *quota, int64_t now_ms)
{
	return now_ms < quota->shut_until_ms;
}

void ota_quotas_wait(struct ota_quotas *quotas, struct ota_quota *quota, int64_t now_ms)
{
	struct entry *entry = (struct entry *)quota;
	if (entry->waits)
		return;
	entry->waits = true;
	entry->due_ms = now_ms + STEP_PAUSE_MS;
	DL_APPEND2(quotas->waiting, entry, prev_due, next_due);
}

struct ota_quota *ota_quotas_next_due(struct ota_quotas *quotas, int64_t now_ms)
{
	struct entry *entry = quotas->waiting;
	if (!entry || now_ms < entry->due_ms)
		return NULL;
	DL_DELETE2(quotas->waiting, entry, prev_due, next_due);
	entry->waits = false;
	return &entry->quota;
}
