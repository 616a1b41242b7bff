/*
 * CSV: rows of a table as spreadsheets write them (RFC 4180): fields in quotes may hold commas, quotes doubled and line ends;
 * lines end in LF or CRLF; a byte order mark is skipped; empty lines are no rows. One row at a time, whatever the file's size.
 */
#ifndef OTA_CTL_CSV_H
#define OTA_CTL_CSV_H

#include <stdio.h>

#include "common/bytes.h"
#include "common/error.h"

enum {
	OTA_CSV_COLUMNS_MAX = 64,
	OTA_CSV_ROW_MAX = 64 * 1024, /* bytes of a row: a quote that is never closed ends here, not with the memory */
};

struct ota_csv {
	FILE *stream;
	const char *name; /* for sentences */
	size_t line;      /* of the row read last, from 1 */
	size_t next_line;
	size_t count; /* fields of that row */
	const char *fields[OTA_CSV_COLUMNS_MAX]; /* NUL-terminated; valid until the next row */
	struct ota_bytes bytes;
	size_t starts[OTA_CSV_COLUMNS_MAX];
};

/* name and stream are borrowed; reads from where the stream stands. */
void ota_csv_begin(struct ota_csv *csv, FILE *stream, const char *name);
/* 1 a row, 0 the end, or OTA_EINVALID with name, line and column: a quote in the wrong place, a NUL, bytes that are not UTF-8,
 * too much in one row. */
int ota_csv_next(struct ota_csv *csv, struct ota_error *error);
void ota_csv_end(struct ota_csv *csv);

#endif
