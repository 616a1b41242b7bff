/*
 * A store of a test's own, and rows whose every field differs from every other, so that a column in the wrong place is seen.
 */
#ifndef OTA_TESTS_STORE_FIXTURE_H
#define OTA_TESTS_STORE_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>

#include "plugin/store/batch.h"
#include "plugin/store/device.h"
#include "plugin/store/event.h"
#include "plugin/store/operator.h"
#include "plugin/store/package.h"
#include "plugin/store/product.h"
#include "plugin/store/store.h"
#include "plugin/store/task.h"
#include "tests/unit/support/scratch.h"

struct fixture {
	char directory[SCRATCH_SIZE];
	struct ota_store *store;
	struct ota_error error;
};
extern struct fixture fixture;

/* Hooks: a fresh store with an open transaction; whatever is open is rolled back and removed. */
void fixture_open(void);
void fixture_close(void);
/* Commits, closes, opens again, begins. */
void fixture_reopen(void);

/* Closes the store, rolling back; opens it again without a transaction. */
void fixture_stop(void);
int fixture_start(void);
/* Skips the test for what this machine does not let it do, and why not (an errno). */
void fixture_skip(const char *need, int cause);
/* Runs a function in a child process: its exit status, or minus the signal that ended it. */
int in_child(int (*run)(void));

/* A call that must succeed, with the error's sentence if it does not. */
#define MUST(call)                                                                                                               \
	do {                                                                                                                     \
		fixture.error = (struct ota_error){0};                                                                           \
		int must_status = (call);                                                                                        \
		cr_assert_eq(must_status, 0, "%d: %s", must_status, fixture.error.text);                                         \
	} while (0)
/* A call that must fail with this code. */
#define MUST_FAIL(code, call)                                                                                                    \
	do {                                                                                                                     \
		fixture.error = (struct ota_error){0};                                                                           \
		int must_status = (call);                                                                                        \
		cr_assert_eq(must_status, code, "%d: %s", must_status, fixture.error.text);                                      \
	} while (0)

int64_t fixture_id(void);

/* Rows that are filled but not inserted. */
struct ota_product sample_product(const char *product_key);
struct ota_device sample_device(const char *product_key, const char *device_name);
struct ota_device_module sample_module(int64_t device_id, const char *module);
struct ota_package sample_package(const char *product_key, const char *version);
struct ota_batch sample_batch(const struct ota_package *package);
struct ota_task sample_task(const struct ota_batch *batch, int64_t device_id);

/* Inserted rows: a product "pk" and what hangs on it. */
void insert_product(const char *product_key);
int64_t insert_device(const char *product_key, const char *device_name);
int package_put(const struct ota_package *row); /* of one image */
struct ota_package insert_package(const char *product_key, const char *version);
struct ota_batch insert_batch(const struct ota_package *package);
struct ota_task insert_task(const struct ota_batch *batch, int64_t device_id);
/* A product "pk" with a package 2.0 and a batch of it. */
struct ota_batch insert_world(void);

/* An integer from the database by SQL of the test's own, behind the store's back: on a second connection to what was committed.
 */
int64_t sql_integer(const char *sql);
void sql_execute(const char *sql);

#endif
