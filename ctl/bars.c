#include "ctl/bars.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "ctl/cell.h"
#include "ctl/human.h"

enum {
	LABEL_WIDTH = 11,  /* "succeeded" and two columns of space */
	COUNT_WIDTH = 7,
	FIGURES_WIDTH = 16, /* two of space, seven of a count, one of space, six of a share */
	BAR_MIN = 4,
	BAR_MAX = 60,
	TRANSFER_BAR_MAX = 40,
	NAME_MIN = 12, /* columns of a name that still say something, with the space behind */
};

const char *const ota_bars_states[OTA_BARS_STATES] = { "pending", "pushed", "upgrading", "succeeded", "failed", "canceled" };
/* Of the terminal's own palette: dim, blue, cyan, green, red, yellow. */
static const char *const colors[OTA_BARS_STATES] = { "\x1b[2m", "\x1b[34m", "\x1b[36m", "\x1b[32m", "\x1b[31m", "\x1b[33m" };
#define PLAIN "\x1b[0m"

uint64_t ota_bars_count(const cJSON *batch, const char *state)
{
	const cJSON *count = ota_json_member(ota_json_member(batch, "counts"), state);

	return cJSON_IsNumber(count) && count->valuedouble > 0 ? (uint64_t)count->valuedouble : 0;
}

void ota_bars_put_bar(struct ota_bytes *out, uint64_t part, uint64_t whole, size_t width)
{
	static const char *const eighths[] = { "", "\xe2\x96\x8f", "\xe2\x96\x8e", "\xe2\x96\x8d", "\xe2\x96\x8c", "\xe2\x96\x8b",
					       "\xe2\x96\x8a", "\xe2\x96\x89" };
	double share = whole > 0 ? (double)part / (double)whole : 0;
	size_t filled = (size_t)((share < 1 ? share : 1) * (double)width * 8);
	size_t used = 0;

	/* What is there at all is seen. */
	if (part > 0 && filled == 0 && width > 0)
		filled = 1;
	for (; used < filled / 8; used++)
		ota_bytes_text(out, "\xe2\x96\x88");
	if (filled % 8) {
		ota_bytes_text(out, eighths[filled % 8]);
		used++;
	}
	for (; used < width; used++)
		ota_bytes_text(out, " ");
}

/* A clean line of exactly what fits. */
static void put_line(struct ota_bytes *out, const struct ota_bytes *line, size_t width)
{
	ota_cell_put(out, line->data ? line->data : "", (struct ota_cell_place){ .width = width, .no_pad = true });
	ota_bytes_text(out, "\n");
}

static void put_word(struct ota_bytes *line, const cJSON *batch, const char *before, const char *member)
{
	const cJSON *value = ota_json_member(batch, member);

	if (!value)
		return;
	ota_bytes_text(line, before);
	ota_human_put(line, OTA_HUMAN_TEXT, value, 0);
}

static void put_age(struct ota_bytes *line, const cJSON *batch, int64_t now_ms)
{
	const cJSON *begin = ota_json_member(batch, "startedAt");
	const cJSON *end = ota_json_member(batch, "endedAt");
	int64_t until_ms = cJSON_IsNumber(end) ? (int64_t)end->valuedouble : now_ms;

	if (!cJSON_IsNumber(begin))
		return;
	ota_bytes_text(line, cJSON_IsNumber(end) ? "  took " : "  since ");
	ota_human_put_span(line, until_ms - (int64_t)begin->valuedouble);
}

static void put_condition(struct ota_bytes *line, const cJSON *batch, int64_t now_ms)
{
	const cJSON *state = ota_json_member(batch, "state"), *reason = ota_json_member(batch, "reason");
	const char *why = cJSON_IsString(reason) ? reason->valuestring : "";
	/* "paused by ann: ..." says the state itself. */
	bool says_it = cJSON_IsString(state) && strncmp(why, state->valuestring, strlen(state->valuestring)) == 0;

	if (!says_it)
		put_word(line, batch, "  ", "state");
	if (why[0])
		put_word(line, batch, says_it ? "  " : ": ", "reason");
	put_age(line, batch, now_ms);
}

/* How it stands says more than what it is called: where both do not fit, the names are left out. */
static void put_title(struct ota_bytes *out, const cJSON *batch, size_t width, int64_t now_ms)
{
	OTA_AUTO_BYTES struct ota_bytes full = { 0 }, brief = { 0 };

	put_word(&full, batch, "batch ", "id");
	put_word(&full, batch, "  ", "name");
	put_word(&full, batch, "  ", "productKey");
	put_word(&full, batch, " ", "module");
	put_word(&full, batch, " ", "version");
	put_condition(&full, batch, now_ms);
	put_word(&brief, batch, "batch ", "id");
	put_condition(&brief, batch, now_ms);
	put_line(out, full.data && ota_cell_width(full.data) <= width ? &full : &brief, width);
}

static void put_state(struct ota_bytes *out, size_t state, uint64_t count, uint64_t total, struct ota_bars_style style)
{
	size_t room = style.width > LABEL_WIDTH + FIGURES_WIDTH ? style.width - LABEL_WIDTH - FIGURES_WIDTH : 0;
	size_t bar = room < BAR_MIN ? 0 : room > BAR_MAX ? BAR_MAX : room;
	char figures[32];

	ota_cell_put(out, ota_bars_states[state],
		     (struct ota_cell_place){ .width = style.width < LABEL_WIDTH ? style.width : LABEL_WIDTH });
	if (style.color)
		ota_bytes_text(out, colors[state]);
	ota_bars_put_bar(out, count, total, bar);
	if (style.color)
		ota_bytes_text(out, PLAIN);
	(void)snprintf(figures, sizeof(figures), "  %7" PRIu64 " %5.1f%%", count,
		       total ? 100.0 * (double)count / (double)total : 0.0);
	if (style.width >= LABEL_WIDTH + FIGURES_WIDTH)
		ota_bytes_text(out, figures);
	else if (style.width >= LABEL_WIDTH + COUNT_WIDTH)
		ota_bytes_format(out, "%*" PRIu64, COUNT_WIDTH, count);
	ota_bytes_text(out, "\n");
}

