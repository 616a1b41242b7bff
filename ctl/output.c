#include "ctl/output.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "ctl/cell.h"

static const char *const forms[] = {
	[OTA_OUTPUT_TABLE] = "table", [OTA_OUTPUT_JSON] = "json", [OTA_OUTPUT_JSONL] = "jsonl", [OTA_OUTPUT_NAME] = "name",
	NULL,
};

const char *const *ota_output_forms(void)
{
	return forms;
}

bool ota_output_form_parse(const char *name, enum ota_output_form *ret_form)
{
	for (enum ota_output_form form = OTA_OUTPUT_TABLE; form <= OTA_OUTPUT_NAME; form++) {
		if (strcmp(forms[form], name) == 0) {
			*ret_form = form;
			return true;
		}
	}
	return false;
}

static void write_out(const struct ota_output *output, const struct ota_bytes *text)
{
	if (text->size > 0)
		(void)fwrite(text->data, 1, text->size, output->stream);
}

static void print_json(const struct ota_output *output, const cJSON *tree, const char *before, const char *after)
{
	OTA_AUTO_BYTES struct ota_bytes safe = { 0 };
	OTA_AUTO_FREE char *text = output->form == OTA_OUTPUT_JSON ? cJSON_Print(tree) : cJSON_PrintUnformatted(tree);

	ota_bytes_text(&safe, before);
	if (text)
		ota_cell_json(&safe, text);
	ota_bytes_text(&safe, after);
	write_out(output, &safe);
}

static void print_name(const struct ota_output *output, const struct ota_view *view, const cJSON *object)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };
	const char *slash = strchr(view->name, '/');
	char first[32] = "";

	if (slash)
		(void)snprintf(first, sizeof(first), "%.*s", (int)(slash - view->name), view->name);
	if (slash) {
		ota_human_put(&line, OTA_HUMAN_TEXT, ota_json_member(object, first), 0);
		ota_bytes_text(&line, "/");
	}
	ota_human_put(&line, OTA_HUMAN_TEXT, ota_json_member(object, slash ? slash + 1 : view->name), 0);
	ota_bytes_text(&line, "\n");
	write_out(output, &line);
}

/* The text of one field; "-" marks what an object does not have. */
static void render(const struct ota_output *output, const struct ota_field *field, const cJSON *object, struct ota_bytes *out)
{
	ota_bytes_clear(out);
	ota_human_put(out, field->kind, ota_view_member(object, field->member), output->now_ms);
	if (out->size == 0)
		ota_bytes_text(out, "-");
}

static void widen(size_t *width, const struct ota_field *field, const char *text)
{
	size_t wanted = ota_cell_width(text);

	if (field->most && wanted > field->most)
		wanted = field->most;
	if (wanted > *width)
		*width = wanted;
}

static void measure(struct ota_output *output, const struct ota_view *view, const cJSON *items)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };
	const cJSON *item;

	for (size_t i = 0; i < view->columns.count; i++) {
		const struct ota_field *field = &view->columns.rows[i];

		if (!output->no_headers)
			widen(&output->widths[i], field, field->label);
		cJSON_ArrayForEach(item, items) {
			render(output, field, item, &text);
			widen(&output->widths[i], field, text.data);
		}
	}
}

static bool is_right(enum ota_human_kind kind)
{
	return kind == OTA_HUMAN_NUMBER || kind == OTA_HUMAN_BYTES || kind == OTA_HUMAN_SHARE || kind == OTA_HUMAN_SENT;
}

static struct ota_cell_place place_of(const struct ota_output *output, const struct ota_view *view, size_t column)
{
	return (struct ota_cell_place){
		.width = output->widths[column],
		.right = is_right(view->columns.rows[column].kind),
		.no_pad = column + 1 == view->columns.count,
	};
}

static void print_header(const struct ota_output *output, const struct ota_view *view)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };

	for (size_t i = 0; i < view->columns.count; i++) {
		ota_bytes_text(&line, i ? "  " : "");
		ota_cell_put(&line, view->columns.rows[i].label, place_of(output, view, i));
	}
	ota_bytes_text(&line, "\n");
	write_out(output, &line);
}

static void print_row(const struct ota_output *output, const struct ota_view *view, const cJSON *object)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };

	for (size_t i = 0; i < view->columns.count; i++) {
		ota_bytes_text(&line, i ? "  " : "");
		render(output, &view->columns.rows[i], object, &text);
		ota_cell_put(&line, text.data, place_of(output, view, i));
	}
	ota_bytes_text(&line, "\n");
	write_out(output, &line);
}

