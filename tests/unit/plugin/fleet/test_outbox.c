/* Messages in waiting: in order, taken back, divided. */
#include <criterion/criterion.h>
#include <string.h>

#include "plugin/fleet/outbox.h"

static struct ota_outbox outbox;

/* One message for each digit: connection 1..9, or 0 for everybody; the payload is its place. */
static void fill(const char *connections)
{
	for (size_t i = 0; connections[i]; i++) {
		char payload = (char)('a' + i);
		uint64_t connection = (uint64_t)(connections[i] - '0');

		cr_assert_eq(ota_outbox_add(&outbox, connection, "t", (struct ota_span){&payload, 1}, 0), 0);
	}
}

static const char *said(const struct ota_outbox *box)
{
	static char text[64];

	memset(text, 0, sizeof(text));
	for (size_t i = 0; i < box->count; i++)
		text[i] = box->items[i].payload[0];
	return text;
}

static void clear(void)
{
	ota_outbox_clear(&outbox);
}

TestSuite(outbox, .fini = clear);

Test(outbox, divides_what_is_for_everybody_and_keeps_both_orders)
{
	struct ota_outbox everybody = {0};

	fill("0120340");
	cr_assert_eq(ota_outbox_divide(&outbox, &everybody), 0);
	cr_expect_str_eq(said(&outbox), "bcef");
	cr_expect_str_eq(said(&everybody), "adg");
	fill("0");
	cr_assert_eq(ota_outbox_divide(&outbox, &everybody), 0);
	cr_expect_str_eq(said(&everybody), "adga", "behind what waits there");
	ota_outbox_clear(&everybody);
}

Test(outbox, an_order_stays_among_the_messages_it_came_with)
{
	struct ota_outbox everybody = {0};
	struct ota_identity identity = { "pk", "dn" };

	fill("10");
	cr_assert_eq(ota_outbox_add_order(&outbox, OTA_OUTGOING_SHUT_OUT, &identity), 0);
	fill("2");
	cr_assert_eq(ota_outbox_divide(&outbox, &everybody), 0);
	cr_assert_eq(outbox.count, 3);
	cr_expect_eq(outbox.items[1].kind, OTA_OUTGOING_SHUT_OUT);
	cr_expect_str_eq(outbox.items[1].payload, "dn&pk");
	ota_outbox_truncate(&outbox, 1);
	cr_expect_str_eq(said(&outbox), "a", "a command that was undone shuts nobody out");
	ota_outbox_clear(&everybody);
}

Test(outbox, loses_the_first_or_the_last)
{
	fill("12345");
	ota_outbox_shift(&outbox, 2);
	cr_expect_str_eq(said(&outbox), "cde");
	ota_outbox_truncate(&outbox, 1);
	cr_expect_str_eq(said(&outbox), "c");
	ota_outbox_shift(&outbox, 1);
	cr_expect_eq(outbox.count, 0);
	fill("1");
	cr_expect_str_eq(said(&outbox), "a");
}
