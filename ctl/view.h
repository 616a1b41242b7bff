/*
 * View: how the objects of docs/protocol.md are shown as a table (many) or as lines (one). The views are data, one per kind of
 * object.
 */
#ifndef OTA_CTL_VIEW_H
#define OTA_CTL_VIEW_H

#include "ctl/human.h"

struct ota_field {
	const char *label;  /* header of a column, or name of a line */
	const char *member; /* of the object; "counts.failed" goes inside */
	enum ota_human_kind kind;
	size_t most; /* columns it may take in a table, 0 = any */
};

struct ota_field_list {
	const struct ota_field *rows;
	size_t count;
};

struct ota_view {
	const char *name;  /* the member (or two, "productKey/deviceName") that names the object for -o name */
	struct ota_field_list columns;
	struct ota_field_list lines;
	const struct ota_part {
		const char *title;
		const char *member; /* an array of objects */
		const struct ota_view *view;
	} *parts; /* tables below the lines, ended by a title of NULL; NULL = none */
};

extern const struct ota_view ota_view_product, ota_view_device, ota_view_version, ota_view_package, ota_view_link,
	ota_view_batch, ota_view_stage, ota_view_plan, ota_view_order, ota_view_task, ota_view_event, ota_view_device_event,
	ota_view_server, ota_view_group, ota_view_group_member, ota_view_membership, ota_view_registration, ota_view_secret,
	ota_view_token, ota_view_import, ota_view_job, ota_view_backup, ota_view_check, ota_view_finding,
	ota_view_explanation, ota_view_confirmation;

/* The member at a path, NULL if there is none. */
const cJSON *ota_view_member(const cJSON *object, const char *path);

#endif
