#include "agent/adapters/fetch_curl.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "agent/adapters/answer.h"
#include "agent/adapters/part.h"
#include "common/text.h"
#include "common/time.h"
#include "common/version.h"

enum {
	REDIRECTS_MAX = 3,
	RECORDS_SIZE = 64 * 1024,
	RETRY_AFTER_MAX_MS = 10 * OTA_MINUTE_MS,
	POLL_MS = 1000, /* curl's own timers are never this far apart; the watch wakes us at once */
};

struct agent_curl {
	const struct agent_curl_options *options;
};

/* One run. */
struct transfer {
	const struct agent_curl_options *options;
	const struct agent_fetch_order *order;
	const struct agent_watch *watch;
	struct agent_fetch_result *result;
	struct agent_part part;
	struct agent_answer answer;
	bool judged;  /* the answer was found good, the body goes into the part */
	bool refused; /* result is complete: nothing that comes later can change it */
	CURL *easy;
	CURLM *multi;
	struct curl_slist *headers;
	char curl_text[CURL_ERROR_SIZE];
};

static void transfer_end(struct transfer *transfer, enum agent_fetch_outcome outcome, const char *text)
{
	transfer->result->outcome = outcome;
	ota_text_cut(transfer->result->text, sizeof(transfer->result->text), text);
	transfer->refused = true;
}

/* A failure on our own side: of the disk or of memory. Doing the same again fills the same disk. */
static void transfer_end_local(struct transfer *transfer, const struct ota_error *error)
{
	transfer_end(transfer, error->code == OTA_ECANCELED ? AGENT_FETCH_STOPPED : AGENT_FETCH_PERMANENT, error->text);
}

/* --- which urls ------------------------------------------------------------------------------------------------------------- */

static bool words_have(const char *words, const char *word)
{
	size_t size = strlen(word);

	while (*words) {
		size_t gap = strspn(words, " \t,"), length = strcspn(words + gap, " \t,");

		if (length == size && !strncasecmp(words + gap, word, size))
			return true;
		words += gap + length;
	}
	return false;
}

/* host: NULL if the URL has none. */
static bool url_is_allowed(struct transfer *transfer, const char *scheme, const char *host)
{
	const struct agent_curl_options *options = transfer->options;
	char text[OTA_DESC_MAX + 1];

	if (!words_have(options->url_schemes, scheme)) {
		snprintf(text, sizeof(text), "url scheme %.16s is not allowed by url_schemes (%.64s)", scheme,
			 options->url_schemes);
		transfer_end(transfer, AGENT_FETCH_PERMANENT, text);
		return false;
	}
	if (!host) {
		transfer_end(transfer, AGENT_FETCH_PERMANENT, "the url has no host; it must be SCHEME://HOST/PATH");
		return false;
	}
	if (options->url_hosts[0] && !words_have(options->url_hosts, host)) {
		snprintf(text, sizeof(text), "url host %.64s is not allowed by url_hosts", host);
		transfer_end(transfer, AGENT_FETCH_PERMANENT, text);
		return false;
	}
	return true;
}

static bool url_check(struct transfer *transfer)
{
	CURLU *url = curl_url();
	char *scheme = NULL, *host = NULL;
	bool allowed = false;

	if (!url || curl_url_set(url, CURLUPART_URL, transfer->order->offer.url, 0) ||
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0)) {
		transfer_end(transfer, AGENT_FETCH_PERMANENT, "the url cannot be read; it must be SCHEME://HOST/PATH");
	} else {
		if (curl_url_get(url, CURLUPART_HOST, &host, 0))
			host = NULL;
		allowed = url_is_allowed(transfer, scheme, host);
	}
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(url);
	return allowed;
}

/* --- what curl calls -------------------------------------------------------------------------------------------------------- */

static size_t transfer_on_header(char *data, size_t unit, size_t count, void *context)
{
	struct transfer *transfer = context;

	agent_answer_line(&transfer->answer, (struct ota_span){data, unit * count});
	return unit * count;
}

/* Seconds or a date, as curl reads it. A server that wants to be left alone for longer, and a date that is far away because one
 * of the two clocks is wrong, cost us the longest pause and no more. */
static int64_t transfer_retry_after_ms(const struct transfer *transfer)
{
	curl_off_t seconds = 0;

	if (curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds) || seconds <= 0)
		return 0;
	return seconds < RETRY_AFTER_MAX_MS / OTA_SECOND_MS ? (int64_t)seconds * OTA_SECOND_MS : RETRY_AFTER_MAX_MS;
}

