#include "plugin/broker/carrier.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "common/block.h"
#include "common/pace.h"
#include "plugin/broker/budget.h"
#include "plugin/broker/shelf.h"
#include "plugin/store/thread.h"

/* A device that is refused asks again at once, four times; then it has understood, or never will. */
static const struct ota_pace_rate refusal_rate = {.count = 1, .period_ms = 10 * OTA_SECOND_MS, .burst = 4};
static const struct ota_pace_rate line_rate = {.count = 1, .period_ms = 10 * OTA_SECOND_MS, .burst = 5};

/* What was learned of the stream a connection fetches. */
struct permit {
	int64_t checked_ms; /* boot_ms, 0 = never */
	struct ota_stream stream;
};

/* One connection. */
struct desk {
	uint64_t connection;
	struct ota_identity identity;
	char *wanted; /* the request that waits, NULL = none */
	size_t wanted_size;
	bool busy;    /* a request is in work, or its answer was not taken yet */
	struct permit permit;
	struct ota_pace refusals;
	struct ota_fetched fetched; /* not told yet */
	int64_t told_ms;
	struct desk *prev, *next; /* in `turns` */
	UT_hash_handle hh;
};

/* A request in work: the carrier's own copy, because its connection may end meanwhile. */
struct order {
	uint64_t connection;
	struct ota_identity identity;
	char *payload;
	size_t payload_size;
	struct permit permit;
	struct ota_pace refusals;
};

struct ready {
	struct ota_parcel parcel;
	struct ota_fetched fetched; /* by this answer */
	struct ready *prev, *next;
};

struct ota_carrier {
	struct ota_carrier_options options;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t turn; /* there may be work */

	/* Under the mutex. */
	struct desk *desks; /* by connection */
	struct desk *turns; /* that want something and are not busy, in the order of their asking */
	struct ready *ready;
	size_t ready_bytes;
	struct ota_error trouble;
	char trouble_sha256[OTA_SHA256_HEX + 1];
	int64_t trouble_ms; /* boot_ms, 0 = none */
	bool stopping;
	_Atomic size_t next_size; /* of the first that is ready, 0 = none */

	/* The carrier's thread. */
	struct ota_reader *reader;
	struct ota_shelf *shelf;
	struct ota_budgets *budgets;
	struct ota_pace complaints;
};

static struct desk *desk_find(const struct ota_carrier *carrier, uint64_t connection)
{
	struct desk *desk = NULL;
	HASH_FIND(hh, carrier->desks, &connection, sizeof(connection), desk);
	return desk;
}

/* --- the broker's thread --- */

static struct desk *desk_take(struct ota_carrier *carrier, const struct ota_carrier_order *order)
{
	struct desk *desk = desk_find(carrier, order->connection);
	if (desk || HASH_COUNT(carrier->desks) >= OTA_CARRIER_CONNECTIONS_MAX || !(desk = calloc(1, sizeof(*desk))))
		return desk;
	desk->connection = order->connection;
	desk->identity = *order->identity;
	HASH_ADD(hh, carrier->desks, connection, sizeof(desk->connection), desk);
	return desk;
}

static void desk_queue(struct ota_carrier *carrier, struct desk *desk)
{
	if (!desk->wanted || desk->busy)
		return;
	DL_APPEND(carrier->turns, desk);
	pthread_cond_signal(&carrier->turn);
}

static int desk_want(struct ota_carrier *carrier, struct desk *desk, struct ota_span payload, bool *ret_replaced)
{
	char *copy = malloc(payload.size + 1);
	bool waits = desk->wanted != NULL;
	if (!copy)
		return OTA_ENOMEM;
	if (payload.size > 0)
		memcpy(copy, payload.data, payload.size);
	free(desk->wanted);
	desk->wanted = copy;
	desk->wanted_size = payload.size;
	*ret_replaced = waits;
	if (!waits)
		desk_queue(carrier, desk);
	return 0;
}

