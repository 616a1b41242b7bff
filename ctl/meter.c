#include "ctl/meter.h"

#include "common/time.h"

enum { REDRAW_MS = 100 };

FILE *ota_meter_stream(FILE *stream, const char *quiet)
{
	return ota_terminal_is(stream) && !quiet ? stream : NULL;
}

void ota_meter_begin(struct ota_meter *meter, FILE *stream, const char *name, uint64_t size)
{
	*meter = (struct ota_meter){
		.stream = stream,
		.transfer = { .name = name, .size = size },
		.begun_ms = ota_boot_ms(),
	};
}

void ota_meter_show(struct ota_meter *meter, uint64_t sent, uint64_t size)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };
	int64_t now_ms = ota_boot_ms();

	meter->transfer.sent = sent;
	meter->transfer.size = size;
	meter->transfer.elapsed_ms = now_ms - meter->begun_ms;
	if (!meter->stream || (now_ms - meter->drawn_ms < REDRAW_MS && (size == 0 || sent < size)))
		return;
	meter->drawn_ms = now_ms;
	ota_bytes_text(&line, "\r");
	ota_bars_put_transfer(&line, &meter->transfer, ota_terminal_style(meter->stream));
	ota_bytes_text(&line, "\x1b[K");
	(void)fwrite(line.data, 1, line.size, meter->stream);
	(void)fflush(meter->stream);
}

void ota_meter_end(struct ota_meter *meter)
{
	if (meter->drawn_ms)
		(void)fputs("\n", meter->stream);
	meter->drawn_ms = 0;
}
