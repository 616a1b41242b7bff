#include "plugin/store/ask.h"

#include "plugin/store/batch.h"
#include "plugin/store/handle.h"
#include "plugin/store/words.h"

struct ask_row {
	enum ota_ask ask;
	int64_t n;
};

static int ask_count(struct ota_store *store, const struct ota_task *task, int64_t change, struct ota_error *error)
{
	struct ota_query query;

	if (task->ask == OTA_ASK_NONE)
		return 0;
	ota_query_start(&query, store->db, OTA_SQL_ASK_COUNT);
	ota_query_integer(&query, task->batch_id);
	ota_query_text(&query, ota_ask_word(task->ask));
	ota_query_integer(&query, change);
	int status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

int ota_ask_recount(struct ota_store *store, const struct ota_task *before, const struct ota_task *task, struct ota_error *error)
{
	int status = ask_count(store, before, -1, error);

	return status < 0 ? status : ask_count(store, task, 1, error);
}

int ota_ask_load_counts(struct ota_store *store, int64_t batch_id, struct ota_ask_counts *ret_counts, struct ota_error *error)
{
	static const struct ota_field fields[] = {
		OTA_FIELD_OF(struct ask_row, ask, ota_words_ask),
		OTA_FIELD(INTEGER, struct ask_row, n),
	};
	const struct ota_layout layout = OTA_LAYOUT(fields, struct ask_row);
	struct ask_row rows[OTA_ASKS];
	struct ota_query query;
	size_t count = 0;

	ota_query_start(&query, store->db, OTA_SQL_ASK_LIST_COUNTS);
	ota_query_integer(&query, batch_id);
	int status = ota_query_list(&query, &layout, (struct ota_page){rows, OTA_ASKS, &count}, error);
	if (status < 0)
		return status;
	*ret_counts = (struct ota_ask_counts){0};
	for (size_t i = 0; i < count; i++)
		ret_counts->n[rows[i].ask] = rows[i].n;
	return 0;
}
