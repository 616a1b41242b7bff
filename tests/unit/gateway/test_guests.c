#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/guests.h"

static bool is_open(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0;
}

Test(guests, who_owes_a_header_too_long_is_shut_down)
{
	struct ota_guests *guests = ota_guests_new();
	int slow[2], quick[2];
	struct ota_guest *a, *b;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, slow), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, quick), 0);
	a = ota_guests_enter(guests, slow[0], 1000);
	b = ota_guests_enter(guests, quick[0], 1000);
	cr_expect_eq(ota_guests_sweep(guests, 1000 + OTA_GUESTS_HEADER_MS - 1), 0);
	ota_guests_expect(guests, b, INT64_MAX);
	cr_expect_eq(ota_guests_sweep(guests, 1000 + OTA_GUESTS_HEADER_MS), 1);
	cr_expect_not(is_open(slow[1]));
	cr_expect(is_open(quick[1]));
	cr_expect_eq(ota_guests_sweep(guests, 1000 + 2 * OTA_GUESTS_HEADER_MS), 0, "nobody is shut down twice");
	ota_guests_leave(guests, a);
	ota_guests_leave(guests, b);
	ota_guests_leave(guests, NULL);
	ota_guests_expect(guests, NULL, 0);
	cr_expect_null(ota_guests_free(guests));
	for (int i = 0; i < 2; i++)
		(void)(close(slow[i]), close(quick[i]));
}

Test(guests, leaving_in_any_order_keeps_the_rest)
{
	struct ota_guests *guests = ota_guests_new();
	struct ota_guest *entered[3];
	int pairs[3][2];

	for (int i = 0; i < 3; i++) {
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
		entered[i] = ota_guests_enter(guests, pairs[i][0], 0);
	}
	ota_guests_leave(guests, entered[1]);
	cr_expect_eq(ota_guests_sweep(guests, OTA_GUESTS_HEADER_MS), 2);
	cr_expect(is_open(pairs[1][1]) && !is_open(pairs[0][1]) && !is_open(pairs[2][1]));
	ota_guests_leave(guests, entered[2]);
	ota_guests_leave(guests, entered[0]);
	cr_expect_eq(ota_guests_sweep(guests, INT64_MAX - 1), 0);
	(void)ota_guests_free(guests);
	for (int i = 0; i < 3; i++)
		(void)(close(pairs[i][0]), close(pairs[i][1]));
}
