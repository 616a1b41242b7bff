/*
 * In work: which journal records the worker is applying, in a small file beside the journal, so that a record that brings the
 * broker down is found.
 *
 * Records that were in work at a crash are applied one by one afterwards (`suspect`). A record that was in work alone at
 * OTA_INWORK_CRASHES crashes in a row is the culprit: it is set aside, once. A clean stop leaves nothing in work.
 *
 * Two would be too few: who kills a broker from outside twice, while it replays, hits an innocent record often enough to lose
 * acknowledged reports (tests/system/test_stall.py).
 *
 * The file: 32 bytes, little-endian: u64 first, u64 last (0, 0 = nothing), u64 suspect_last, u32 crashes before at which `first`
 * was alone, u32 CRC-32 of those. Opened by the broker's thread at start, then the worker's.
 */
#ifndef OTA_PLUGIN_BROKER_INWORK_H
#define OTA_PLUGIN_BROKER_INWORK_H

#include "common/bytes.h"
#include "common/error.h"

enum { OTA_INWORK_CRASHES = 3 };

struct ota_inwork {
	int fd;
	uint64_t blamed; /* was alone in work at the last crash; 0 = none */
	uint32_t blamed_crashes;
	uint64_t suspect_last; /* records up to this one are applied one by one */
	uint64_t culprit;      /* found at open: to be set aside; 0 = none */
};

/* applied: the last sequence in the store; what was in work up to there did not crash us. A file that cannot be read counts as
 * nothing in work. */
int ota_inwork_open(struct ota_inwork *inwork, const char *directory, uint64_t applied, struct ota_error *error);
void ota_inwork_close(struct ota_inwork *inwork);

/* Before a round that applies these, and after it, however it ended. A failure to write is not worth stopping for. */
void ota_inwork_begin(struct ota_inwork *inwork, uint64_t first, uint64_t last);
void ota_inwork_end(struct ota_inwork *inwork);

/* Writes the body of a record (record.h) that is set aside to <directory>/quarantine-<sequence>. */
#define OTA_QUARANTINE_PREFIX "quarantine-"
int ota_quarantine_write(const char *directory, uint64_t sequence, struct ota_span record, struct ota_error *error);

#endif
