#include <stdlib.h>

#include "common/message.h"
#include "common/text.h"
#include "plugin/fleet/context.h"
#include "plugin/store/stream.h"

enum { PUSH_EXPIRY_S = 60 }; /* the connection is live; a minute covers a full send queue */

static enum ota_sign_method push_method(enum ota_product_sign sign, unsigned caps)
{
	if (sign == OTA_PRODUCT_SIGN_AUTO)
		return caps & OTA_CAP_ANNOUNCED ? OTA_SIGN_SHA256 : OTA_SIGN_MD5;
	return sign == OTA_PRODUCT_SIGN_SHA256 ? OTA_SIGN_SHA256 : OTA_SIGN_MD5;
}

int ota_engine_link(const struct ota_engine *engine, const struct ota_artifact *artifact, const struct ota_identity *identity,
		    struct ota_instant now, struct ota_link_to *ret_link, struct ota_error *error)
{
	const struct ota_engine_options *options = &engine->options;
	int64_t expires_s = (now.wall_ms + options->url_lifetime_ms) / OTA_SECOND_MS;

	*ret_link = (struct ota_link_to){ .expires_ms = *artifact->url ? 0 : expires_s * OTA_SECOND_MS };
	if (*artifact->url) {
		ota_text_cut(ret_link->url, sizeof(ret_link->url), artifact->url);
		return 0;
	}
	return ota_url_sign(options->url_keys, options->gateway_url, artifact->sha256, identity, expires_s, ret_link->url, error);
}

/* A package's files as a push names them, and the room for their URLs. */
struct push_files {
	struct ota_package_files package;
	struct ota_link_to links[OTA_FILES_MAX];
	struct ota_push_file files[OTA_FILES_MAX];
};

static int files_link(const struct ota_work *work, const struct ota_package *package, struct push_files *files,
		      struct ota_error *error)
{
	int failed = ota_package_files(work->engine->options.store, package, &files->package, error);

	for (size_t i = 0; !failed && i < files->package.count; i++) {
		const struct ota_artifact *artifact = &files->package.items[i];

		failed = ota_engine_link(work->engine, artifact, &work->device.identity, work->at, &files->links[i], error);
		files->files[i] = (struct ota_push_file){ artifact->file_name, artifact->size, files->links[i].url,
							  artifact->md5, artifact->sha256 };
	}
	return failed;
}

/* How this device is served. */
struct way {
	enum ota_sign_method method;
	enum ota_delivery delivery;
};

/* The bytes of the offer. Values were checked when package and options came in, so a failure here is ours: it is logged and
 * nothing is sent. */
static int push_print(const struct ota_work *work, const struct ota_package *package, const struct way *way,
		      struct ota_bytes *out, struct ota_error *error)
{
	OTA_AUTO_FREE struct push_files *files = calloc(1, sizeof(*files));
	bool streamed = way->delivery == OTA_DELIVERY_MQTT;
	int failed = files ? files_link(work, package, files, error) : ota_fail(error, OTA_ENOMEM, "out of memory for a push");

	if (failed)
		return failed;
	bool ours = work->device.caps & OTA_CAP_ANNOUNCED;
	struct ota_push push = {
		.id = work->at.wall_ms,
		.size = package->full.size,
		.version = package->version,
		.url = files->links[0].url,
		.stream_id = streamed ? work->task.id : 0,
		.stream_file_id = streamed ? OTA_STREAM_FILE_ID : 0,
		.md5 = package->full.md5,
		.sha256 = package->full.sha256,
		.sign_method = way->method,
		.module = package->module,
		.files = files->files,
		.file_count = *package->full.file_name ? files->package.count : 0,
		.ext_data = package->ext_data,
		.tags = work->batch.tags,
		.batch = ours ? work->task.batch_id : 0,
		.attempt = ours ? work->task.attempt : 0,
	};
	if (work->answer_id)
		return ota_pull_reply_print(work->answer_id, &push, out, error);
	return ota_push_print(&push, out, error);
}

static void push_complain(const struct ota_work *work, const struct ota_error *error)
{
	struct ota_log_line line;

	ota_log_begin(&line, OTA_LOG_ERROR, "push_not_made");
	ota_log_identity(&line, work->device.identity.product_key, work->device.identity.device_name);
	ota_log_integer(&line, "batch", work->task.batch_id);
	ota_log_integer(&line, "task", work->task.id);
	ota_log_integer(&line, "attempt", work->task.attempt);
	ota_log_text(&line, "error", error->text);
	ota_log_end(work->engine->options.log, &line);
}

static int push_post(const struct ota_work *work, struct ota_span payload)
{
	const struct ota_connection *connection = ota_presence_find(work->engine->presence, &work->device.identity);
	uint64_t number = work->asker ? work->asker : connection ? connection->number : 0;
	char topic[OTA_TOPIC_SIZE];

	if (!number)
		return 0;
	ota_topic_print(topic, OTA_TOPIC_UPGRADE, &work->device.identity);
	return ota_outbox_add(work->engine->options.outbox, number, work->asker ? work->answer_topic : topic, payload,
			      PUSH_EXPIRY_S);
}

int ota_push_send(struct ota_work *work, struct ota_error *error)
{
	const struct ota_engine_options *options = &work->engine->options;
	struct ota_package package;
	struct ota_product product;
	struct way way;
	OTA_AUTO_BYTES struct ota_bytes payload = {0};
	struct ota_error own = {0};

	int failed = ota_package_load(options->store, work->task.package_id, &package, error);
	if (!failed)
		failed = ota_product_find(options->store, package.product_key, &product, error);
	if (!failed)
		failed = ota_delivery_choose(work, &package, &product, &way.delivery, error);
	if (failed)
		return failed;

	way.method = push_method(product.sign, work->device.caps);
	if (push_print(work, &package, &way, &payload, &own)) {
		push_complain(work, &own);
		return 0;
	}
	work->task.pushes++;
	work->task.last_push_at = work->at.heard_ms;
	work->task.answered = false;
	work->task.repush_at = work->at.heard_ms + ota_push_pause(work->task.pushes, options->repush_ms, options->repush_max_ms);
	return push_post(work, (struct ota_span){ payload.data, payload.size });
}

int ota_push_again(struct ota_work *work, bool *ret_sent, struct ota_error *error)
{
	enum ota_reason reason;
	int failed = ota_work_gate(work, true, &reason, error);

	*ret_sent = false;
	work->task.due_at = work->task.deadline_at;
	if (!failed && reason == OTA_REASON_WINDOW && ota_work_online(work))
		failed = ota_release_await(work, reason, error);
	if (failed || reason != OTA_REASON_NONE)
		return failed;
	/* Nobody is offered what he is being asked to give up. */
	int64_t not_before = work->task.ask_until > work->task.repush_at ? work->task.ask_until : work->task.repush_at;
	if (not_before > work->at.heard_ms) {
		if (!work->task.due_at || not_before < work->task.due_at)
			work->task.due_at = not_before;
		return 0;
	}
	*ret_sent = true;
	return ota_push_send(work, error);
}

int ota_push_answer_nothing(const struct ota_work *work, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes payload = {0};

	/* The old pull has no word for "nothing": C 3.x ignores what holds no url, so silence is the answer. */
	if (!work->asker || !work->answer_id)
		return 0;
	int failed = ota_pull_reply_print(work->answer_id, NULL, &payload, error);
	if (failed)
		return failed;
	return ota_outbox_add(work->engine->options.outbox, work->asker, work->answer_topic,
			      (struct ota_span){ payload.data, payload.size }, PUSH_EXPIRY_S);
}
