#include "ctl/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 80 };

bool ota_terminal_is(FILE *stream)
{
	return isatty(fileno(stream)) == 1;
}

struct ota_bars_style ota_terminal_style(FILE *stream)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct winsize size = { 0 };
	struct ota_bars_style style = { .width = WIDTH_DEFAULT };

	if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		style.width = size.ws_col;
	style.color = !(no_color && no_color[0]) && term && strcmp(term, "dumb") != 0;
	return style;
}

/* Up to where the block began; each line is cleared behind its new text, so that nothing flickers; what is left of a longer
 * block is cleared. */
void ota_terminal_draw(struct ota_terminal_block *block, const struct ota_bytes *text, size_t lines)
{
	OTA_AUTO_BYTES struct ota_bytes out = { 0 };

	if (block->lines > 0)
		ota_bytes_format(&out, "\x1b[%zuA\r", block->lines);
	for (size_t i = 0; i < text->size; i++) {
		if (text->data[i] == '\n')
			ota_bytes_text(&out, "\x1b[K");
		ota_bytes_append(&out, &text->data[i], 1);
	}
	ota_bytes_text(&out, "\x1b[J");
	if (out.size > 0)
		(void)fwrite(out.data, 1, out.size, block->stream);
	(void)fflush(block->stream);
	block->lines = lines;
}