/* Before the first byte of the body counts. */
static bool transfer_judge(struct transfer *transfer)
{
	struct agent_part *part = &transfer->part;
	struct ota_error error = {0};
	int rc = 0;

	switch (agent_answer_judge(&transfer->answer, part->size, part->offer->size, transfer->result)) {
	case AGENT_ANSWER_REFUSE:
		transfer->result->retry_after_ms = transfer_retry_after_ms(transfer);
		transfer->refused = true;
		return false;
	case AGENT_ANSWER_APPEND:
		break;
	case AGENT_ANSWER_RESTART:
		rc = agent_part_restart(part, &error);
		rc = rc ? rc : agent_part_bind(part, transfer->answer.etag, &error);
		break;
	}
	if (rc)
		transfer_end_local(transfer, &error);
	transfer->judged = !rc;
	return !rc;
}

static size_t transfer_on_body(char *data, size_t unit, size_t count, void *context)
{
	struct transfer *transfer = context;
	struct agent_part *part = &transfer->part;
	struct ota_error error = {0};
	size_t size = unit * count;

	if (transfer->refused || (!transfer->judged && !transfer_judge(transfer)))
		return 0;
	if (size > part->offer->size - part->size) {
		snprintf(error.text, sizeof(error.text), "more than the announced %" PRIu64 " bytes", part->offer->size);
		transfer_end(transfer, part->resumed ? AGENT_FETCH_STALE : AGENT_FETCH_MISMATCH, error.text);
		return 0;
	}
	if (agent_part_append(part, data, size, &error)) {
		transfer_end_local(transfer, &error);
		return 0;
	}
	agent_watch_received(transfer->watch, transfer->part.size);
	return size;
}

/* --- setting up ------------------------------------------------------------------------------------------------------------- */

static bool transfer_want_rest(struct transfer *transfer)
{
	char range[32], if_range[AGENT_ETAG_MAX + 16];

	if (transfer->part.size == 0)
		return true;
	snprintf(range, sizeof(range), "%" PRIu64 "-", transfer->part.size);
	if (curl_easy_setopt(transfer->easy, CURLOPT_RANGE, range))
		return false;
	if (!transfer->part.etag[0])
		return true;
	/* With it a server whose file changed answers with the whole of it, instead of a piece that fits to nothing we have. */
	snprintf(if_range, sizeof(if_range), "If-Range: %s", transfer->part.etag);
	transfer->headers = curl_slist_append(NULL, if_range);
	return transfer->headers && !curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

/* Words separated by white space to curl's list with commas. */
static void schemes_for_curl(const char *words, char *target, size_t size)
{
	size_t used = 0;

	for (; *words && used + 1 < size; words++)
		target[used++] = *words == ' ' || *words == '\t' ? ',' : *words;
	target[used] = '\0';
}

static bool transfer_set_limits(struct transfer *transfer)
{
	const struct agent_curl_options *options = transfer->options;
	CURL *easy = transfer->easy;
	char schemes[64];

	schemes_for_curl(options->url_schemes, schemes, sizeof(schemes));
	return !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, schemes) &&
	       !curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, schemes) &&
	       !curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, options->url_hosts[0] ? 0L : 1L) &&
	       !curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX) &&
	       !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms) &&
	       !curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)transfer->order->deadline_ms) &&
	       !curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)options->min_speed) &&
	       !curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)(options->min_speed_time_ms / OTA_SECOND_MS));
}

/* curl looks at the limit once in a hundred reads: short reads, so that this is no more than a second's worth. */
static bool transfer_set_max_speed(const struct transfer *transfer)
{
	enum { READS_A_LOOK = 100, READ_MIN = 1024 };
	uint64_t speed = transfer->options->max_speed, size = speed / READS_A_LOOK;

	if (speed == 0)
		return true;
	if (size < CURL_MAX_WRITE_SIZE &&
	    curl_easy_setopt(transfer->easy, CURLOPT_BUFFERSIZE, (long)(size > READ_MIN ? size : READ_MIN)))
		return false;
	return !curl_easy_setopt(transfer->easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)speed);
}

