/*
 * Output: one answer or many, in the form that was asked for. Tables keep the column widths of what was printed so far, so that
 * a list of any length is printed page by page.
 */
#ifndef OTA_CTL_OUTPUT_H
#define OTA_CTL_OUTPUT_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "ctl/view.h"

enum ota_output_form {
	OTA_OUTPUT_TABLE,
	OTA_OUTPUT_JSON,  /* one document, indented */
	OTA_OUTPUT_JSONL, /* a line per object */
	OTA_OUTPUT_NAME,  /* what names an object, a line each */
};

enum { OTA_OUTPUT_COLUMNS_MAX = 16 };

struct ota_output {
	FILE *stream;
	enum ota_output_form form;
	bool no_headers;
	int64_t now_ms;
	/* Of the list that is being printed. */
	size_t widths[OTA_OUTPUT_COLUMNS_MAX];
	size_t printed;
	bool has_header;
};

/* Their words, ended by NULL. */
const char *const *ota_output_forms(void);
bool ota_output_form_parse(const char *name, enum ota_output_form *ret_form);

/* One object. */
void ota_output_one(struct ota_output *output, const struct ota_view *view, const cJSON *object);

/* A list: begin, any number of pages, end. */
void ota_output_begin(struct ota_output *output);
void ota_output_page(struct ota_output *output, const struct ota_view *view, const cJSON *items);
void ota_output_end(struct ota_output *output);

#endif
