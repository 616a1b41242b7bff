#include "plugin/access/denylist.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "common/error.h"

struct entry {
	UT_hash_handle hh;
	char username[];
};

struct ota_denylist {
	struct entry *entries;
};

struct ota_denylist *ota_denylist_new(void)
{
	return calloc(1, sizeof(struct ota_denylist));
}

static struct entry *entry_find(const struct ota_denylist *denylist, const char *username)
{
	struct entry *entry = NULL;
	HASH_FIND(hh, denylist->entries, username, strlen(username), entry);
	return entry;
}

static void entry_delete(struct ota_denylist *denylist, struct entry *entry)
{
	HASH_DEL(denylist->entries, entry);
	free(entry);
}

struct ota_denylist *ota_denylist_free(struct ota_denylist *denylist)
{
	struct entry *entry, *next;
	if (!denylist)
		return NULL;
	HASH_ITER(hh, denylist->entries, entry, next)
		entry_delete(denylist, entry);
	free(denylist);
	return NULL;
}

int ota_denylist_add(struct ota_denylist *denylist, const char *username)
{
	size_t size = strlen(username);
	if (entry_find(denylist, username))
		return 0;
	struct entry *entry = calloc(1, sizeof(*entry) + size + 1);
	if (!entry)
		return OTA_ENOMEM;
	memcpy(entry->username, username, size);
	HASH_ADD_KEYPTR(hh, denylist->entries, entry->username, size, entry);
	return 0;
}

void ota_denylist_remove(struct ota_denylist *denylist, const char *username)
{
	struct entry *entry = entry_find(denylist, username);
	if (entry)
		entry_delete(denylist, entry);
}

bool ota_denylist_has(const struct ota_denylist *denylist, const char *username)
{
	return denylist->entries && username && entry_find(denylist, username);
}

size_t ota_denylist_count(const struct ota_denylist *denylist)
{
	return HASH_COUNT(denylist->entries);
}
