/* The store itself: opening, transactions, ids, nodes, answers. */
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

TestSuite(store, .init = fixture_open, .fini = fixture_close);

Test(store, name_is_a_uuid_and_stays)
{
	char uuid[OTA_STORE_UUID_SIZE];

	snprintf(uuid, sizeof(uuid), "%s", ota_store_uuid(fixture.store));
	cr_expect_eq(strlen(uuid), 36);
	cr_expect_eq(uuid[14], '4', "version of %s", uuid);
	cr_expect(strchr("89ab", uuid[19]), "variant of %s", uuid);
	fixture_reopen();
	cr_expect_str_eq(ota_store_uuid(fixture.store), uuid);
}

Test(store, two_stores_have_two_names)
{
	char uuid[OTA_STORE_UUID_SIZE];

	snprintf(uuid, sizeof(uuid), "%s", ota_store_uuid(fixture.store));
	fixture_close();
	fixture_open();
	cr_expect_str_neq(ota_store_uuid(fixture.store), uuid);
}

static void mode_check(const char *name, mode_t expected)
{
	char path[SCRATCH_SIZE];
	struct stat status;

	scratch_path(path, fixture.directory, name);
	cr_assert_eq(stat(path, &status), 0, "%s is missing", name);
	cr_expect_eq(status.st_mode & 07777, expected, "%s has mode %o", name, status.st_mode & 07777);
}

Test(store, files_are_readable_by_their_owner_only)
{
	static const char *const names[] = {"ota.db", "ota.db-wal", "ota.db-shm", "lock"};

	insert_product("pk");
	MUST(ota_store_commit(fixture.store, &fixture.error));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		mode_check(names[i], 0600);
}

Test(store, a_file_open_to_others_is_closed_to_them_at_start)
{
	char path[SCRATCH_SIZE];

	fixture.store = ota_store_free(fixture.store);
	scratch_path(path, fixture.directory, "ota.db");
	cr_assert_eq(chmod(path, 0644), 0);
	MUST(ota_store_open(fixture.directory, &fixture.store, &fixture.error));
	mode_check("ota.db", 0600);
}

Test(store, a_directory_is_made_for_its_owner_only)
{
	char directory[SCRATCH_SIZE];
	struct ota_store *other = NULL;

	scratch_path(directory, fixture.directory, "deep/deeper");
	MUST(ota_store_open(directory, &other, &fixture.error));
	other = ota_store_free(other);
	mode_check("deep", 0700);
	mode_check("deep/deeper", 0700);
	mode_check("deep/deeper/ota.db", 0600);
}

Test(store, a_link_in_place_of_the_file_is_refused)
{
	char directory[SCRATCH_SIZE], path[SCRATCH_SIZE];
	struct ota_store *other = NULL;

	scratch_path(directory, fixture.directory, "linked");
	scratch_path(path, fixture.directory, "linked/ota.db");
	cr_assert_eq(mkdir(directory, 0700), 0);
	cr_assert_eq(symlink("../ota.db", path), 0);
	MUST_FAIL(OTA_EIO, ota_store_open(directory, &other, &fixture.error));
	cr_expect_null(other);
}

Test(store, free_of_nothing_is_fine)
{
	cr_expect_null(ota_store_free(NULL));
}

Test(store, what_is_not_committed_is_gone)
{
	struct ota_product row;

	insert_product("kept");
	MUST(ota_store_commit(fixture.store, &fixture.error));
	MUST(ota_store_begin(fixture.store, &fixture.error));
	insert_product("lost");
	fixture.store = ota_store_free(fixture.store);
	MUST(ota_store_open(fixture.directory, &fixture.store, &fixture.error));
	MUST(ota_store_begin(fixture.store, &fixture.error));
	MUST(ota_product_find(fixture.store, "kept", &row, &fixture.error));
	MUST_FAIL(OTA_ENOTFOUND, ota_product_find(fixture.store, "lost", &row, &fixture.error));
}