int ota_carrier_order(struct ota_carrier *carrier, const struct ota_carrier_order *order, bool *ret_replaced)
{
	pthread_mutex_lock(&carrier->mutex);
	struct desk *desk = desk_take(carrier, order);
	int code = desk ? desk_want(carrier, desk, order->payload, ret_replaced) : OTA_ELIMIT;
	pthread_mutex_unlock(&carrier->mutex);
	return code;
}

static void fetched_give(struct desk *desk, struct ota_fetched *ret_fetched)
{
	*ret_fetched = desk->fetched;
	desk->fetched = (struct ota_fetched){0};
}

/* Told at once when the last byte went or another attempt began, else now and then. */
static void fetched_count(struct desk *desk, const struct ota_fetched *more, int64_t boot_ms, struct ota_fetched *ret_fetched)
{
	if (more->task_id == 0)
		return;
	bool other = desk->fetched.task_id != more->task_id || desk->fetched.attempt != more->attempt;
	if (other && desk->fetched.task_id != 0) {
		fetched_give(desk, ret_fetched);
		desk->fetched = *more;
		return;
	}
	int64_t before = other ? 0 : desk->fetched.bytes;
	if (other)
		desk->told_ms = boot_ms;
	desk->fetched = *more;
	desk->fetched.bytes += before;
	if (more->whole || boot_ms - desk->told_ms >= OTA_CARRIER_TELL_MS) {
		desk->told_ms = boot_ms;
		fetched_give(desk, ret_fetched);
	}
}

size_t ota_carrier_next_size(const struct ota_carrier *carrier)
{
	return atomic_load(&carrier->next_size);
}

bool ota_carrier_take(struct ota_carrier *carrier, int64_t boot_ms, struct ota_parcel *ret_parcel,
		      struct ota_fetched *ret_fetched)
{
	*ret_fetched = (struct ota_fetched){0};
	pthread_mutex_lock(&carrier->mutex);
	struct ready *first = carrier->ready;
	if (first) {
		struct desk *desk = desk_find(carrier, first->parcel.connection);
		DL_DELETE(carrier->ready, first);
		carrier->ready_bytes -= first->parcel.payload_size;
		pthread_cond_signal(&carrier->turn);
		if (desk) {
			fetched_count(desk, &first->fetched, boot_ms, ret_fetched);
			desk->busy = false;
			desk_queue(carrier, desk);
		}
	}
	atomic_store(&carrier->next_size, carrier->ready ? carrier->ready->parcel.payload_size : 0);
	pthread_mutex_unlock(&carrier->mutex);
	if (!first)
		return false;
	*ret_parcel = first->parcel;
	free(first);
	return true;
}

static void desk_free(struct ota_carrier *carrier, struct desk *desk)
{
	if (desk->wanted && !desk->busy)
		DL_DELETE(carrier->turns, desk);
	HASH_DEL(carrier->desks, desk);
	free(desk->wanted);
	free(desk);
}

void ota_carrier_forget(struct ota_carrier *carrier, uint64_t connection, struct ota_fetched *ret_fetched)
{
	*ret_fetched = (struct ota_fetched){0};
	pthread_mutex_lock(&carrier->mutex);
	struct desk *desk = desk_find(carrier, connection);
	if (desk) {
		fetched_give(desk, ret_fetched);
		desk_free(carrier, desk);
	}
	pthread_mutex_unlock(&carrier->mutex);
}

/* --- the carrier's thread: what is wrong --- */

static void line_write(void *context, enum ota_log_level level, const char *line)
{
	ota_lines_add(context, level, line);
}

