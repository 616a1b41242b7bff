/*
 * Journal: what devices reported, kept so that an acknowledged report survives the death of the broker although its PUBACK leaves
 * before the commit.
 *
 * Segments (segment.h) in a directory in memory (tmpfs): the broker's thread writes here on every report, and a disk would stall
 * its loop. The store keeps the last applied sequence in the same transaction as the effects; a segment goes away only after the
 * commit that covers it. The journal guards against a crash of the process; against power loss only what is committed is safe.
 *
 * Thread rule: opened and freed by the broker's thread while no worker runs. Then append belongs to the broker's thread, read and
 * release to the worker's; the two share nothing but the files and a counter. A record may be read once its append has returned
 * and told its sequence.
 */
#ifndef OTA_PLUGIN_BROKER_JOURNAL_H
#define OTA_PLUGIN_BROKER_JOURNAL_H

#include "common/error.h"
#include "plugin/broker/record.h"

#define OTA_JOURNAL_SEGMENT_BYTES ((uint64_t)16 * 1024 * 1024)

struct ota_journal;

struct ota_journal_options {
	const char *directory;  /* made when absent */
	const char *store_uuid;
	uint64_t applied;       /* the last sequence whose effects are in the store */
	bool gap_explained;     /* what is missing after that was applied to a database that a restore replaced */
	uint64_t limit_bytes;   /* of all segments together; at least two are allowed */
	uint64_t segment_bytes; /* 0: OTA_JOURNAL_SEGMENT_BYTES */
};

/* Takes the directory for itself (OTA_ECONFLICT names who has it), checks every segment, cuts the torn end that a crash left,
 * removes what is applied. OTA_ECORRUPT: a gap, damage or another store's journal; the sentence says what to do. */
int ota_journal_open(const struct ota_journal_options *options, struct ota_journal **ret_journal, struct ota_error *error);
struct ota_journal *ota_journal_free(struct ota_journal *journal); /* returns NULL; the files stay */

/* The sequence that comes next for the reader: beyond applied + 1 only where a gap was explained. */
uint64_t ota_journal_first(const struct ota_journal *journal);
uint64_t ota_journal_last(const struct ota_journal *journal); /* the last sequence appended, or applied before */
int64_t ota_journal_last_heard_ms(const struct ota_journal *journal); /* of the last record found at open, 0 = none */
size_t ota_journal_torn_bytes(const struct ota_journal *journal);     /* cut at open */

/* Gives the record its sequence. OTA_ELIMIT: the cap is reached; OTA_EINVALID: the record cannot stand in a journal. Nothing is
 * written then. */
int ota_journal_append(struct ota_journal *journal, struct ota_record *record, struct ota_error *error);

/* The next unapplied record in order; its spans point into storage, which it replaces. */
int ota_journal_read(struct ota_journal *journal, struct ota_bytes *storage, struct ota_record *ret_record,
		     struct ota_error *error);
/* The commit that covers every sequence up to this one is done. */
void ota_journal_release(struct ota_journal *journal, uint64_t applied);

uint64_t ota_journal_bytes(const struct ota_journal *journal); /* in memory now; any thread */

#endif
