#include "ctl/terminal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/cell.h"

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

bool ota_terminal_can_draw(FILE *stream)
{
	const char *term = getenv("TERM");

	return ota_terminal_is(stream) && term && strcmp(term, "dumb") != 0;
}

/* Columns of a line, of which "ESC [ ... letter" takes none. */
static size_t line_width(const char *line, size_t size)
{
	OTA_AUTO_BYTES struct ota_bytes plain = { 0 };

	for (size_t i = 0; i < size; i++) {
		if (line[i] != '\x1b') {
			ota_bytes_append(&plain, &line[i], 1);
			continue;
		}
		while (i + 1 < size && !isalpha((unsigned char)line[i]))
			i++;
	}
	return plain.data ? ota_cell_width(plain.data) : 0;
}

/* The rows that the block takes on a terminal of so many columns. */
static size_t block_rows(const struct ota_terminal_block *block, size_t width)
{
	size_t rows = 0;

	for (size_t i = 0; i < block->lines; i++)
		rows += block->widths[i] > width && width > 0 ? (block->widths[i] + width - 1) / width : 1;
	return rows;
}

/* Behind a line that fills the terminal the cursor still stands on its last column: clearing from there would take that away. */
static void put_line(struct ota_bytes *out, struct ota_terminal_block *block, struct ota_span line, size_t width)
{
	size_t columns = line_width(line.data, line.size);

	ota_bytes_append(out, line.data, line.size);
	ota_bytes_text(out, columns < width ? "\x1b[K\n" : "\n");
	if (block->lines < OTA_TERMINAL_LINES_MAX)
		block->widths[block->lines++] = columns;
}

/* Up to where the block began; each line is cleared behind its new text, so that nothing flickers; what is left of a longer
 * block is cleared. */
void ota_terminal_draw(struct ota_terminal_block *block, const struct ota_bytes *text, size_t width)
{
	OTA_AUTO_BYTES struct ota_bytes out = { 0 };
	size_t rows = block_rows(block, width);

	if (rows > 0)
		ota_bytes_format(&out, "\x1b[%zuA\r", rows);
	/* What a narrower terminal wrapped has more rows than will be drawn over. */
	if (rows > block->lines)
		ota_bytes_text(&out, "\x1b[J");
	block->lines = 0;
	for (size_t at = 0; at < text->size;) {
		const char *end = memchr(text->data + at, '\n', text->size - at);
		size_t size = end ? (size_t)(end - text->data) - at : text->size - at;

		put_line(&out, block, (struct ota_span){ text->data + at, size }, width);
		at += size + 1;
	}
	ota_bytes_text(&out, "\x1b[J");
	if (out.size > 0)
		(void)fwrite(out.data, 1, out.size, block->stream);
	(void)fflush(block->stream);
}