Test(store, rollback_is_fine_without_a_transaction)
{
	ota_store_rollback(fixture.store);
	ota_store_rollback(fixture.store);
	MUST(ota_store_begin(fixture.store, &fixture.error));
	insert_product("pk");
	MUST(ota_store_commit(fixture.store, &fixture.error));
}

Test(store, a_savepoint_undoes_its_part_only)
{
	struct ota_product row;

	insert_product("before");
	MUST(ota_store_savepoint(fixture.store, &fixture.error));
	insert_product("undone");
	ota_store_rollback_to(fixture.store);
	MUST(ota_store_savepoint(fixture.store, &fixture.error));
	insert_product("released");
	MUST(ota_store_release(fixture.store, &fixture.error));
	fixture_reopen();
	MUST(ota_product_find(fixture.store, "before", &row, &fixture.error));
	MUST(ota_product_find(fixture.store, "released", &row, &fixture.error));
	MUST_FAIL(OTA_ENOTFOUND, ota_product_find(fixture.store, "undone", &row, &fixture.error));
}

Test(store, ids_rise_across_leases_and_restarts)
{
	int64_t last = 0;

	for (int i = 0; i < 3500; i++) {
		int64_t id = fixture_id();

		cr_assert_gt(id, last);
		last = id;
	}
	fixture_reopen();
	cr_expect_gt(fixture_id(), last);
}

/* An id that was given out and committed may never come again, whatever was rolled back between. */
static int64_t committed_id(void)
{
	struct ota_event event = {.id = fixture_id(), .event = "test"};

	MUST(ota_event_insert(fixture.store, &event, &fixture.error));
	return event.id;
}

static void lease_use_up(void)
{
	/* Up to the last id of a block, so that the next one is leased anew. */
	while (fixture_id() % 1000 != 0)
		;
}

Test(store, a_lease_that_was_rolled_back_is_taken_again)
{
	lease_use_up();
	MUST(ota_store_commit(fixture.store, &fixture.error));
	MUST(ota_store_begin(fixture.store, &fixture.error));
	fixture_id();
	ota_store_rollback(fixture.store);
	MUST(ota_store_begin(fixture.store, &fixture.error));
	for (int i = 0; i < 10; i++)
		committed_id();
	fixture_reopen();
	for (int i = 0; i < 10; i++)
		committed_id();
}

Test(store, a_lease_of_an_undone_savepoint_is_taken_again)
{
	lease_use_up();
	MUST(ota_store_savepoint(fixture.store, &fixture.error));
	fixture_id();
	ota_store_rollback_to(fixture.store);
	for (int i = 0; i < 10; i++)
		committed_id();
	fixture_reopen();
	for (int i = 0; i < 10; i++)
		committed_id();
}

Test(store, a_lease_of_a_released_savepoint_falls_with_the_transaction)
{
	lease_use_up();
	MUST(ota_store_commit(fixture.store, &fixture.error));
	MUST(ota_store_begin(fixture.store, &fixture.error));
	MUST(ota_store_savepoint(fixture.store, &fixture.error));
	fixture_id();
	MUST(ota_store_release(fixture.store, &fixture.error));
	ota_store_rollback(fixture.store);
	MUST(ota_store_begin(fixture.store, &fixture.error));
	for (int i = 0; i < 10; i++)
		committed_id();
	fixture_reopen();
	for (int i = 0; i < 10; i++)
		committed_id();
}

Test(store, a_damaged_lease_row_is_told)
{
	MUST(ota_store_commit(fixture.store, &fixture.error));
	sql_execute("DELETE FROM lease");
	MUST(ota_store_begin(fixture.store, &fixture.error));
	cr_expect_eq(ota_store_new_id(fixture.store, &fixture.error), 0);
	cr_expect_eq(fixture.error.code, OTA_ECORRUPT, "%s", fixture.error.text);
}

