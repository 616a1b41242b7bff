#include <criterion/criterion.h>
#include <stdio.h>

#include "plugin/broker/peers.h"

/* Addresses that stand for the broker's client objects. */
static char clients[16];

static const struct ota_identity one = {"pk", "one"}, two = {"pk", "two"};

static struct ota_peer_change admit(struct ota_peers *peers, int client, const struct ota_identity *identity, const char *id,
				    int64_t now_ms)
{
	struct ota_peer_change change;
	cr_assert_eq(ota_peers_admit(peers, &clients[client], identity, id, now_ms, &change), 0);
	return change;
}

static struct ota_peer_change confirm(struct ota_peers *peers, int client)
{
	struct ota_peer_change change;
	ota_peers_confirm(peers, &clients[client], &change);
	return change;
}

static struct ota_peer_change leave(struct ota_peers *peers, int client)
{
	struct ota_peer_change change;
	ota_peers_remove(peers, &clients[client], &change);
	return change;
}

static uint64_t number_of(const struct ota_peers *peers, int client)
{
	struct ota_peer_view view;
	return ota_peers_find(peers, &clients[client], &view) ? view.number : 0;
}

static struct ota_peers *peers;

static void setup(void)
{
	peers = ota_peers_new();
}

static void teardown(void)
{
	peers = ota_peers_free(peers);
}

/* NULL when nobody is to be kicked. */
static const char *kicked(struct ota_peers *from)
{
	static struct ota_peer_view view;
	return ota_peers_next_kick(from, &view) ? view.client_id : NULL;
}

TestSuite(peers, .init = setup, .fini = teardown);

Test(peers, a_login_is_no_presence_yet)
{
	struct ota_peer_change change = admit(peers, 0, &one, "one|", 1000);
	cr_expect_eq(change.connected, 0);
	cr_expect_eq(ota_peers_online(peers), 0);
	cr_expect_eq(leave(peers, 0).gone, 0, "the login came to nothing, so nobody went");
}

Test(peers, the_first_message_shows_a_device)
{
	admit(peers, 0, &one, "one|", 1000);
	struct ota_peer_change change = confirm(peers, 0);
	cr_expect_eq(change.connected, number_of(peers, 0));
	cr_expect(ota_identity_equals(&change.identity, &one));
	cr_expect_eq(ota_peers_online(peers), 1);
	cr_expect_eq(confirm(peers, 0).connected, 0, "once");
	change = leave(peers, 0);
	cr_expect_neq(change.gone, 0);
	cr_expect(ota_identity_equals(&change.identity, &one));
	cr_expect_eq(ota_peers_online(peers), 0);
	cr_expect_eq(ota_peers_count(peers), 0);
}

Test(peers, a_silent_device_is_shown_by_its_staying)
{
	struct ota_peer_change change;
	admit(peers, 0, &one, "one|", 1000);
	admit(peers, 1, &two, "two|", 1030);
	cr_expect_not(ota_peers_confirm_next(peers, 1000 + OTA_ADMITTED_MS - 1, &change));
	cr_assert(ota_peers_confirm_next(peers, 1000 + OTA_ADMITTED_MS, &change));
	cr_expect_eq(change.connected, number_of(peers, 0));
	cr_expect_not(ota_peers_confirm_next(peers, 1000 + OTA_ADMITTED_MS, &change));
	cr_assert(ota_peers_confirm_next(peers, 1030 + OTA_ADMITTED_MS, &change));
	cr_expect_eq(change.connected, number_of(peers, 1));
	cr_expect_not(ota_peers_confirm_next(peers, 99999, &change));
}

Test(peers, a_stranger_changes_nothing)
{
	admit(peers, 0, &one, "one|", 1000);
	confirm(peers, 0);
	struct ota_peer_change change = leave(peers, 5);
	cr_expect_eq(change.gone, 0, "a failed login with somebody's id ends another client object");
	cr_expect_eq(confirm(peers, 5).connected, 0);
	cr_expect_eq(ota_peers_online(peers), 1);
}

