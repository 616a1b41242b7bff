#include "gateway/transfers.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/json.h"
#include "common/text.h"
#include "common/time.h"

struct report {
	struct ota_transfers *owner;
	struct report *next;
	char sha256[OTA_SHA256_HEX + 1], e[11], d[17], k[9], s[44];
	uint64_t bytes;
	bool whole;
	uint64_t number; /* 0 = not sent yet: still gathers. Once sent it stays as it is, under the id made of it */
	bool is_asked;   /* on its way */
	int64_t born_ms, due_ms, pause_ms;
};

struct ota_transfers {
	pthread_mutex_t lock; /* of everything below */
	struct ota_exchange *exchange;
	const struct ota_log *log;
	char name[17]; /* random: ids of two gateways, or of two runs of one, differ */
	struct report *reports;
	size_t count, asked;
	uint64_t last_number, dropped, dropped_told;
};

struct ota_transfers *ota_transfers_new(struct ota_exchange *exchange, const struct ota_log *log)
{
	struct ota_transfers *transfers = calloc(1, sizeof(*transfers));
	unsigned char bytes[8];

	if (!transfers || ota_random(bytes, sizeof(bytes)) < 0) {
		free(transfers);
		return NULL;
	}
	ota_text_hex(transfers->name, bytes, sizeof(bytes));
	(void)pthread_mutex_init(&transfers->lock, NULL);
	transfers->exchange = exchange;
	transfers->log = log;
	return transfers;
}

struct ota_transfers *ota_transfers_free(struct ota_transfers *transfers)
{
	while (transfers && transfers->reports) {
		struct report *next = transfers->reports->next;

		free(transfers->reports);
		transfers->reports = next;
	}
	if (transfers)
		(void)pthread_mutex_destroy(&transfers->lock);
	free(transfers);
	return NULL;
}

static bool is_of(const struct report *report, const struct report *other)
{
	return strcmp(report->s, other->s) == 0 && strcmp(report->sha256, other->sha256) == 0 &&
	       strcmp(report->e, other->e) == 0 && strcmp(report->d, other->d) == 0 && strcmp(report->k, other->k) == 0;
}

static bool fill(struct report *report, const struct ota_url_query *query)
{
	struct ota_span path = query->path;
	size_t head = sizeof("/dl/") - 1;

	if (path.size <= head)
		return false;
	return ota_text_copy(report->sha256, sizeof(report->sha256), (struct ota_span){ path.data + head, path.size - head }) &&
	       ota_text_copy(report->e, sizeof(report->e), query->e) && ota_text_copy(report->d, sizeof(report->d), query->d) &&
	       ota_text_copy(report->k, sizeof(report->k), query->k) && ota_text_copy(report->s, sizeof(report->s), query->s);
}

/* The one that still gathers, or a new one; NULL when there is no room. */
static struct report *place_for(struct ota_transfers *transfers, const struct report *wanted)
{
	struct report *report = transfers->reports;

	for (; report; report = report->next) {
		if (report->number == 0 && is_of(report, wanted))
			return report;
	}
	report = transfers->count < OTA_TRANSFERS_MAX ? malloc(sizeof(*report)) : NULL;
	if (!report)
		return NULL;
	*report = *wanted;
	report->next = transfers->reports;
	transfers->reports = report;
	transfers->count++;
	return report;
}

void ota_transfers_add(struct ota_transfers *transfers, const struct ota_url_query *query, uint64_t bytes, bool whole)
{
	int64_t now_ms = ota_boot_ms();
	struct report wanted = {
		.owner = transfers,
		.born_ms = now_ms,
		.due_ms = now_ms + OTA_TRANSFERS_GATHER_MS,
		.pause_ms = OTA_TRANSFERS_RETRY_MS,
	};
	struct report *report;

	if (!fill(&wanted, query))
		return;
	(void)pthread_mutex_lock(&transfers->lock);
	report = place_for(transfers, &wanted);
	if (report) {
		report->bytes += bytes;
		report->whole = report->whole || whole;
	} else {
		transfers->dropped++;
	}
	(void)pthread_mutex_unlock(&transfers->lock);
}

static void forget(struct ota_transfers *transfers, struct report *report)
{
	struct report **link = &transfers->reports;

	while (*link != report)
		link = &(*link)->next;
	*link = report->next;
	transfers->count--;
	free(report);
}

static void tell_refused(const struct ota_transfers *transfers, const struct report *report, const struct ota_error *error)
{
	struct ota_log_line line;

	ota_log_begin(&line, OTA_LOG_WARNING, "transfer_report_refused");
	ota_log_text(&line, "package", report->sha256);
	ota_log_text(&line, "reason", error->text);
	ota_log_end(transfers->log, &line);
}