Test(store, a_node_is_zero_at_first_and_then_as_saved)
{
	uint64_t applied = 7;
	int64_t heard = 7;

	MUST(ota_store_load_node(fixture.store, 1, &applied, &heard, &fixture.error));
	cr_expect_eq(applied, 0);
	cr_expect_eq(heard, 0);
	MUST(ota_store_save_node(fixture.store, 1, 10, 11, &fixture.error));
	MUST(ota_store_save_node(fixture.store, 2, 20, 21, &fixture.error));
	MUST(ota_store_save_node(fixture.store, 1, INT64_MAX, 12, &fixture.error));
	fixture_reopen();
	MUST(ota_store_load_node(fixture.store, 1, &applied, &heard, &fixture.error));
	cr_expect_eq(applied, INT64_MAX);
	cr_expect_eq(heard, 12);
	MUST_FAIL(OTA_ELIMIT, ota_store_save_node(fixture.store, 1, (uint64_t)INT64_MAX + 1, 0, &fixture.error));
}

Test(store, an_answer_is_kept_once_until_it_is_pruned)
{
	char *answer = NULL;

	MUST_FAIL(OTA_ENOTFOUND, ota_store_find_answer(fixture.store, "hash:1", &answer, &fixture.error));
	cr_expect_null(answer);
	MUST(ota_store_insert_answer(fixture.store, "hash:1", "{\"first\":true}", 100, &fixture.error));
	MUST(ota_store_insert_answer(fixture.store, "hash:2", "", 200, &fixture.error));
	MUST_FAIL(OTA_ECONFLICT, ota_store_insert_answer(fixture.store, "hash:1", "{}", 300, &fixture.error));
	MUST(ota_store_find_answer(fixture.store, "hash:1", &answer, &fixture.error));
	cr_expect_str_eq(answer, "{\"first\":true}");
	free(answer);
	MUST(ota_store_find_answer(fixture.store, "hash:2", &answer, &fixture.error));
	cr_expect_str_eq(answer, "");
	free(answer);
	MUST(ota_store_prune_answers(fixture.store, 200, &fixture.error));
	MUST_FAIL(OTA_ENOTFOUND, ota_store_find_answer(fixture.store, "hash:1", &answer, &fixture.error));
	MUST(ota_store_find_answer(fixture.store, "hash:2", &answer, &fixture.error));
	free(answer);
}

Test(store, a_checkpoint_empties_the_log)
{
	for (int i = 0; i < 50; i++) {
		committed_id();
		MUST(ota_store_commit(fixture.store, &fixture.error));
		MUST(ota_store_begin(fixture.store, &fixture.error));
	}
	MUST(ota_store_commit(fixture.store, &fixture.error));
	cr_expect_gt(ota_store_log_bytes(fixture.store), 50 * 4096);
	MUST(ota_store_checkpoint(fixture.store, &fixture.error));
	cr_expect_eq(ota_store_log_bytes(fixture.store), 0);
	MUST(ota_store_begin(fixture.store, &fixture.error));
	committed_id();
	MUST(ota_store_commit(fixture.store, &fixture.error));
	cr_expect_lt(ota_store_log_bytes(fixture.store), 20 * 4096);
}

/* SQLite would copy the log back by itself at 1000 pages, in the middle of a commit. */
Test(store, no_checkpoint_happens_by_itself)
{
	struct ota_event event = {.event = "test"};

	memset(event.detail, 'x', sizeof(event.detail) - 1);
	for (int commit = 0; commit < 300; commit++) {
		for (int i = 0; i < 30; i++) {
			event.id = fixture_id();
			MUST(ota_event_insert(fixture.store, &event, &fixture.error));
		}
		MUST(ota_store_commit(fixture.store, &fixture.error));
		MUST(ota_store_begin(fixture.store, &fixture.error));
	}
	MUST(ota_store_commit(fixture.store, &fixture.error));
	cr_expect_gt(ota_store_log_bytes(fixture.store), 1100 * 4096);
}

Test(store, a_checkpoint_inside_a_transaction_is_refused)
{
	insert_product("pk");
	MUST_FAIL(OTA_EUNAVAILABLE, ota_store_checkpoint(fixture.store, &fixture.error));
}