/* mosquitto-plugin.md 1.6: BASIC_AUTH(new), DISCONNECT(old, same id), CONNACK. */
Test(peers, a_takeover_under_the_same_id_goes_over_without_a_kick)
{
	admit(peers, 0, &one, "one|", 1000);
	uint64_t old = confirm(peers, 0).connected;
	struct ota_peer_view view;
	admit(peers, 1, &one, "one|", 2000);
	ota_peers_find(peers, &clients[0], &view);
	cr_expect_not(view.holds_id, "whatever the old one still publishes is its will");
	cr_expect_eq(leave(peers, 0).gone, old);
	struct ota_peer_change change = confirm(peers, 1);
	cr_expect_eq(change.gone, 0);
	cr_expect_gt(change.connected, old);
	cr_expect_null(kicked(peers));
	cr_expect_eq(ota_peers_online(peers), 1);
}

Test(peers, a_newer_connection_replaces_the_older_which_is_kicked_once)
{
	struct ota_peer_view view;
	admit(peers, 0, &one, "one|first", 1000);
	uint64_t old = confirm(peers, 0).connected;
	admit(peers, 1, &one, "one|second", 2000);
	struct ota_peer_change change = confirm(peers, 1);
	cr_expect_eq(change.gone, old);
	cr_expect_eq(change.connected, number_of(peers, 1));
	cr_assert(ota_peers_find_number(peers, old, &view));
	cr_expect_eq(view.state, OTA_PEER_REPLACED);
	cr_expect_str_eq(kicked(peers), "one|first");
	cr_expect_null(kicked(peers));
	cr_expect_eq(leave(peers, 0).gone, 0, "its end was told already");
	cr_expect_eq(ota_peers_online(peers), 1);
	cr_expect_eq(leave(peers, 1).gone, change.connected);
}

Test(peers, the_older_of_two_loses_even_if_it_speaks_last)
{
	struct ota_peer_change change;
	admit(peers, 0, &one, "one|first", 1000);
	admit(peers, 1, &one, "one|second", 1001);
	uint64_t second = confirm(peers, 1).connected;
	change = confirm(peers, 0);
	cr_expect_eq(change.connected, 0);
	cr_expect_eq(change.gone, 0);
	cr_expect_str_eq(kicked(peers), "one|first");
	cr_expect_eq(leave(peers, 1).gone, second);
}

Test(peers, an_id_that_a_newer_connection_uses_is_not_kicked)
{
	admit(peers, 0, &one, "one|a", 1000);
	confirm(peers, 0);
	admit(peers, 1, &one, "one|b", 2000);
	confirm(peers, 1);
	admit(peers, 2, &one, "one|a", 3000);
	cr_expect_null(kicked(peers), "the broker knows clients by id: it would hit the newest");
}

Test(peers, all_connections_of_a_device_are_cut_and_kicked_once)
{
	struct ota_peer_change change;
	struct ota_peer_view view;
	admit(peers, 0, &one, "one|a", 1000);
	uint64_t number = confirm(peers, 0).connected;
	admit(peers, 1, &one, "one|b", 2000); /* not online yet */
	admit(peers, 2, &two, "two|", 2000);
	cr_expect_not(ota_peers_is_cut(peers, &clients[0]));
	ota_peers_cut_device(peers, &one, &change);
	cr_expect_eq(change.gone, number);
	cr_expect_eq(ota_peers_online(peers), 0);
	cr_expect(ota_peers_is_cut(peers, &clients[0]) && ota_peers_is_cut(peers, &clients[1]));
	cr_expect_not(ota_peers_is_cut(peers, &clients[2]));
	cr_assert(ota_peers_find(peers, &clients[0], &view));
	cr_expect_eq(view.state, OTA_PEER_CUT);
	cr_expect_eq(confirm(peers, 1).connected, 0, "it never comes online");
	cr_expect_str_eq(kicked(peers), "one|b");
	cr_expect_str_eq(kicked(peers), "one|a");
	cr_expect_null(kicked(peers));
	ota_peers_cut_device(peers, &one, &change);
	cr_expect_eq(change.gone, 0, "told already");
	cr_expect_eq(leave(peers, 0).gone, 0);
	cr_expect_eq(leave(peers, 1).gone, 0);
	cr_expect_not(ota_peers_is_cut(peers, &clients[0]));
}

