/*
 * Segment: one file of the journal, "journal-<first sequence, 16 hex digits>".
 *
 * Header (64 bytes, little-endian): "OTAJRNL1", u32 version, u64 first sequence, 36 bytes uuid of the store, u32 CRC-32 of those,
 * zeros. Then records (record.h) in rising sequence without a gap, then zeros: the file is allocated whole, so that no append
 * ever waits for space.
 */
#ifndef OTA_PLUGIN_BROKER_SEGMENT_H
#define OTA_PLUGIN_BROKER_SEGMENT_H

#include "common/bytes.h"
#include "common/error.h"

enum { OTA_SEGMENT_HEADER = 64, OTA_SEGMENT_VERSION = 1, OTA_SEGMENT_NAME_SIZE = 32 };

void ota_segment_name(char target[OTA_SEGMENT_NAME_SIZE], uint64_t first);
bool ota_segment_name_parse(const char *name, uint64_t *ret_first);

/* Makes the file under a temporary name, so that a segment that can be seen has its header. *ret_fd is the caller's, open for
 * reading and writing. */
int ota_segment_create(int directory_fd, uint64_t first, const char *store_uuid, uint64_t size, int *ret_fd,
		       struct ota_error *error);

/* What a whole file holds. Pure. */
struct ota_segment_content {
	uint64_t first;
	uint64_t next;         /* the sequence after its last record; `first` when it has none */
	size_t end;            /* offset behind the last record */
	size_t unapplied;      /* offset of the first record above `applied`; `end` when there is none */
	int64_t last_heard_ms; /* of the last record, 0 when there is none */
	size_t torn;           /* bytes of a broken record at the end, 0 = none: an append that a crash cut off */
};

/* Errors: OTA_ECORRUPT: no segment, another store's, a sequence that does not follow, or a broken record with good ones behind
 * it: then it is not the torn end of a crash but damage. OTA_EVERSION. */
int ota_segment_scan(struct ota_span file, const char *store_uuid, uint64_t applied, struct ota_segment_content *ret_content,
		     struct ota_error *error);

#endif
