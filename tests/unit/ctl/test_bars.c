#include <criterion/criterion.h>

#include "ctl/bars.h"
#include "ctl/cell.h"

#define NOW INT64_C(1795173797123)
#define BATCH                                                                                                                    \
	"{\"id\":7,\"name\":\"spring\",\"productKey\":\"pk1\",\"module\":\"default\",\"version\":\"2.0\",\"state\":\"running\"," \
	"\"reason\":\"\",\"startedAt\":1795173677123,\"counts\":{\"pending\":50,\"pushed\":25,\"upgrading\":0,"                  \
	"\"succeeded\":24,\"failed\":1,\"canceled\":0},"                                                                         \
	"\"causes\":{\"version_reported\":24,\"upgrade_timeout\":1}}"

static struct ota_bytes out;

static size_t draw(const char *json, struct ota_bars_style style)
{
	cJSON *batch = cJSON_Parse(json);
	size_t lines;

	cr_assert_not_null(batch);
	ota_bytes_clear(&out);
	lines = ota_bars_put_batch(&out, batch, style, NOW);
	cJSON_Delete(batch);
	return lines;
}

/* Length of the longest line in columns, and how many lines there are. */
static size_t widest(size_t *count)
{
	char line[1024];
	size_t used = 0, most = 0;

	*count = 0;
	for (size_t i = 0; i < out.size; i++) {
		line[used++] = out.data[i];
		if (out.data[i] != '\n')
			continue;
		line[used - 1] = '\0';
		most = ota_cell_width(line) > most ? ota_cell_width(line) : most;
		used = 0;
		(*count)++;
	}
	cr_expect_eq(used, 0, "the last line ends too");
	return most;
}

Test(bars, no_line_is_wider_than_the_terminal)
{
	for (size_t width = 1; width <= 200; width++) {
		size_t lines = draw(BATCH, (struct ota_bars_style){ .width = width });
		size_t count;

		cr_assert_leq(widest(&count), width, "width %zu:\n%s", width, out.data);
		cr_assert_eq(count, lines, "width %zu", width);
	}
}

Test(bars, title_states_and_causes_are_told)
{
	cr_expect_eq(draw(BATCH, (struct ota_bars_style){ .width = 80 }), 8);
	cr_expect_not_null(strstr(out.data, "batch 7  spring  pk1 default 2.0  running  since 2m\n"));
	cr_expect_not_null(strstr(out.data, "50  50.0%\n"));
	cr_expect_not_null(strstr(out.data, "1   1.0%\n"));
	cr_expect_not_null(strstr(out.data, "causes     version_reported 24, upgrade_timeout 1\n"));
}

Test(bars, count_and_share_stand_apart)
{
	draw("{\"id\":7,\"state\":\"completed\",\"counts\":{\"succeeded\":17}}", (struct ota_bars_style){ .width = 80 });
	cr_expect_not_null(strstr(out.data, " 17 100.0%\n"));
}

Test(bars, a_paused_batch_says_why)
{
	draw("{\"id\":7,\"state\":\"paused\",\"reason\":\"4 of 20 failed\",\"counts\":{}}", (struct ota_bars_style){.width = 80});
	cr_expect_not_null(strstr(out.data, "paused: 4 of 20 failed"));
}

Test(bars, a_reason_that_says_the_state_is_not_told_twice)
{
	draw("{\"id\":7,\"state\":\"paused\",\"reason\":\"paused by ann: fire\",\"counts\":{}}",
	     (struct ota_bars_style){.width = 80});
	cr_expect_not_null(strstr(out.data, "batch 7  paused by ann: fire"));
}

Test(bars, names_make_room_for_how_it_stands)
{
	draw(BATCH, (struct ota_bars_style){.width = 40});
	cr_expect_not_null(strstr(out.data, "batch 7  running  since 2m\n"));
}

Test(bars, counts_are_told_without_bars_from_twenty_columns_on)
{
	draw(BATCH, (struct ota_bars_style){.width = 20});
	cr_expect_not_null(strstr(out.data, "pending         50\n"));
}