Test(peers, one_connection_is_cut_and_the_device_may_return)
{
	struct ota_peer_change change;
	admit(peers, 0, &one, "one|", 1000);
	uint64_t number = confirm(peers, 0).connected;
	ota_peers_cut(peers, &clients[0], &change);
	cr_expect_eq(change.gone, number);
	ota_peers_cut(peers, &clients[1], &change);
	cr_expect_eq(change.gone, 0, "a stranger");
	admit(peers, 1, &one, "one|", 2000);
	cr_expect_null(kicked(peers), "a newer connection uses the id");
	cr_expect_eq(confirm(peers, 1).connected, number + 1);
	cr_expect_not(ota_peers_is_cut(peers, &clients[1]));
}

Test(peers, a_reused_address_is_another_connection)
{
	admit(peers, 0, &one, "one|", 1000);
	uint64_t first = confirm(peers, 0).connected;
	struct ota_peer_change change = admit(peers, 0, &two, "two|", 2000);
	cr_expect_eq(change.gone, first, "its end was never told: it is told now");
	cr_expect(ota_identity_equals(&change.identity, &one));
	cr_expect_gt(confirm(peers, 0).connected, first);
	struct ota_peer_view view;
	cr_expect_not(ota_peers_find_number(peers, first, &view));
}

Test(peers, the_holder_of_an_id_is_its_newest_device)
{
	struct ota_peer_view view;
	cr_expect_not(ota_peers_find_holder(peers, "one|", &view));
	admit(peers, 0, &one, "one|", 1000);
	cr_assert(ota_peers_find_holder(peers, "one|", &view));
	cr_expect(ota_identity_equals(&view.identity, &one));
	admit(peers, 1, &one, "one|", 2000);
	leave(peers, 0);
	cr_expect(ota_peers_find_holder(peers, "one|", &view), "the old one's end does not free the id");
	leave(peers, 1);
	cr_expect_not(ota_peers_find_holder(peers, "one|", &view));
}

Test(peers, an_operator_is_there_at_once_and_no_device)
{
	struct ota_peer_view view;
	struct ota_peer_change change = admit(peers, 0, NULL, "console", 1000);
	cr_expect_eq(change.connected, 0);
	cr_assert(ota_peers_find(peers, &clients[0], &view));
	cr_expect_eq(view.state, OTA_PEER_ONLINE);
	cr_expect_str_eq(view.client_id, "console");
	cr_expect_not(ota_peers_find_holder(peers, "console", &view));
	cr_expect_eq(leave(peers, 0).gone, 0);
	cr_expect_not(ota_peers_find(peers, &clients[0], &view));
}

/* Any order of events keeps the sums true: what is online is what was connected and is not gone. */
Test(peers, told_comings_and_goings_balance_whatever_happens)
{
	struct ota_peer_change change;
	unsigned random = 12345;
	int online = 0;
	for (int step = 0; step < 20000; step++) {
		char id[16];
		random = random * 1103515245 + 12345;
		int client = (int)(random >> 8 & 7), verb = (int)(random >> 16 & 7);
		snprintf(id, sizeof(id), "%u|", random >> 20 & 3);
		if (verb < 3)
			change = admit(peers, client, random >> 24 & 1 ? &one : &two, id, step);
		else if (verb < 5)
			change = confirm(peers, client);
		else if (verb < 6)
			change = leave(peers, client);
		else if (!ota_peers_confirm_next(peers, step, &change))
			change = (struct ota_peer_change){0};
		if (verb == 7)
			kicked(peers);
		online += (change.connected != 0) - (change.gone != 0);
		cr_assert_eq(ota_peers_online(peers), (size_t)online, "step %d", step);
		cr_assert_leq(online, 2);
	}
	for (int client = 0; client < 8; client++)
		online -= leave(peers, client).gone != 0;
	cr_expect_eq(online, 0);
	cr_expect_eq(ota_peers_count(peers), 0);
}
