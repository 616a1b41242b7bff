/* What a struct ota_store and a struct ota_reader hold. For the store's own files. */
#ifndef OTA_PLUGIN_STORE_HANDLE_H
#define OTA_PLUGIN_STORE_HANDLE_H

#include "plugin/store/db.h"
#include "plugin/store/store.h"

/* How far a lease of ids can still be taken back. */
enum ota_lease_level {
	OTA_LEASE_KEPT,        /* its transaction was committed */
	OTA_LEASE_TRANSACTION, /* taken in the open transaction */
	OTA_LEASE_SAVEPOINT,   /* taken after its savepoint */
};

struct ota_store {
	struct ota_db *db;
	int lock;
	char uuid[OTA_STORE_UUID_SIZE];
	int64_t next_id; /* ids next_id .. lease_end - 1 are ours to give */
	int64_t lease_end;
	enum ota_lease_level lease_level;
	bool in_savepoint;
};

struct ota_reader {
	struct ota_db *db;
};

/* 0 stands for "from the newest" in lists that run downwards. */
int64_t ota_store_below(int64_t before);

#endif