/* Only the certificates of ca_file: without the second line curl would trust the system's directory besides. */
static bool transfer_set_trust(const struct transfer *transfer)
{
	const struct agent_curl_options *options = transfer->options;
	CURL *easy = transfer->easy;

	if (options->ca_file[0] && (curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file) ||
				    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL)))
		return false;
	if (options->pinned_key[0] && curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, options->pinned_key))
		return false;
	return !options->cert_file[0] || (!curl_easy_setopt(easy, CURLOPT_SSLCERT, options->cert_file) &&
					  !curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key_file));
}

/* An empty proxy is none, whatever the environment says. The proxy's own answer to a CONNECT is no answer of the server. */
static bool transfer_set_proxy(const struct transfer *transfer)
{
	const struct agent_curl_options *options = transfer->options;
	CURL *easy = transfer->easy;

	return !curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy) &&
	       !curl_easy_setopt(easy, CURLOPT_NOPROXY, options->no_proxy) &&
	       !curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static bool transfer_set_up(struct transfer *transfer)
{
	CURL *easy = transfer->easy = curl_easy_init();

	transfer->multi = curl_multi_init();
	return easy && transfer->multi && !curl_easy_setopt(easy, CURLOPT_URL, transfer->order->offer.url) &&
	       !curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) &&
	       /* A name server that does not answer must not hold up our end. */
	       !curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) &&
	       !curl_easy_setopt(easy, CURLOPT_USERAGENT, "ota-agent/" OTA_SOFTWARE_VERSION) &&
	       !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text) &&
	       !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, transfer_on_header) &&
	       !curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) &&
	       !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, transfer_on_body) &&
	       !curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) && transfer_set_limits(transfer) &&
	       transfer_set_max_speed(transfer) &&
	       transfer_set_trust(transfer) && transfer_set_proxy(transfer) && transfer_want_rest(transfer) &&
	       !curl_multi_add_handle(transfer->multi, easy);
}

static void transfer_tear_down(struct transfer *transfer)
{
	if (transfer->multi && transfer->easy)
		curl_multi_remove_handle(transfer->multi, transfer->easy);
	curl_multi_cleanup(transfer->multi);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	agent_part_close(&transfer->part);
}

/* --- running ---------------------------------------------------------------------------------------------------------------- */

/* False when the watch ended it. */
static bool transfer_perform(struct transfer *transfer, CURLcode *ret_code)
{
	struct curl_waitfd stop = {.fd = transfer->watch->stop_fd, .events = CURL_WAIT_POLLIN};
	int running = 1, left;

	for (;;) {
		CURLMsg *message;

		if (agent_watch_stopped(transfer->watch))
			return false;
		curl_multi_perform(transfer->multi, &running);
		message = curl_multi_info_read(transfer->multi, &left);
		if (message && message->msg == CURLMSG_DONE) {
			*ret_code = message->data.result;
			return true;
		}
		curl_multi_poll(transfer->multi, &stop, stop.fd >= 0 ? 1 : 0, POLL_MS, NULL);
	}
}

static bool curl_error_is_lasting(CURLcode code)
{
	static const CURLcode lasting[] = {
		CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_UNSUPPORTED_PROTOCOL,
		CURLE_URL_MALFORMAT,            CURLE_TOO_MANY_REDIRECTS, CURLE_OUT_OF_MEMORY,   CURLE_SSL_PINNEDPUBKEYNOTMATCH,
	};

	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
		if (code == lasting[i])
			return true;
	return false;
}

static void transfer_end_cut(struct transfer *transfer, CURLcode code)
{
	const char *reason = transfer->curl_text[0] ? transfer->curl_text : curl_easy_strerror(code);
	char text[CURL_ERROR_SIZE + 64];

	snprintf(text, sizeof(text), "%s", reason);
	if (transfer->judged)
		snprintf(text, sizeof(text), "cut at %" PRIu64 " of %" PRIu64 " bytes (%.64s)", transfer->part.size,
			 transfer->part.offer->size, code ? reason : "end of the answer");
	transfer_end(transfer, curl_error_is_lasting(code) ? AGENT_FETCH_PERMANENT : AGENT_FETCH_TRANSIENT, text);
}

/* A wrong digest of bytes from several tries may be the fault of an earlier one; of bytes in one piece it is the package's. */
static void transfer_verify(struct transfer *transfer)
{
	struct ota_error error = {0};
	int rc = agent_part_finish(&transfer->part, transfer->result->sha256, &error);

	if (!rc)
		transfer_end(transfer, AGENT_FETCH_DONE, "");
	else if (rc == OTA_EVERIFY)
		transfer_end(transfer, transfer->part.resumed ? AGENT_FETCH_STALE : AGENT_FETCH_MISMATCH, error.text);
	else
		transfer_end_local(transfer, &error);
}