/* At most a few lines: a missing file is missed by a whole fleet. */
static void carrier_complain(struct ota_carrier *carrier, const struct order *order, const struct ota_error *error)
{
	struct ota_outbox nothing = {0};
	struct ota_lines lines = {0};
	struct ota_log log = {.write = line_write, .context = &lines, .threshold = carrier->options.log_threshold};
	struct ota_log_line line;
	uint64_t held_back = carrier->complaints.refused;
	if (!ota_pace_take(&carrier->complaints, line_rate, ota_boot_ms()))
		return;
	ota_pace_take_refused(&carrier->complaints);
	ota_log_begin(&line, OTA_LOG_ERROR, "block_not_read");
	ota_log_identity(&line, order->identity.product_key, order->identity.device_name);
	ota_log_text(&line, "error", error->text);
	if (held_back > 0)
		ota_log_integer(&line, "more_like_it", (int64_t)held_back);
	ota_log_end(&log, &line);
	ota_mailbox_post(carrier->options.mailbox, &nothing, &lines);
	ota_lines_clear(&lines);
}

static void trouble_begin(struct ota_carrier *carrier, const char *sha256, const struct ota_error *error)
{
	pthread_mutex_lock(&carrier->mutex);
	carrier->trouble = *error;
	memcpy(carrier->trouble_sha256, sha256, sizeof(carrier->trouble_sha256));
	carrier->trouble_ms = ota_boot_ms();
	pthread_mutex_unlock(&carrier->mutex);
}

/* Somebody put the file in its place. */
static void trouble_end(struct ota_carrier *carrier, const char *sha256)
{
	pthread_mutex_lock(&carrier->mutex);
	if (carrier->trouble_ms != 0 && strcmp(carrier->trouble_sha256, sha256) == 0)
		carrier->trouble_ms = 0;
	pthread_mutex_unlock(&carrier->mutex);
}

bool ota_carrier_trouble(struct ota_carrier *carrier, char target[OTA_ERROR_TEXT_MAX])
{
	pthread_mutex_lock(&carrier->mutex);
	bool there = carrier->trouble_ms != 0 && ota_boot_ms() - carrier->trouble_ms < OTA_CARRIER_TROUBLE_MS;
	if (there)
		memcpy(target, carrier->trouble.text, OTA_ERROR_TEXT_MAX);
	pthread_mutex_unlock(&carrier->mutex);
	return there;
}

/* --- the carrier's thread: one request --- */

/* What was learned a moment ago still holds. */
static int permit_find(struct ota_carrier *carrier, struct order *order, int64_t stream_id, struct ota_error *error)
{
	struct permit *permit = &order->permit;
	int64_t now_ms = ota_boot_ms();
	if (permit->checked_ms > 0 && permit->stream.task_id == stream_id && now_ms - permit->checked_ms < OTA_CARRIER_RECHECK_MS)
		return 0;
	*permit = (struct permit){0};
	int code = ota_stream_read(carrier->reader, &order->identity, stream_id, &permit->stream, error);
	permit->checked_ms = code == 0 ? now_ms : 0;
	return code;
}

/* What becomes of a request: bytes for the device (none is silence), and what they count for. */
struct answer {
	struct ota_bytes bytes;
	struct ota_fetched fetched;
};

static int block_print(struct ota_carrier *carrier, const struct ota_stream *stream, const struct ota_block_request *request,
		       struct answer *answer, struct ota_error *error)
{
	struct ota_bytes *out = &answer->bytes;
	struct ota_shelf_range range = {.offset = request->offset};
	int code = ota_block_measure(request, stream->size, &range.size, error);
	if (code == 0 && !ota_budgets_spend(carrier->budgets, stream, range.size, ota_boot_ms()))
		return 0; /* silence */
	if (code == 0 && ota_block_print_head(request, stream->size, range.size, out) != 0)
		code = ota_fail(error, OTA_ENOMEM, "no memory for a block");
	size_t head = out->size;
	if (code == 0)
		code = ota_shelf_read(carrier->shelf, stream, range, out, error);
	if (code != 0)
		return code;
	ota_block_print_tail((struct ota_span){out->data + head, range.size}, out);
	answer->fetched = (struct ota_fetched){
		.task_id = stream->task_id,
		.attempt = stream->attempt,
		.bytes = range.size,
		.whole = request->offset + (uint64_t)range.size == stream->size,
	};
	return out->failed ? ota_fail(error, OTA_ENOMEM, "no memory for a block") : 0;
}

