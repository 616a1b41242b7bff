/*
 * Call: one command on its way through its handler. Internal to plugin/control.
 *
 * A handler finds its members checked (common/command.h), reads them, acts inside the savepoint made for it, and appends the
 * value of "data" to out. It returns a negative code with error filled for a refusal; the savepoint is then rolled back.
 */
#ifndef OTA_PLUGIN_CONTROL_CALL_H
#define OTA_PLUGIN_CONTROL_CALL_H

#include "common/command.h"
#include "common/pace.h"
#include "plugin/access/vault.h"
#include "plugin/control/answer.h"
#include "plugin/control/control.h"
#include "plugin/rules/strategy.h"
#include "plugin/store/flow.h"
#include "plugin/store/operator.h"
#include "plugin/store/target.h"

struct ota_control {
	struct ota_control_options options;
	struct ota_vault *vault;  /* NULL until the first secret */
	struct ota_pace refusals; /* of callers, in the log */
};

struct ota_call {
	struct ota_control *control;
	struct ota_store *store;
	const struct ota_command *command;
	struct ota_json_place at;
	struct ota_operator operator;
	const char *caller; /* its client id */
	char reason[OTA_REASON_MAX + 1];
	struct ota_instant now;
	struct ota_bytes *out;
	bool proven; /* the package is what the devices it goes to ran before: it needs no verify batch */
	bool undo;   /* a dry run: rolled back after its answer was made. Not for what a rollback cannot take back: ask it */
	bool judged; /* its ifRev, by a finder */
	bool secret; /* its answer is shown once: a repeat of its request id is refused, and nothing of the answer is kept */
};

typedef int ota_handler(struct ota_call *call, struct ota_error *error);

/* products.c, devices.c, imports.c, groups.c, secrets.c, packages.c, batches.c, tasks.c, server.c, events.c, tokens.c, jobs.c */
ota_handler ota_handle_create_product, ota_handle_update_product;
ota_handler ota_handle_list_products, ota_handle_get_product, ota_handle_version_distribution;
ota_handler ota_handle_register_devices, ota_handle_get_device, ota_handle_list_devices, ota_handle_unbar_device;
ota_handler ota_handle_disable_device, ota_handle_enable_device;
ota_handler ota_handle_import_devices, ota_handle_tag_devices, ota_handle_renew_secret;
ota_handler ota_handle_add_to_group, ota_handle_remove_from_group, ota_handle_delete_group;
ota_handler ota_handle_list_groups, ota_handle_get_group, ota_handle_list_group_members;
ota_handler ota_handle_add_file, ota_handle_add_package, ota_handle_list_packages, ota_handle_get_package;
ota_handler ota_handle_yank_package, ota_handle_link_package;
ota_handler ota_handle_export_batch;
ota_handler ota_handle_create_batch, ota_handle_list_batches, ota_handle_get_batch;
ota_handler ota_handle_retry_batch, ota_handle_clone_batch, ota_handle_roll_back_batch; /* successors.c */
ota_handler ota_handle_pause_batch, ota_handle_resume_batch, ota_handle_cancel_batch, ota_handle_advance_batch;
ota_handler ota_handle_update_batch, ota_handle_confirm_tasks, ota_handle_explain_device;
ota_handler ota_handle_list_tasks, ota_handle_get_task, ota_handle_report_transfer;
ota_handler ota_handle_get_server, ota_handle_list_events;
ota_handler ota_handle_create_token, ota_handle_list_tokens, ota_handle_revoke_token;
ota_handler ota_handle_backup_server, ota_handle_check_server, ota_handle_get_job;

/* Reading members that passed the check: the default when absent. target is filled with "" by default. */
int64_t ota_call_integer(const struct ota_call *call, const char *key, int64_t standard);
bool ota_call_bool(const struct ota_call *call, const char *key);
void ota_call_text(const struct ota_call *call, const char *key, const char *standard, char *target, size_t size);

