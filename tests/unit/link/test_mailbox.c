#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "link/mailbox.h"

static struct link_mailbox *mailbox;

static void setup(void)
{
	mailbox = link_mailbox_new();
	cr_assert_not_null(mailbox);
}

static void teardown(void)
{
	mailbox = link_mailbox_free(mailbox);
}

TestSuite(link_mailbox, .init = setup, .fini = teardown);

static bool is_readable(void)
{
	struct pollfd fd = {.fd = link_mailbox_fd(mailbox), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static size_t count_and_free(struct link_note *note)
{
	size_t count = 0;

	for (struct link_note *next; note; note = next, count++) {
		next = note->next;
		free(note);
	}
	return count;
}

Test(link_mailbox, notes_come_out_in_order_with_all_they_carry)
{
	bool overflowed;
	struct link_note *note;

	cr_expect_not(is_readable());
	link_mailbox_put(mailbox, LINK_NOTE_CONNECTED, 1, NULL, (struct ota_span){0});
	link_mailbox_put(mailbox, LINK_NOTE_MESSAGE, 1, "a/b", (struct ota_span){"x\0y", 3});
	cr_expect(is_readable());
	note = link_mailbox_take(mailbox, &overflowed);
	cr_expect_eq(note->kind, LINK_NOTE_CONNECTED);
	cr_expect_eq(note->next->kind, LINK_NOTE_MESSAGE);
	cr_expect_str_eq(note->next->topic, "a/b");
	cr_expect_eq(note->next->text.size, 3);
	cr_expect_arr_eq(note->next->text.data, "x\0y", 4, "and a NUL behind");
	cr_expect_not(overflowed);
	cr_expect_not(is_readable());
	cr_expect_eq(count_and_free(note), 2);
}

Test(link_mailbox, a_flood_costs_messages_never_what_tells_of_the_connection)
{
	bool overflowed;

	for (int i = 0; i < LINK_MAILBOX_NOTES_MAX + 10; i++)
		link_mailbox_put(mailbox, LINK_NOTE_MESSAGE, 1, "t", (struct ota_span){"x", 1});
	link_mailbox_put(mailbox, LINK_NOTE_LOST, 1, NULL, ota_span_from_text("gone"));
	cr_expect_eq(count_and_free(link_mailbox_take(mailbox, &overflowed)), LINK_MAILBOX_NOTES_MAX + 1);
	cr_expect(overflowed);
	link_mailbox_put(mailbox, LINK_NOTE_MESSAGE, 1, "t", (struct ota_span){"x", 1});
	cr_expect_eq(count_and_free(link_mailbox_take(mailbox, &overflowed)), 1);
	cr_expect_not(overflowed, "told once");
}

Test(link_mailbox, its_bytes_are_bounded)
{
	enum { MEBIBYTE = 1024 * 1024 };
	char *block = calloc(1, MEBIBYTE);
	bool overflowed;

	for (int i = 0; i < 17; i++)
		link_mailbox_put(mailbox, LINK_NOTE_MESSAGE, 1, "t", (struct ota_span){block, MEBIBYTE});
	cr_expect_eq(count_and_free(link_mailbox_take(mailbox, &overflowed)), 16);
	cr_expect(overflowed);
	free(block);
}

static void *put_many(void *context)
{
	(void)context;
	for (int i = 0; i < 1000; i++)
		link_mailbox_put(mailbox, LINK_NOTE_ACKNOWLEDGED, i, NULL, (struct ota_span){0});
	return NULL;
}

Test(link_mailbox, threads_may_put_while_another_takes)
{
	pthread_t threads[2];
	size_t taken = 0;
	bool overflowed;

	for (int i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, put_many, NULL), 0);
	while (taken < 2000)
		taken += count_and_free(link_mailbox_take(mailbox, &overflowed));
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(taken, 2000);
}