/* Causes of what ended otherwise than well. */
static size_t put_causes(struct ota_bytes *out, const cJSON *batch, size_t width)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };
	const cJSON *causes = ota_json_member(batch, "causes");

	if (ota_bars_count(batch, "failed") + ota_bars_count(batch, "canceled") == 0 || cJSON_GetArraySize(causes) == 0)
		return 0;
	ota_bytes_text(&line, "causes     ");
	ota_human_put(&line, OTA_HUMAN_COUNTS, causes, 0);
	put_line(out, &line, width);
	return 1;
}

/* "stage 2/3  rate 200 of at most 1000 a minute  in flight 12 of at most 500": of a batch that has such limits. */
static size_t put_pace(struct ota_bytes *out, const cJSON *batch, size_t width)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };
	const cJSON *rate = ota_json_member(batch, "rate"), *places = ota_json_member(batch, "inFlight");

	put_word(&line, batch, "stage ", "stage");
	if (rate) {
		ota_bytes_text(&line, line.size ? "  rate " : "rate ");
		ota_human_put(&line, OTA_HUMAN_LIMIT, rate, 0);
		ota_bytes_text(&line, " a minute");
	}
	if (ota_json_member(places, "most")) {
		ota_bytes_text(&line, line.size ? "  in flight " : "in flight ");
		ota_human_put(&line, OTA_HUMAN_LIMIT, places, 0);
	}
	if (!line.size)
		return 0;
	put_line(out, &line, width);
	return 1;
}

size_t ota_bars_put_batch(struct ota_bytes *out, const cJSON *batch, struct ota_bars_style style, int64_t now_ms)
{
	uint64_t total = 0;

	for (size_t i = 0; i < OTA_BARS_STATES; i++)
		total += ota_bars_count(batch, ota_bars_states[i]);
	put_title(out, batch, style.width, now_ms);
	for (size_t i = 0; i < OTA_BARS_STATES; i++)
		put_state(out, i, ota_bars_count(batch, ota_bars_states[i]), total, style);
	size_t more = put_pace(out, batch, style.width);
	return 1 + OTA_BARS_STATES + more + put_causes(out, batch, style.width);
}

void ota_bars_put_line(struct ota_bytes *out, const cJSON *batch)
{
	put_word(out, batch, "batch=", "id");
	put_word(out, batch, " state=", "state");
	for (size_t i = 0; i < OTA_BARS_STATES; i++)
		ota_bytes_format(out, " %s=%" PRIu64, ota_bars_states[i], ota_bars_count(batch, ota_bars_states[i]));
	put_word(out, batch, " stage=", "stage");
	put_word(out, batch, " outcome=", "outcome");
}

/* " 50.0%  5.0 MiB of 10.0 MiB  2.5 MiB/s"; only what came where the whole is not known; the rate where there is room. */
static void put_transfer_figures(struct ota_bytes *out, const struct ota_bars_transfer *transfer, size_t width)
{
	OTA_AUTO_BYTES struct ota_bytes pace = { 0 };
	uint64_t rate = transfer->elapsed_ms > 0 ? transfer->sent * 1000 / (uint64_t)transfer->elapsed_ms : 0;

	if (transfer->size > 0)
		ota_bytes_format(out, " %5.1f%%", 100.0 * (double)transfer->sent / (double)transfer->size);
	ota_bytes_text(out, "  ");
	ota_human_put_bytes(out, transfer->sent);
	if (transfer->size > 0) {
		ota_bytes_text(out, " of ");
		ota_human_put_bytes(out, transfer->size);
	}
	ota_bytes_text(&pace, "  ");
	ota_human_put_bytes(&pace, rate);
	ota_bytes_text(&pace, "/s");
	if (out->size + pace.size <= width)
		ota_bytes_text(out, pace.data ? pace.data : "");
}

/* The figures tell most and stay longest; then the bar, then the name. */
void ota_bars_put_transfer(struct ota_bytes *out, const struct ota_bars_transfer *transfer, struct ota_bars_style style)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 }, figures = { 0 }, name = { 0 };
	size_t room, bar, label;

	put_transfer_figures(&figures, transfer, style.width);
	ota_cell_clean(&name, transfer->name);
	room = figures.size < style.width ? style.width - figures.size : 0;
	bar = transfer->size == 0 || room < BAR_MIN ? 0 : room / 2 > TRANSFER_BAR_MAX ? TRANSFER_BAR_MAX : room / 2;
	label = name.data && room > bar + NAME_MIN ? room - bar - 2 : 0;
	if (label > 0 && label > ota_cell_width(name.data))
		label = ota_cell_width(name.data);
	if (label > 0) {
		ota_cell_put(&line, name.data, (struct ota_cell_place){ .width = label });
		ota_bytes_text(&line, "  ");
	} else if (bar > 0) {
		bar = room > TRANSFER_BAR_MAX ? TRANSFER_BAR_MAX : room;
	}
	ota_bars_put_bar(&line, transfer->sent, transfer->size, bar);
	ota_bytes_text(&line, figures.data ? figures.data : "");
	ota_cell_put(out, line.data ? line.data : "", (struct ota_cell_place){ .width = style.width, .no_pad = true });
}