Test(bars, an_empty_or_strange_batch_draws_too)
{
	static const char *const rows[] = {"{}", "{\"counts\":7}", "{\"counts\":{\"pending\":-5,\"failed\":\"x\"}}",
					   "{\"id\":\"\\u001b[2J\"}"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_geq(draw(rows[i], (struct ota_bars_style){ .width = 80 }), 7);
		cr_expect_null(strchr(out.data, '\x1b'));
	}
}

Test(bars, color_wraps_the_bars_and_nothing_else)
{
	draw(BATCH, (struct ota_bars_style){ .width = 80, .color = true });
	cr_expect_not_null(strstr(out.data, "\x1b[32m"));
	cr_expect_not_null(strstr(out.data, "\x1b[0m"));
}

static const char *bar(uint64_t part, uint64_t whole, size_t width)
{
	static struct ota_bytes text;

	ota_bytes_clear(&text);
	ota_bytes_text(&text, "");
	ota_bars_put_bar(&text, part, whole, width);
	return text.data;
}

#define FULL "\xe2\x96\x88"

Test(bars, a_bar_fills_in_eighths)
{
	cr_expect_str_eq(bar(0, 10, 4), "    ");
	cr_expect_str_eq(bar(10, 10, 2), FULL FULL);
	cr_expect_str_eq(bar(20, 10, 2), FULL FULL);
	cr_expect_str_eq(bar(1, 2, 2), FULL " ");
	cr_expect_str_eq(bar(1, 4, 2), "\xe2\x96\x8c ");
	cr_expect_str_eq(bar(1, 1000000, 4), "\xe2\x96\x8f   "); /* what is there at all is seen */
	cr_expect_str_eq(bar(0, 0, 2), "  ");
	cr_expect_str_eq(bar(UINT64_MAX, UINT64_MAX, 1), FULL);
	cr_expect_str_eq(bar(5, 10, 0), "");
}

Test(bars, the_line_for_pipes_has_every_count)
{
	cJSON *batch = cJSON_Parse(BATCH);

	ota_bytes_clear(&out);
	ota_bars_put_line(&out, batch);
	cJSON_Delete(batch);
	cr_expect_str_eq(out.data, "batch=7 state=running pending=50 pushed=25 upgrading=0 succeeded=24 failed=1 canceled=0");
}

static const char *transfer(struct ota_bars_transfer each, size_t width)
{
	ota_bytes_clear(&out);
	ota_bars_put_transfer(&out, &each, (struct ota_bars_style){ .width = width });
	return out.data ? out.data : "";
}

Test(bars, a_transfer_fits_any_terminal)
{
	const struct ota_bars_transfer each = { "firmware-with-a-long-name.bin", 5 << 20, 10 << 20, 2000 };

	for (size_t width = 1; width <= 200; width++)
		cr_assert_leq(ota_cell_width(transfer(each, width)), width);
}

Test(bars, a_narrow_terminal_keeps_the_figures_of_a_transfer_and_a_wide_one_shows_all)
{
	const struct ota_bars_transfer each = { "firmware-with-a-long-name.bin", 5 << 20, 10 << 20, 2000 };

	cr_expect_str_eq(transfer(each, 40), "  50.0%  5.0 MiB of 10.0 MiB  2.5 MiB/s");
	cr_expect(strstr(transfer(each, 38), " 50.0%  5.0 MiB of 10.0 MiB") && !strstr(out.data, "2.5"), "the rate goes whole");
	cr_expect(strstr(transfer(each, 80), "firmware"));
	cr_expect(strstr(out.data, " 50.0%  5.0 MiB of 10.0 MiB  2.5 MiB/s"));
	cr_expect(strstr(out.data, FULL));
	cr_expect(strstr(transfer(each, 200), "firmware-with-a-long-name.bin  " FULL));
}

Test(bars, a_transfer_of_unknown_size_tells_what_came)
{
	const struct ota_bars_transfer each = { "x.bin", 5 << 20, 0, 2000 };

	cr_expect_str_eq(transfer(each, 80), "x.bin    5.0 MiB  2.5 MiB/s");
}
