/* Each field of a push: what the agent reads, and what it answers to what it cannot read. Rows of tests/surface/pushes.c. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/text.h"
#include "tests/surface/pushes.h"
#include "tests/unit/agent/desk.h"

static void offer_print(const struct ota_offer *offer, char text[256])
{
	snprintf(text, 256, "%" PRIu64 " %s %s %s %s %" PRId64 ":%" PRId64, offer->size, offer->version, offer->module,
		 offer->sign_method == OTA_SIGN_MD5 ? "Md5" : "SHA256", offer->is_diff ? "delta" : "full", offer->batch,
		 offer->attempt);
}

static void refusal_expect(const struct message_row *row, struct ota_span payload, struct ota_error *error)
{
	struct ota_offer offer = {.size = 99};
	bool is_push = ota_offer_name(payload, &offer);

	ota_error_prefix(error, error->code, "%s", is_push ? "push" : "push ignored");
	cr_expect(strstr(error->text, row->line), "%s %s: \"%s\" not in: %s", row->field, row->what, row->line, error->text);
	cr_expect_eq(offer.size, is_push ? 0 : 99, "%s %s", row->field, row->what);
}

static void row_try(const struct message_row *row)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_error error = {0};
	struct ota_offer offer;
	char read[256];

	message_row_print(row, &text);
	struct ota_span payload = {text.data, text.size};
	int code = ota_offer_parse(payload, &offer, &error);
	cr_expect_eq(code == 0, row->effect != NULL, "%s %s: %s", row->field, row->what, error.text);
	if (code != 0) {
		refusal_expect(row, payload, &error);
		return;
	}
	offer_print(&offer, read);
	cr_expect_str_eq(read, row->effect, "%s %s: %s", row->field, row->what, read);
}

Test(pushes, each_field_is_read_or_refused_by_its_name)
{
	for (size_t i = 0; i < push_row_count(); i++)
		row_try(push_row_at(i));
}

/* OTA_SEED replays a run. */
Test(pushes, damaged_ones_are_read_whole_or_not_at_all)
{
	const char *text = getenv("OTA_SEED");
	uint64_t seed = 0;

	ota_random(&seed, sizeof(seed));
	seed >>= 1;
	cr_assert(!text || ota_text_parse_u64(ota_span_from_text(text), &seed));
	fprintf(stderr, "damaged_ones: OTA_SEED=%llu\n", (unsigned long long)seed);
	for (size_t i = 0; i < 20000; i++) {
		OTA_AUTO_BYTES struct ota_bytes payload = {0};
		struct ota_offer offer = {.size = 0}, name = {.size = 99};
		message_row_mutate(push_row_at(i % push_row_count()), &seed, &payload);
		struct ota_span span = {payload.data, payload.size};
		if (ota_offer_parse(span, &offer, NULL) == 0)
			cr_expect(offer.size > 0 && offer.version[0] && offer.url[0] && (offer.sha256[0] || offer.md5[0]));
		else
			cr_expect_eq(offer.size, 0, "a refused push leaves the target alone");
		cr_expect_eq(ota_offer_name(span, &name), name.size == 0);
	}
}

static struct ota_offer named(const char *payload)
{
	struct ota_offer offer = {0};

	cr_assert(ota_offer_name(ota_span_from_text(payload), &offer), "%s", payload);
	return offer;
}

Test(pushes, what_names_one_that_cannot_be_read_is_found)
{
	struct ota_offer offer = named("{\"data\":{\"size\":0,\"module\":\"mcu\",\"extData\":{\"_ota\":\"7:2\"}}}");

	cr_expect(offer.batch == 7 && offer.attempt == 2);
	cr_expect_str_eq(offer.module, "mcu");
	cr_expect_str_eq(offer.version, "");
	offer = named("{\"data\":{\"size\":1,\"size\":2,\"module\":\"url\",\"extData\":{\"_ota\":\"7:\"}}}");
	cr_expect(offer.batch == 0 && offer.attempt == 0, "half a name is none");
	cr_expect_str_eq(offer.module, "");
}

static struct desk desk;

static void idle_agent(void)
{
	desk_open(&desk);
}

static void faulty_push(int64_t batch)
{
	struct ota_offer offer = {.batch = batch, .attempt = batch ? 1 : 0};

	desk_event(&desk, (struct agent_event){
				  .kind = AGENT_EVENT_OFFER, .offer = &offer, .fault = "push: data.size: is missing"});
}

Test(pushes, one_that_cannot_be_read_is_answered_with_its_fault_and_nothing_is_begun, .init = idle_agent)
{
	faulty_push(7);
	cr_expect_str_eq(desk_effects(&desk), "save report");
	cr_expect_eq(desk.core.report.progress.step, -1);
	cr_expect_str_eq(desk.core.report.progress.desc, "push: data.size: is missing");
	cr_expect_eq(desk.core.report.progress.batch, 7);
	cr_expect_eq(desk.core.state, AGENT_IDLE);
	faulty_push(7);
	cr_expect_str_eq(desk_effects(&desk), "", "the attempt is over, its repeat no news");
	desk_push(&desk, "2.0.0", 8, 1);
	cr_expect_eq(desk.core.state, AGENT_FETCHING);
}

Test(pushes, one_that_cannot_be_read_does_not_end_the_task_in_work, .init = idle_agent)
{
	desk_push(&desk, "2.0.0", 7, 1);
	faulty_push(0);
	cr_expect_str_eq(desk_effects(&desk), "");
	cr_expect_eq(desk.core.state, AGENT_FETCHING);
}