/* What the device is told, if anything: a fault of ours that may pass is better met by its own patience (block.h). */
static bool refusal_find(int code, struct ota_error *error, enum ota_block_refusal *ret_refusal)
{
	switch (code) {
	case OTA_EINVALID:
	case OTA_ELIMIT:
		*ret_refusal = OTA_BLOCK_BAD_REQUEST;
		return true;
	case OTA_ENOTFOUND:
		*ret_refusal = OTA_BLOCK_NOT_FOUND;
		ota_fail(error, code, "nothing is offered to this device under that streamId and fileId");
		return true;
	case OTA_ECORRUPT:
		*ret_refusal = OTA_BLOCK_BROKEN;
		return true;
	default:
		return false;
	}
}

/* The operator hears what is wrong with the file, the device that something is. */
static void package_is_broken(struct ota_carrier *carrier, const struct order *order, struct ota_error *error)
{
	trouble_begin(carrier, order->permit.stream.sha256, error);
	*error = (struct ota_error){0};
	ota_fail(error, OTA_ECORRUPT, "the server cannot read this package at the moment");
}

static void request_refuse(struct ota_carrier *carrier, struct order *order, const char *raw_id, struct ota_error *error,
			   struct ota_bytes *out)
{
	enum ota_block_refusal refusal = OTA_BLOCK_BROKEN;
	bool told = refusal_find(error->code, error, &refusal);
	ota_bytes_free(out);
	if (refusal == OTA_BLOCK_BROKEN)
		carrier_complain(carrier, order, error);
	if (told && refusal == OTA_BLOCK_BROKEN)
		package_is_broken(carrier, order, error);
	if (told && ota_pace_take(&order->refusals, refusal_rate, ota_boot_ms()))
		ota_block_print_refusal(raw_id, refusal, error->text, out);
}

static int request_answer(struct ota_carrier *carrier, struct order *order, const struct ota_block_request *request,
			  struct answer *answer, struct ota_error *error)
{
	int code = OTA_ENOTFOUND;
	if (request->file_id == OTA_STREAM_FILE_ID)
		code = permit_find(carrier, order, request->stream_id, error);
	return code == 0 ? block_print(carrier, &order->permit.stream, request, answer, error) : code;
}

static void order_work(struct ota_carrier *carrier, struct order *order, struct answer *answer)
{
	struct ota_block_request request;
	struct ota_error error = {0};
	struct ota_span payload = {.data = order->payload, .size = order->payload_size};
	int code = ota_block_request_parse(payload, &request, &error);
	if (code == 0)
		code = request_answer(carrier, order, &request, answer, &error);
	if (code == 0) {
		trouble_end(carrier, order->permit.stream.sha256);
		return;
	}
	error.code = code;
	request_refuse(carrier, order, request.id, &error, &answer->bytes);
}

/* --- the carrier's thread: turns --- */

static bool order_wait(struct ota_carrier *carrier, struct order *ret_order)
{
	pthread_mutex_lock(&carrier->mutex);
	while (!carrier->stopping && (!carrier->turns || carrier->ready_bytes >= OTA_CARRIER_READY_BYTES))
		pthread_cond_wait(&carrier->turn, &carrier->mutex);
	struct desk *desk = carrier->stopping ? NULL : carrier->turns;
	if (desk) {
		DL_DELETE(carrier->turns, desk);
		*ret_order = (struct order){
			.connection = desk->connection,
			.identity = desk->identity,
			.payload = desk->wanted,
			.payload_size = desk->wanted_size,
			.permit = desk->permit,
			.refusals = desk->refusals,
		};
		desk->wanted = NULL;
		desk->busy = true;
	}
	pthread_mutex_unlock(&carrier->mutex);
	return desk != NULL;
}

static void ready_free(struct ready *ready)
{
	if (ready)
		free(ready->parcel.payload);
	free(ready);
}