/* What a proxy forbids it forbids the next time, too. */
static bool transfer_proxy_refused(struct transfer *transfer)
{
	char text[OTA_DESC_MAX + 1];
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status < 400 || status >= 500)
		return false;
	snprintf(text, sizeof(text), "the proxy answered %ld", status);
	transfer_end(transfer, AGENT_FETCH_PERMANENT, text);
	return true;
}

static void transfer_conclude(struct transfer *transfer, CURLcode code)
{
	if (code && transfer_proxy_refused(transfer))
		return;
	/* An answer without a body never reached transfer_on_body(). */
	if (!transfer->judged && !transfer->refused && transfer->answer.status)
		transfer_judge(transfer);
	if (transfer->refused)
		return;
	if (code == CURLE_OK && transfer->part.size == transfer->part.offer->size)
		transfer_verify(transfer);
	else
		transfer_end_cut(transfer, code);
}

/* Cheaper to say before than after an hour of downloading. */
static bool transfer_has_room(struct transfer *transfer)
{
	/* The record and the checkpoint need a little, too: an agent that cannot save says so, and does nothing. */
	uint64_t needed = transfer->part.offer->size - transfer->part.size + RECORDS_SIZE, there;
	struct statvfs status;
	char text[OTA_DESC_MAX + 1];

	if (statvfs(transfer->options->state_dir, &status))
		return true; /* the write will tell */
	there = (uint64_t)status.f_bavail * status.f_frsize;
	if (there >= needed)
		return true;
	snprintf(text, sizeof(text), "%" PRIu64 " bytes are needed, %" PRIu64 " are free in %s", needed, there,
		 transfer->options->state_dir);
	transfer_end(transfer, AGENT_FETCH_PERMANENT, text);
	return false;
}

static void transfer_run(struct transfer *transfer)
{
	CURLcode code;

	if (transfer->part.size == transfer->part.offer->size) {
		transfer_verify(transfer);
		return;
	}
	if (!transfer_has_room(transfer))
		return;
	if (!transfer_set_up(transfer))
		transfer_end(transfer, AGENT_FETCH_PERMANENT, "the download cannot be set up");
	else if (!transfer_perform(transfer, &code))
		transfer_end(transfer, AGENT_FETCH_STOPPED, "stopped");
	else
		transfer_conclude(transfer, code);
}

static void curl_run(void *context, const struct agent_fetch_order *order, const struct agent_watch *watch,
		     struct agent_fetch_result *ret_result)
{
	struct agent_curl *curl = context;
	struct transfer transfer = {.options = curl->options, .order = order, .watch = watch, .result = ret_result};
	struct ota_error error = {0};

	*ret_result = (struct agent_fetch_result){0};
	transfer.part.fd = -1;
	if (!url_check(&transfer))
		return;
	if (agent_part_open(&transfer.part, curl->options->state_dir, &order->offer, watch, &error)) {
		transfer_end_local(&transfer, &error);
		return;
	}
	transfer_run(&transfer);
	transfer_tear_down(&transfer);
	if (ret_result->outcome == AGENT_FETCH_STALE || ret_result->outcome == AGENT_FETCH_MISMATCH)
		agent_part_discard(curl->options->state_dir, order->offer.module);
}

static void curl_path(void *context, const char *module, char *target)
{
	const struct agent_curl *curl = context;

	agent_part_path(curl->options->state_dir, module, target);
}

static void curl_discard(void *context, const char *module)
{
	const struct agent_curl *curl = context;

	agent_part_discard(curl->options->state_dir, module);
}

struct agent_curl *agent_curl_new(const struct agent_curl_options *options, struct ota_error *error)
{
	struct agent_curl *curl = calloc(1, sizeof(*curl));

	if (!curl || curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(curl);
		ota_fail(error, OTA_ENOMEM, "libcurl cannot be started");
		return NULL;
	}
	curl->options = options;
	return curl;
}

struct agent_curl *agent_curl_free(struct agent_curl *curl)
{
	if (curl)
		curl_global_cleanup();
	free(curl);
	return NULL;
}

struct agent_fetch agent_curl_port(struct agent_curl *curl)
{
	return (struct agent_fetch){.run = curl_run, .path = curl_path, .discard = curl_discard, .context = curl};
}
