#include "ctl/schedule.h"

#include "common/time.h"
#include "ctl/when.h"

int ota_schedule_read(const struct ota_parameter *row, const char *text, cJSON **ret_value, struct ota_error *error)
{
	int64_t at_ms;
	int code = ota_when_parse_ahead(text, ota_wall_ms(), &at_ms, error);

	(void)row;
	if (code < 0)
		return code;
	*ret_value = cJSON_CreateNumber((double)at_ms);
	return *ret_value ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");
}
