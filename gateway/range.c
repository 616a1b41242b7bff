#include "gateway/range.h"

#include <string.h>
#include <strings.h>

#include "common/text.h"

/* Digits up to `end`; false for none, a sign, or more than 2^64. */
static bool parse_position(const char *text, const char *end, uint64_t *ret_value)
{
	return text < end && ota_text_parse_u64((struct ota_span){ text, (size_t)(end - text) }, ret_value);
}

static enum ota_range_kind take_suffix(uint64_t wanted, uint64_t file_size, struct ota_range *ret_range)
{
	if (wanted == 0 || file_size == 0)
		return OTA_RANGE_UNSATISFIABLE;
	ret_range->size = wanted < file_size ? wanted : file_size;
	ret_range->first = file_size - ret_range->size;
	return OTA_RANGE_PART;
}

static enum ota_range_kind take_span(uint64_t first, uint64_t last, uint64_t file_size, struct ota_range *ret_range)
{
	if (first >= file_size)
		return OTA_RANGE_UNSATISFIABLE;
	ret_range->first = first;
	ret_range->size = (last < file_size ? last + 1 : file_size) - first;
	return OTA_RANGE_PART;
}

enum ota_range_kind ota_range_parse(const char *header, uint64_t file_size, struct ota_range *ret_range)
{
	const char *dash, *end;
	uint64_t first, last = UINT64_MAX;

	*ret_range = (struct ota_range){ 0, file_size };
	if (!header || strncasecmp(header, "bytes=", 6) != 0)
		return OTA_RANGE_WHOLE;
	header += 6;
	end = header + strlen(header);
	dash = strchr(header, '-');
	if (!dash)
		return OTA_RANGE_WHOLE;
	if (dash == header)
		return parse_position(dash + 1, end, &last) ? take_suffix(last, file_size, ret_range) : OTA_RANGE_WHOLE;
	if (!parse_position(header, dash, &first))
		return OTA_RANGE_WHOLE;
	if (dash + 1 < end && (!parse_position(dash + 1, end, &last) || last < first))
		return OTA_RANGE_WHOLE;
	return take_span(first, last, file_size, ret_range);
}

bool ota_range_is_valid_if(const char *if_range, const char *etag)
{
	return !if_range || strcmp(if_range, etag) == 0;
}
