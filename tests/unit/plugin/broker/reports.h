/*
 * Reports: records that tests can make by number and recognise again.
 */
#ifndef OTA_TESTS_REPORTS_H
#define OTA_TESTS_REPORTS_H

#include "plugin/broker/journal.h"

#define REPORTS_UUID "01234567-89ab-cdef-0123-456789abcdef"

/* The record of a number: everything in it follows from the number. Its spans live in static room until the next call. */
struct ota_record report_make(uint64_t number);
/* True if this is that record, but for its sequence. */
bool report_is(const struct ota_record *record, uint64_t number);

/* A journal in a directory: segments of 4 KiB, so that a few records fill one. */
int reports_open(const char *directory, uint64_t applied, struct ota_journal **ret_journal, struct ota_error *error);
/* Appends report_make(first) .. report_make(last) and expects those sequences. */
void reports_append(struct ota_journal *journal, uint64_t first, uint64_t last);
/* Reads them back and compares. */
void reports_expect(struct ota_journal *journal, uint64_t first, uint64_t last);

#endif