/* An answer, or none: what may not have arrived is asked again, what was refused would be refused again. */
static void on_answer(void *context, cJSON *data, const struct ota_error *error)
{
	struct report *report = context;
	struct ota_transfers *transfers = report->owner;

	cJSON_Delete(data);
	(void)pthread_mutex_lock(&transfers->lock);
	report->is_asked = false;
	transfers->asked--;
	if (error->code == OTA_EUNAVAILABLE) {
		report->due_ms = ota_boot_ms() + report->pause_ms;
		report->pause_ms = 2 * report->pause_ms < OTA_MINUTE_MS ? 2 * report->pause_ms : OTA_MINUTE_MS;
	} else {
		if (error->code != 0)
			tell_refused(transfers, report, error);
		forget(transfers, report);
	}
	(void)pthread_mutex_unlock(&transfers->lock);
}

static cJSON *command_of(const struct report *report)
{
	char id[OTA_REQUEST_ID_MAX + 1];
	cJSON *command = cJSON_CreateObject();
	bool made;

	(void)snprintf(id, sizeof(id), "%s-%" PRIu64, report->owner->name, report->number);
	made = cJSON_AddStringToObject(command, "command", "reportTransfer") &&
	       cJSON_AddStringToObject(command, "requestId", id) &&
	       cJSON_AddStringToObject(command, "sha256", report->sha256) &&
	       cJSON_AddStringToObject(command, "e", report->e) && cJSON_AddStringToObject(command, "d", report->d) &&
	       cJSON_AddStringToObject(command, "k", report->k) && cJSON_AddStringToObject(command, "s", report->s) &&
	       cJSON_AddNumberToObject(command, "bytes", (double)report->bytes) &&
	       cJSON_AddBoolToObject(command, "whole", report->whole);
	if (made)
		return command;
	cJSON_Delete(command);
	return NULL;
}

/* The lock is not held: the answer may come before this returns. */
static void ask(struct ota_transfers *transfers, struct report *report)
{
	OTA_AUTO_JSON cJSON *command = command_of(report);
	struct ota_exchange_request request = { command, on_answer, report };
	struct ota_error error = { 0 };

	if (!command)
		(void)ota_fail(&error, OTA_EUNAVAILABLE, "out of memory");
	if (!command || ota_exchange_ask(transfers->exchange, &request, &error) < 0)
		on_answer(report, NULL, &error);
}

/* One that is due and may go now; on the way it drops what is too old. */
static struct report *take_due(struct ota_transfers *transfers, int64_t now_ms, int64_t *next_ms)
{
	struct report *report, *next;

	for (report = transfers->reports; report; report = next) {
		next = report->next;
		if (report->is_asked)
			continue;
		if (now_ms - report->born_ms > OTA_TRANSFERS_KEEP_MS) {
			transfers->dropped++;
			forget(transfers, report);
		} else if (report->due_ms > now_ms) {
			*next_ms = report->due_ms - now_ms < *next_ms ? report->due_ms - now_ms : *next_ms;
		} else if (transfers->asked < OTA_TRANSFERS_ASKED_MAX) {
			if (report->number == 0)
				report->number = ++transfers->last_number;
			report->is_asked = true;
			transfers->asked++;
			return report;
		}
	}
	return NULL;
}

static void tell_dropped(struct ota_transfers *transfers)
{
	struct ota_log_line line;

	if (transfers->dropped == transfers->dropped_told)
		return;
	ota_log_begin(&line, OTA_LOG_WARNING, "transfer_reports_dropped");
	ota_log_integer(&line, "count", (int64_t)(transfers->dropped - transfers->dropped_told));
	ota_log_end(transfers->log, &line);
	transfers->dropped_told = transfers->dropped;
}

int64_t ota_transfers_turn(struct ota_transfers *transfers, int64_t now_ms, int64_t most)
{
	struct report *report = NULL;
	int64_t next_ms = most;
	int asked = 0;

	/* So many a turn: while the broker is away every question fails at once, and the loop has more to do. */
	do {
		(void)pthread_mutex_lock(&transfers->lock);
		report = take_due(transfers, now_ms, &next_ms);
		tell_dropped(transfers);
		(void)pthread_mutex_unlock(&transfers->lock);
		if (report)
			ask(transfers, report);
	} while (report && ++asked < OTA_TRANSFERS_ASKED_MAX);
	return next_ms;
}

size_t ota_transfers_hurry(struct ota_transfers *transfers)
{
	size_t count;

	(void)pthread_mutex_lock(&transfers->lock);
	for (struct report *report = transfers->reports; report; report = report->next)
		report->due_ms = 0;
	count = transfers->count;
	(void)pthread_mutex_unlock(&transfers->lock);
	return count;
}

size_t ota_transfers_waiting(struct ota_transfers *transfers)
{
	(void)pthread_mutex_lock(&transfers->lock);
	size_t count = transfers->count;
	(void)pthread_mutex_unlock(&transfers->lock);
	return count;
}

uint64_t ota_transfers_dropped(struct ota_transfers *transfers)
{
	(void)pthread_mutex_lock(&transfers->lock);
	uint64_t dropped = transfers->dropped;
	(void)pthread_mutex_unlock(&transfers->lock);
	return dropped;
}
