/*
 * Range: what a Range header asks for (RFC 9110, 14). One range of bytes; everything a server may ignore is ignored, because a
 * device that asks for something strange is better served the whole file than refused.
 */
#ifndef OTA_GATEWAY_RANGE_H
#define OTA_GATEWAY_RANGE_H

#include <stdbool.h>
#include <stdint.h>

enum ota_range_kind {
	OTA_RANGE_WHOLE,         /* no, foreign, broken or several ranges: 200 */
	OTA_RANGE_PART,          /* 206 */
	OTA_RANGE_UNSATISFIABLE, /* 416 */
};

struct ota_range {
	uint64_t first; /* of the file */
	uint64_t size;  /* bytes from there, > 0 for WHOLE of a non-empty file and for PART */
};

/* header may be NULL. "bytes=0-99", "bytes=100-", "bytes=-100"; ends beyond the file are cut. ret_range is written for WHOLE
 * and PART. */
enum ota_range_kind ota_range_parse(const char *header, uint64_t file_size, struct ota_range *ret_range);

/* If-Range (RFC 9110, 13.1.5): true when absent or equal to our strong tag. Weak tags and dates never match: we send no dates. */
bool ota_range_is_valid_if(const char *if_range, const char *etag);

#endif