/* Before a handler does what no rollback takes back: refuses a dry run, and an ifRev that nothing was compared with. */
int ota_call_act(const struct ota_call *call, struct ota_error *error);
/* OTA_ECONFLICT unless the rev of the named object is the command's ifRev, or it has none. For finders. */
int ota_call_rev(struct ota_call *call, const char *noun, int64_t rev, struct ota_error *error);
int ota_call_rev_refuse(const struct ota_call *call, struct ota_error *error); /* an ifRev that no finder judged */
/* Finders with the sentence of what is missing; they judge ifRev. */
int ota_call_product(struct ota_call *call, struct ota_product *ret_product, struct ota_error *error);
int ota_call_device(struct ota_call *call, struct ota_device *ret_device, struct ota_error *error);
/* devices.c: the device, registered now if it was not (*ret_new). */
int ota_call_register(struct ota_call *call, const char *product_key, const char *name, struct ota_device *ret_device,
		      bool *ret_new, struct ota_error *error);
/* secrets.c: seals the secret into the store, unless it is the one that is there (*ret_changed). */
int ota_call_secret_keep(struct ota_call *call, const struct ota_device *device, const char *secret, bool *ret_changed,
			 struct ota_error *error);
/* The same for one that is made here; it is appended to the open object of the answer and nowhere else. */
int ota_call_secret_give(struct ota_call *call, const struct ota_device *device, struct ota_error *error);
int ota_call_package(struct ota_call *call, struct ota_package *ret_package, struct ota_error *error);
/* The package with its files, as an answer or an element of one. */
int ota_call_answer_package(const struct ota_call *call, const struct ota_package *package, struct ota_error *error);
/* An object of tags, or NULL, as compact text; "" for none. */
int ota_call_keep_tags(const cJSON *tags, char target[OTA_EXT_DATA_SIZE]);
int ota_call_batch(struct ota_call *call, struct ota_batch *ret_batch, struct ota_error *error);

/* updates.c. Whether this machine knows the zone of the window. */
int ota_call_check_zone(const struct ota_strategy *strategy, struct ota_error *error);

/* where.c. *ret_target is malloc'ed, also after a failure. */
int ota_call_where(const cJSON *where, const char *path, struct ota_target **ret_target, struct ota_error *error);
/* OTA_ENOTFOUND for a group that the product does not have: it would mean nobody, and is most likely misspelt. */
int ota_call_where_groups(struct ota_call *call, const char *product_key, const struct ota_target *target, const char *path,
			  struct ota_error *error);
struct ota_target_scope ota_call_scope(const struct ota_call *call, const struct ota_target *target, const char *product_key,
				       const char *module);

/* Pages: `after` of a list that pages by id; 0 = from the start. OTA_EINVALID when it is no cursor of ours. */
size_t ota_call_limit(const struct ota_call *call);
int ota_call_after_id(const struct ota_call *call, int64_t *ret_after, struct ota_error *error);
void ota_page_open(struct ota_call *call);
/* False when the answer is full: the caller stops before adding the next item and passes the cursor of the last one added. */
bool ota_page_has_room(const struct ota_call *call);
void ota_page_close_text(struct ota_call *call, const char *next); /* NULL: the last page */
void ota_page_close_id(struct ota_call *call, int64_t next);       /* 0: the last page */

/* "attempts" of a task, at most the first OTA_ATTEMPTS_SHOWN. */
enum { OTA_ATTEMPTS_SHOWN = 16 };
int ota_call_attempts(struct ota_call *call, int64_t task_id, struct ota_error *error);

/* A row of the operators' log with the actor and his reason. */
struct ota_call_subject {
	const char *product_key;
	const struct ota_batch *batch;   /* may be NULL */
	const struct ota_device *device; /* may be NULL */
};
int ota_call_note(struct ota_call *call, struct ota_call_subject subject, const char *event, const char *detail,
		  struct ota_error *error);
/* ladder.c: "stage" and "stages" of an open answer, for a batch that has stages. */
int ota_call_stage_short(struct ota_call *call, const struct ota_batch *batch, struct ota_error *error);
int ota_call_ladder(struct ota_call *call, struct ota_batch *batch, struct ota_error *error);
/* progress.c: "inFlight", "rate", "next", "finishesAt" of an open answer, for a batch that has not ended. */
int ota_call_progress(struct ota_call *call, const struct ota_batch *batch, struct ota_error *error);
/* A batch; open: without its closing brace, getBatch adds its stages. */
int ota_call_batch_open(struct ota_call *call, const struct ota_batch *batch, const char *key, struct ota_error *error);
int ota_call_batch_answer(struct ota_call *call, const struct ota_batch *batch, const char *key, struct ota_error *error);
int ota_call_task_open(struct ota_call *call, const struct ota_task *task, const struct ota_identity *identity,
		       struct ota_error *error);

#endif
