#include "plugin/fleet/presence.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "common/error.h"
#include "common/time.h"

struct entry {
	char username[OTA_USERNAME_SIZE];
	struct ota_connection connection;
	struct entry *prev, *next; /* among the unsettled, earliest first: the window is the same for all */
	UT_hash_handle hh;
};

struct ota_presence {
	struct entry *by_name;
	struct entry *unsettled;
};

struct ota_presence *ota_presence_new(void)
{
	return calloc(1, sizeof(struct ota_presence));
}

static struct entry *entry_find(const struct ota_presence *presence, const struct ota_identity *identity)
{
	char username[OTA_USERNAME_SIZE];
	struct entry *entry = NULL;

	ota_identity_print(username, identity);
	HASH_FIND_STR(presence->by_name, username, entry);
	return entry;
}

static void entry_leave_queue(struct ota_presence *presence, struct entry *entry)
{
	if (!entry->connection.settled)
		DL_DELETE(presence->unsettled, entry);
	entry->connection.settled = true;
}

static void entry_remove(struct ota_presence *presence, struct entry *entry)
{
	entry_leave_queue(presence, entry);
	HASH_DEL(presence->by_name, entry);
	free(entry);
}

struct ota_presence *ota_presence_free(struct ota_presence *presence)
{
	struct entry *entry, *next;

	if (!presence)
		return NULL;
	HASH_ITER(hh, presence->by_name, entry, next)
		entry_remove(presence, entry);
	free(presence);
	return NULL;
}

int ota_presence_connect(struct ota_presence *presence, const struct ota_identity *identity, uint64_t number, int64_t settle_at)
{
	struct entry *entry = entry_find(presence, identity);

	if (entry) {
		entry_leave_queue(presence, entry);
	} else {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return OTA_ENOMEM;
		ota_identity_print(entry->username, identity);
		entry->connection.identity = *identity;
		HASH_ADD_STR(presence->by_name, username, entry);
	}
	entry->connection.number = number;
	entry->connection.settle_at = settle_at;
	entry->connection.settled = false;
	DL_APPEND(presence->unsettled, entry);
	return 0;
}

bool ota_presence_disconnect(struct ota_presence *presence, const struct ota_identity *identity, uint64_t number)
{
	struct entry *entry = entry_find(presence, identity);

	if (!entry || entry->connection.number != number)
		return false;
	entry_remove(presence, entry);
	return true;
}

const struct ota_connection *ota_presence_find(const struct ota_presence *presence, const struct ota_identity *identity)
{
	struct entry *entry = entry_find(presence, identity);

	return entry ? &entry->connection : NULL;
}

const struct ota_connection *ota_presence_unsettled(const struct ota_presence *presence)
{
	return presence->unsettled ? &presence->unsettled->connection : NULL;
}

void ota_presence_settle(struct ota_presence *presence, const struct ota_identity *identity, uint64_t turn)
{
	struct entry *entry = entry_find(presence, identity);

	if (!entry)
		return;
	entry_leave_queue(presence, entry);
	entry->connection.settled_in = turn;
}

void ota_presence_unsettle(struct ota_presence *presence, uint64_t turn)
{
	struct entry *entry, *next;

	HASH_ITER(hh, presence->by_name, entry, next) {
		if (!entry->connection.settled || entry->connection.settled_in != turn)
			continue;
		entry->connection.settled = false;
		entry->connection.settle_at = 0;
		DL_PREPEND(presence->unsettled, entry);
	}
}

bool ota_presence_may_note(struct ota_presence *presence, const struct ota_identity *identity, int64_t heard_ms)
{
	struct entry *entry = entry_find(presence, identity);

	if (!entry || heard_ms < entry->connection.quiet_until)
		return false;
	entry->connection.quiet_until = heard_ms + OTA_MINUTE_MS;
	return true;
}

int64_t ota_presence_count(const struct ota_presence *presence)
{
	return (int64_t)HASH_COUNT(presence->by_name);
}
