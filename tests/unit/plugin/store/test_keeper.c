/* The keeper copies the log beside the store's thread, and the log begins anew. */
#include <unistd.h>

#include "fixture.h"
#include "plugin/store/keeper.h"

TestSuite(keeper, .init = fixture_open, .fini = fixture_close);

static struct ota_keeper *keeper_of_fixture(void)
{
	const struct ota_keeper_options options = {.store_dir = fixture.directory};
	struct ota_keeper *keeper = NULL;

	MUST(ota_store_commit(fixture.store, &fixture.error));
	MUST(ota_keeper_start(&options, &keeper, &fixture.error));
	return keeper;
}

/* One commit of so many rows, each about a page of the log. */
static void rows_commit(int count)
{
	static int number;
	char key[32], row[3001];

	memset(row, 'x', sizeof(row) - 1);
	row[sizeof(row) - 1] = '\0';
	MUST(ota_store_begin(fixture.store, &fixture.error));
	for (int i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%08x", (unsigned)++number * 2654435761u);
		MUST(ota_store_insert_answer(fixture.store, key, row, 1, &fixture.error));
	}
	MUST(ota_store_commit(fixture.store, &fixture.error));
}

/* Until the next commit finds the log begun anew, as the worker goes on. */
static bool log_begins_anew(struct ota_keeper *keeper, bool idle)
{
	uint64_t before = ota_store_log_bytes(fixture.store);

	for (int tries = 0; tries < 2000; tries++) {
		MUST(ota_keeper_tend(keeper, fixture.store, idle, &fixture.error));
		usleep(1000);
		rows_commit(1);
		if (ota_store_log_bytes(fixture.store) < before)
			return true;
	}
	return false;
}

Test(keeper, copies_the_log_of_an_idle_store)
{
	struct ota_keeper *keeper = keeper_of_fixture();

	rows_commit(100);
	cr_expect(log_begins_anew(keeper, true));
	ota_keeper_stop(keeper);
	MUST(ota_store_begin(fixture.store, &fixture.error));
}

Test(keeper, leaves_a_short_log_alone_while_there_is_work)
{
	struct ota_keeper *keeper = keeper_of_fixture();
	uint64_t before = 0;

	for (int i = 0; i < 20; i++) {
		rows_commit(20);
		cr_expect_gt(ota_store_log_bytes(fixture.store), before);
		before = ota_store_log_bytes(fixture.store);
		MUST(ota_keeper_tend(keeper, fixture.store, false, &fixture.error));
	}
	ota_keeper_stop(keeper);
	MUST(ota_store_begin(fixture.store, &fixture.error));
}

Test(keeper, copies_a_long_log_in_the_middle_of_work)
{
	struct ota_keeper *keeper = keeper_of_fixture();

	while (ota_store_log_bytes(fixture.store) < OTA_KEEPER_LOG_BYTES)
		rows_commit(500);
	cr_expect(log_begins_anew(keeper, false));
	ota_keeper_stop(keeper);
	MUST(ota_store_begin(fixture.store, &fixture.error));
}
