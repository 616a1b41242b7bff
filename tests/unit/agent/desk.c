#include "tests/unit/agent/desk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/record.h"
#include "common/text.h"

static const char *const names[] = {"default", "mcu"};
static const struct agent_limits limits = {
	.starts_max = 5,
	.fetch_tries_max = 3,
	.fetch_deadline_ms = 3600000,
	.retry_base_ms = 1000,
	.retry_cap_ms = 60000,
	.restart_tries_max = 3,
	.restart_patience_ms = 600000,
};

void desk_event(struct desk *desk, struct agent_event event)
{
	agent_core_step(&desk->core, &event, desk->now, &desk->effects);
}

void desk_version(struct desk *desk, size_t module, const char *version)
{
	desk_event(desk, (struct agent_event){.kind = AGENT_EVENT_VERSION, .version = {module, version}});
}

void desk_simple(struct desk *desk, enum agent_event_kind kind)
{
	desk_event(desk, (struct agent_event){.kind = kind});
}

void desk_open(struct desk *desk)
{
	*desk = (struct desk){.now = {.ms = 1000000, .random = 500}};
	cr_assert_eq(agent_core_init(&desk->core, names, 2, &limits, NULL), 0);
	desk_version(desk, 0, "1.0.0");
	desk_version(desk, 1, "1.0.0");
	desk_simple(desk, AGENT_EVENT_UP);
}

void desk_reboot(struct desk *desk)
{
	OTA_AUTO_BYTES struct ota_bytes record = {0};
	struct ota_error error = {0};

	cr_assert_eq(agent_record_print(&desk->core, &record), 0);
	desk->core = (struct agent_core){0};
	cr_assert_eq(agent_core_init(&desk->core, names, 2, &limits, NULL), 0);
	cr_assert_eq(agent_record_read((struct ota_span){record.data, record.size}, &desk->core, &error), 0, "%s in %s",
		     error.text, record.data);
}

struct ota_offer desk_offer(const char *version, int64_t batch, int64_t attempt)
{
	struct ota_offer offer = {
		.size = 1000,
		.module = "default",
		.url = "https://example.net/image",
		.sha256 = DESK_SHA256,
		.sign_method = OTA_SIGN_SHA256,
		.batch = batch,
		.attempt = attempt,
	};

	ota_text_cut(offer.version, sizeof(offer.version), version);
	/* Another version, other bytes. */
	offer.sha256[0] = version[0];
	return offer;
}

void desk_push(struct desk *desk, const char *version, int64_t batch, int64_t attempt)
{
	struct ota_offer offer = desk_offer(version, batch, attempt);

	desk_event(desk, (struct agent_event){.kind = AGENT_EVENT_OFFER, .offer = &offer});
}

void desk_cancel(struct desk *desk, int64_t batch, int64_t attempt)
{
	desk_event(desk, (struct agent_event){.kind = AGENT_EVENT_CANCEL, .cancel = {batch, attempt}});
}

void desk_received(struct desk *desk, uint64_t bytes)
{
	desk_event(desk, (struct agent_event){.kind = AGENT_EVENT_RECEIVED, .bytes = bytes});
}

void desk_fetched(struct desk *desk, enum agent_fetch_outcome outcome, const char *text)
{
	struct agent_fetch_result result = {.outcome = outcome, .sha256 = DESK_SHA256};

	ota_text_cut(result.text, sizeof(result.text), text);
	desk_event(desk, (struct agent_event){.kind = AGENT_EVENT_FETCHED, .fetched = &result});
}

void desk_failed(struct desk *desk, enum agent_event_kind kind, int code, const char *text)
{
	struct ota_error error = {.code = code};

	ota_text_cut(error.text, sizeof(error.text), text);
	desk_event(desk, (struct agent_event){.kind = kind, .error = &error});
}

void desk_acknowledge(struct desk *desk)
{
	desk_event(desk, (struct agent_event){.kind = AGENT_EVENT_ACKNOWLEDGED, .number = desk->core.report.number});
}

const char *desk_effects(const struct desk *desk)
{
	static const char *const words[AGENT_EFFECT_KINDS] = {"save",    "connect", "inform",  "report", "fetch", "stop",
							      "discard", "install", "restart", "timer",  "log"};
	static char text[512];

	text[0] = '\0';
	for (size_t i = 0; i < desk->effects.count; i++) {
		enum agent_effect_kind kind = desk->effects.list[i].kind;
		size_t used = strlen(text);

		if (kind != AGENT_EFFECT_LOG)
			snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "", words[kind]);
	}
	return text;
}

bool desk_has(const struct desk *desk, enum agent_effect_kind kind)
{
	for (size_t i = 0; i < desk->effects.count; i++)
		if (desk->effects.list[i].kind == kind)
			return true;
	return false;
}
