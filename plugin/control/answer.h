/* Answers: JSON of the nouns, in one place, as docs/protocol.md section 2 lists them. Appended to a growing buffer; failures stay
 * in it. */
#ifndef OTA_PLUGIN_CONTROL_ANSWER_H
#define OTA_PLUGIN_CONTROL_ANSWER_H

#include "common/bytes.h"
#include "plugin/store/batch.h"
#include "plugin/store/device_tag.h"
#include "plugin/store/event.h"
#include "plugin/store/findings.h"
#include "plugin/store/operator.h"
#include "plugin/store/package.h"
#include "plugin/store/product.h"
#include "plugin/store/task.h"

/* Members and elements; a comma is put where one is needed. key NULL: an element of an array. */
void ota_answer_open(struct ota_bytes *out, const char *key, char bracket); /* '{' or '[' */
void ota_answer_close(struct ota_bytes *out, char bracket);                 /* '}' or ']' */
void ota_answer_text(struct ota_bytes *out, const char *key, const char *value);
void ota_answer_integer(struct ota_bytes *out, const char *key, int64_t value);
void ota_answer_bool(struct ota_bytes *out, const char *key, bool value);
void ota_answer_raw(struct ota_bytes *out, const char *key, const char *json);
/* Left out when "" or 0. */
void ota_answer_text_if(struct ota_bytes *out, const char *key, const char *value);
void ota_answer_integer_if(struct ota_bytes *out, const char *key, int64_t value);

/* Objects, open and closed. What comes from more than one row is in the parameters. */
void ota_answer_product(struct ota_bytes *out, const char *key, const struct ota_product *product);
/* Without its closing brace: getDevice adds tasks. */
struct ota_answer_device {
	const struct ota_device *device;
	bool online;
	int64_t last_seen_ms; /* 0 = never; an online device is seen now */
	const struct ota_device_module *modules;
	size_t module_count;
	const struct ota_device_tag *tags;
	size_t tag_count;
	bool has_secret;
};
void ota_answer_device_open(struct ota_bytes *out, const char *key, const struct ota_answer_device *row);
/* files: all the package has. */
void ota_answer_package(struct ota_bytes *out, const char *key, const struct ota_package *package,
			const struct ota_package_files *files);
/* Size and digests; those of a dry run may be unknown. */
void ota_answer_measures(struct ota_bytes *out, const struct ota_artifact *artifact);
/* Without its closing brace: its stages may follow. */
void ota_answer_batch_open(struct ota_bytes *out, const char *key, const struct ota_batch *batch,
			   const struct ota_batch_counts *counts, const char *where);
/* Without its closing brace: getTask adds attempts. due_ms: wall time of its timer, 0 = none. */
struct ota_answer_task {
	const struct ota_task *task;
	const struct ota_identity *identity;
	enum ota_reason reason; /* what holds it now */
	int64_t due_ms;
};
void ota_answer_task_open(struct ota_bytes *out, const char *key, const struct ota_answer_task *row);
void ota_answer_attempt(struct ota_bytes *out, const struct ota_attempt *attempt);
void ota_answer_event(struct ota_bytes *out, const struct ota_event *event);
/* Without its closing brace: createToken adds the token. */
void ota_answer_operator_open(struct ota_bytes *out, const struct ota_operator *operator);
void ota_answer_findings(struct ota_bytes *out, const char *key, const struct ota_findings *findings);

#endif
