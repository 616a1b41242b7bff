#include "plugin/broker/stride.h"

size_t ota_stride_rows(const struct ota_stride *stride)
{
	return stride->rows ? stride->rows : OTA_STRIDE_FIRST;
}

void ota_stride_took(struct ota_stride *stride, uint64_t took_us, bool full)
{
	size_t rows = ota_stride_rows(stride);
	/* Both are small: a turn of hours would have other troubles than an overflow. */
	uint64_t fitting = rows * (uint64_t)OTA_STRIDE_US / (took_us ? took_us : 1);

	/* Doubled at the most: a turn that was quick by luck must not be followed by one that takes ten times as long. */
	if (fitting > 2 * rows)
		fitting = 2 * rows;
	if (fitting > rows && !full)
		return;
	if (fitting < OTA_STRIDE_LEAST)
		fitting = OTA_STRIDE_LEAST;
	stride->rows = fitting < OTA_STRIDE_MOST ? (size_t)fitting : OTA_STRIDE_MOST;
}