/* NULL: silence, or no memory, which is the same to the device. */
static struct ready *ready_make(const struct order *order, struct answer *answer)
{
	struct ready *ready = answer->bytes.size > 0 ? calloc(1, sizeof(*ready)) : NULL;
	if (!ready)
		return NULL;
	ready->fetched = answer->fetched;
	ready->parcel = (struct ota_parcel){
		.connection = order->connection, .identity = order->identity, .payload_size = answer->bytes.size};
	ready->parcel.payload = ota_bytes_steal(&answer->bytes);
	if (ready->parcel.payload)
		return ready;
	free(ready);
	return NULL;
}

/* Silence frees the desk at once, an answer when it is taken. */
static void order_end(struct ota_carrier *carrier, const struct order *order, struct ready *ready)
{
	pthread_mutex_lock(&carrier->mutex);
	struct desk *desk = desk_find(carrier, order->connection);
	if (desk) {
		desk->permit = order->permit;
		desk->refusals = order->refusals;
		desk->busy = ready != NULL;
		desk_queue(carrier, desk);
	}
	if (desk && ready) {
		DL_APPEND(carrier->ready, ready);
		carrier->ready_bytes += ready->parcel.payload_size;
		atomic_store(&carrier->next_size, carrier->ready->parcel.payload_size);
	}
	pthread_mutex_unlock(&carrier->mutex);
	if (!desk)
		ready_free(ready);
}

static void *carrier_run(void *context)
{
	struct ota_carrier *carrier = context;
	struct order order;
	while (order_wait(carrier, &order)) {
		struct answer answer = {0};
		order_work(carrier, &order, &answer);
		order_end(carrier, &order, ready_make(&order, &answer));
		ota_bytes_free(&answer.bytes);
		free(order.payload);
	}
	return NULL;
}

/* --- life --- */

static void carrier_free(struct ota_carrier *carrier)
{
	struct desk *desk, *next_desk;
	struct ready *ready, *next_ready;
	HASH_ITER(hh, carrier->desks, desk, next_desk)
		desk_free(carrier, desk);
	DL_FOREACH_SAFE(carrier->ready, ready, next_ready)
		ready_free(ready);
	ota_shelf_free(carrier->shelf);
	ota_budgets_free(carrier->budgets);
	ota_reader_free(carrier->reader);
	pthread_cond_destroy(&carrier->turn);
	pthread_mutex_destroy(&carrier->mutex);
	free(carrier);
}

int ota_carrier_start(const struct ota_carrier_options *options, struct ota_carrier **ret_carrier, struct ota_error *error)
{
	struct ota_carrier *carrier = calloc(1, sizeof(*carrier));
	if (!carrier)
		return ota_fail(error, OTA_ENOMEM, "no memory");
	carrier->options = *options;
	pthread_mutex_init(&carrier->mutex, NULL);
	pthread_cond_init(&carrier->turn, NULL);
	carrier->shelf = ota_shelf_new(options->package_dir);
	carrier->budgets = ota_budgets_new(OTA_BUDGETS_MAX);
	int code = carrier->shelf && carrier->budgets ? 0 : ota_fail(error, OTA_ENOMEM, "no memory");
	if (code == 0)
		code = ota_reader_open(options->store_dir, &carrier->reader, error);
	if (code == 0)
		code = ota_thread_start("ota-carrier", carrier_run, carrier, &carrier->thread, error);
	if (code != 0) {
		carrier_free(carrier);
		return code;
	}
	*ret_carrier = carrier;
	return 0;
}

struct ota_carrier *ota_carrier_stop(struct ota_carrier *carrier)
{
	if (!carrier)
		return NULL;
	pthread_mutex_lock(&carrier->mutex);
	carrier->stopping = true;
	pthread_cond_signal(&carrier->turn);
	pthread_mutex_unlock(&carrier->mutex);
	pthread_join(carrier->thread, NULL);
	carrier_free(carrier);
	return NULL;
}
