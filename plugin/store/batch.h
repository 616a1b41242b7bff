/* Batches, their target lists, and their kept counts. See store.h for threads, transactions and errors. */
#ifndef OTA_PLUGIN_STORE_BATCH_H
#define OTA_PLUGIN_STORE_BATCH_H

#include "plugin/rules/source.h"
#include "plugin/rules/words.h"
#include "plugin/store/store.h"

enum { OTA_STRATEGY_TEXT_MAX = 4096 };

struct ota_batch {
	int64_t id;
	int64_t rev;
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	int64_t package_id;
	char module[OTA_MODULE_MAX + 1];
	char version[OTA_VERSION_MAX + 1];
	char name[OTA_LABEL_MAX + 1];
	enum ota_batch_kind kind;
	char strategy[OTA_STRATEGY_TEXT_MAX + 1]; /* compact JSON, opaque here */
	enum ota_batch_state state;
	char reason[OTA_REASON_MAX + 1]; /* a sentence: why the state is what it is */
	bool all_devices;                /* of the product, or those its expression means; else the rows of batch_target */
	bool skip_conflicts;
	bool supersedes;                 /* takes devices from other batches */
	int64_t source_batch;            /* its devices are those of the tasks of this batch, 0 = no such */
	char source_state[OTA_SOURCE_TEXT_MAX + 1]; /* which of them: rules/source.h */
	char tags[OTA_EXT_DATA_SIZE];             /* compact JSON object or "": goes along in every push */
	int64_t total; /* targets; an estimate until it is prepared. Those done are the sum of its counts */
	bool prepared; /* every target has its task or exclusion */
	char prepare_after[OTA_DEVICE_NAME_MAX + 1]; /* names up to here are done */
	bool canceling;                              /* a cancel is still walking its tasks */
	enum ota_cancel_level cancel_level;
	int64_t cancel_after;                        /* task ids up to here were asked */
	int64_t created_ms, started_ms, ended_ms, ends_ms; /* wall; 0 = not yet */
	char created_by[OTA_LABEL_MAX + 1];
};

/* Tasks of a batch by what became of asking their devices to give them up. */
struct ota_ask_counts {
	int64_t n[OTA_ASKS];
};

/* states[state]: all its tasks; causes[cause]: the final ones (their sum is that of the final states); excluded: targets that got
 * no task. */
struct ota_batch_counts {
	int64_t states[OTA_TASK_STATES];
	int64_t causes[OTA_CAUSES];
	int64_t resumed[OTA_CAUSES]; /* of those, what had ended so when the batch was last resumed */
	int64_t excluded_at_target;
	int64_t excluded_conflict;
	int64_t excluded_unknown;
	int64_t excluded_barred;
	struct ota_ask_counts asks; /* zeros, until ota_ask_load_counts() fills them */
};
enum ota_exclusion { OTA_EXCLUDED_AT_TARGET, OTA_EXCLUDED_CONFLICT, OTA_EXCLUDED_UNKNOWN, OTA_EXCLUDED_BARRED };

/* Targets that have their task or exclusion. */
static inline int64_t ota_batch_counts_sum(const struct ota_batch_counts *counts)
{
	int64_t sum = counts->excluded_at_target + counts->excluded_conflict + counts->excluded_unknown + counts->excluded_barred;

	for (int i = 0; i < OTA_TASK_STATES; i++)
		sum += counts->states[i];
	return sum;
}

int ota_batch_insert(struct ota_store *store, const struct ota_batch *batch, struct ota_error *error);
int ota_batch_load(struct ota_store *store, int64_t id, struct ota_batch *ret_batch, struct ota_error *error);
/* Saves everything that may change (strategy .. ends_ms) under rev; batch->rev is raised. */
int ota_batch_save(struct ota_store *store, struct ota_batch *batch, struct ota_error *error);
struct ota_batch_filter {
	const char *product_key; /* "" = any */
	int state;               /* enum ota_batch_state, < 0 = any */
	int64_t before;          /* ids below this; 0 = from the newest */
};
/* Newest first. */
int ota_batch_list(struct ota_store *store, const struct ota_batch_filter *filter, struct ota_batch *rows, size_t capacity,
		   size_t *ret_count, struct ota_error *error);
/* What uses a package still: batches that have not ended, and canceled ones with unfinished tasks. Ascending ids after
 * `after`. */
int ota_batch_list_of_package(struct ota_store *store, int64_t package_id, int64_t after, struct ota_batch *rows, size_t capacity,
			      size_t *ret_count, struct ota_error *error);
/* Those of kind dynamic that have not ended, newest first; of one module, or of all for "". */
int ota_batch_list_dynamic(struct ota_store *store, const char *product_key, const char *module, struct ota_batch *rows,
			   size_t capacity, size_t *ret_count, struct ota_error *error);
/* Batches with work for the campaign clock: canceling (ended or not), or not ended and not prepared, or not ended and ends_ms in
 * 1..wall_ms. Ascending ids after `after`. */
int ota_batch_list_working(struct ota_store *store, int64_t wall_ms, int64_t after, int64_t *ids, size_t capacity,
			   size_t *ret_count, struct ota_error *error);

/* Batches by state; of the ended ones only those that still walk their tasks. */
int ota_batch_count_open(struct ota_store *store, int64_t counts[OTA_BATCH_STATES], struct ota_error *error);

int ota_batch_load_counts(struct ota_store *store, int64_t id, struct ota_batch_counts *ret_counts, struct ota_error *error);
/* The same of one of its stages; excluded targets have none. */
int ota_batch_load_stage_counts(struct ota_store *store, int64_t id, int64_t stage, struct ota_batch_counts *ret_counts,
				struct ota_error *error);
int ota_ask_load_counts(struct ota_store *store, int64_t batch_id, struct ota_ask_counts *ret_counts, struct ota_error *error);
/* From here on `resumed` is what the counts are now. */
int ota_batch_mark_resumed(struct ota_store *store, int64_t id, struct ota_error *error);
/* Tasks of a stage that ota_task_add() has added in this transaction: all are pending. */
int ota_batch_add_pending(struct ota_store *store, int64_t id, int64_t stage, int64_t count, struct ota_error *error);
/* Its tasks that are pushed or upgrading. */
int ota_batch_count_active(struct ota_store *store, int64_t id, int64_t *ret_count, struct ota_error *error);
int ota_batch_add_excluded(struct ota_store *store, int64_t id, enum ota_exclusion why, int64_t count, struct ota_error *error);

/* The target expression of a batch whose devices one says; OTA_ENOTFOUND: it has none. */
struct ota_batch_where {
	char expression[OTA_TARGET_TEXT_MAX + 1];
};
int ota_batch_insert_where(struct ota_store *store, int64_t batch_id, const char *expression, struct ota_error *error);
int ota_batch_find_where(struct ota_store *store, int64_t batch_id, struct ota_batch_where *ret_where, struct ota_error *error);

/* Expressions that will still be asked: of a product's batches that are not prepared or take devices as they come. Ascending ids
 * after `after`. */
struct ota_batch_open_where {
	int64_t batch_id;
	struct ota_batch_where where;
};
int ota_batch_list_open_where(struct ota_store *store, const char *product_key, int64_t after, struct ota_batch_open_where *rows,
			      size_t capacity, size_t *ret_count, struct ota_error *error);

/* A double is fine. */
int ota_batch_insert_target(struct ota_store *store, int64_t batch_id, const char *device_name, struct ota_error *error);

#endif