static void print_table(struct ota_output *output, const struct ota_view *view, const cJSON *items)
{
	const cJSON *item;

	measure(output, view, items);
	if (!output->has_header && !output->no_headers)
		print_header(output, view);
	output->has_header = true;
	cJSON_ArrayForEach(item, items)
		print_row(output, view, item);
}

/* A table inside an object has widths of its own. */
static void print_part(const struct ota_output *output, const struct ota_part *part, const cJSON *object)
{
	const cJSON *items = ota_view_member(object, part->member);
	struct ota_output inner = { .stream = output->stream, .now_ms = output->now_ms };

	if (cJSON_GetArraySize(items) == 0)
		return;
	(void)fprintf(output->stream, "\n%s:\n", part->title);
	print_table(&inner, part->view, items);
}

/* Its lines below each other, all where the first one begins. */
static void put_prose(struct ota_bytes *out, const char *text, size_t indent)
{
	char line[OTA_NOTES_MAX + 1];

	for (bool is_first = true; is_first || *text; is_first = false) {
		size_t size = strcspn(text, "\n");

		if (!is_first) {
			ota_bytes_text(out, "\n");
			ota_cell_put(out, "", (struct ota_cell_place){ .width = *text == '\n' ? 0 : indent });
		}
		(void)snprintf(line, sizeof(line), "%.*s", (int)(size < OTA_NOTES_MAX ? size : OTA_NOTES_MAX), text);
		ota_cell_clean(out, line);
		text += size + (text[size] == '\n');
	}
}

static void print_lines(const struct ota_output *output, const struct ota_view *view, const cJSON *object)
{
	size_t width = 0;

	for (size_t i = 0; i < view->lines.count; i++) {
		size_t wanted = ota_cell_width(view->lines.rows[i].label);

		width = wanted > width ? wanted : width;
	}
	for (size_t i = 0; i < view->lines.count; i++) {
		OTA_AUTO_BYTES struct ota_bytes line = { 0 };
		const struct ota_field *field = &view->lines.rows[i];
		const cJSON *value = ota_view_member(object, field->member);

		if (!value)
			continue;
		ota_cell_put(&line, field->label, (struct ota_cell_place){ .width = width + 2 });
		if (field->kind == OTA_HUMAN_PROSE && cJSON_IsString(value))
			put_prose(&line, value->valuestring, width + 2);
		else
			ota_human_put(&line, field->kind, value, output->now_ms);
		ota_bytes_text(&line, "\n");
		write_out(output, &line);
	}
	for (const struct ota_part *part = view->parts; part && part->title; part++)
		print_part(output, part, object);
}

void ota_output_one(struct ota_output *output, const struct ota_view *view, const cJSON *object)
{
	switch (output->form) {
	case OTA_OUTPUT_TABLE:
		print_lines(output, view, object);
		if (cJSON_IsTrue(ota_json_member(object, "dryRun")))
			(void)fputs("dry run: nothing was changed\n", output->stream);
		break;
	case OTA_OUTPUT_JSON:
	case OTA_OUTPUT_JSONL:
		print_json(output, object, "", "\n");
		break;
	case OTA_OUTPUT_NAME:
		print_name(output, view, object);
		break;
	}
}

void ota_output_begin(struct ota_output *output)
{
	memset(output->widths, 0, sizeof(output->widths));
	output->printed = 0;
	output->has_header = false;
	if (output->form == OTA_OUTPUT_JSON)
		(void)fputs("[", output->stream);
}

void ota_output_page(struct ota_output *output, const struct ota_view *view, const cJSON *items)
{
	const cJSON *item;

	if (output->form == OTA_OUTPUT_TABLE) {
		print_table(output, view, items);
		return;
	}
	cJSON_ArrayForEach(item, items) {
		if (output->form == OTA_OUTPUT_NAME)
			print_name(output, view, item);
		else if (output->form == OTA_OUTPUT_JSONL)
			print_json(output, item, "", "\n");
		else
			print_json(output, item, output->printed ? ",\n" : "\n", "");
		output->printed++;
	}
}

void ota_output_end(struct ota_output *output)
{
	if (output->form == OTA_OUTPUT_JSON)
		(void)fputs(output->printed ? "\n]\n" : "]\n", output->stream);
}
