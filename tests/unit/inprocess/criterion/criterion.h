/*
 * The part of Criterion's interface that our unit tests use, run in one process.
 *
 * Criterion forks a child per test through its own loader: it cannot run under TSan, it loses ASan's leak reports, and valgrind
 * sees only the parent. Under a sanitizer (meson -Dsan=...) and with -Dunit=inprocess the same sources are built against this
 * header instead, by include path alone. Differences: tests run one after another in the order of the file, a crash ends the
 * whole program (the plan printed first makes that an error), and `timeout` is the build's.
 */
#ifndef OTA_TESTS_INPROCESS_CRITERION_H
#define OTA_TESTS_INPROCESS_CRITERION_H

/* Criterion's is one too: what compiles against one must compile against the other. */
#pragma GCC system_header

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct inprocess_hooks {
	int line;
	void (*init)(void);
	void (*fini)(void);
	bool disabled;
	double timeout;
	const char *description;
};

struct inprocess_test {
	const char *suite, *name;
	void (*run)(void);
	struct inprocess_hooks hooks;
	struct inprocess_test *next;
};

struct inprocess_suite {
	const char *name;
	struct inprocess_hooks hooks;
	struct inprocess_suite *next;
};

void inprocess_add_test(struct inprocess_test *test);
void inprocess_add_suite(struct inprocess_suite *suite);

/* Each registers itself before main(), as Criterion's do. */
#define Test(suite_, name_, ...)                                                                                                 \
	static void suite_##_##name_##_run(void);                                                                                \
	__attribute__((constructor)) static void suite_##_##name_##_add(void)                                                    \
	{                                                                                                                        \
		static struct inprocess_test test = {.suite = #suite_,                                                           \
						     .name = #name_,                                                             \
						     .run = suite_##_##name_##_run,                                              \
						     .hooks = {.line = __LINE__, __VA_ARGS__}};                                  \
		inprocess_add_test(&test);                                                                                       \
	}                                                                                                                        \
	static void suite_##_##name_##_run(void)

#define TestSuite(name_, ...)                                                                                                    \
	__attribute__((constructor)) static void name_##_suite_add(void)                                                         \
	{                                                                                                                        \
		static struct inprocess_suite suite = {.name = #name_, .hooks = {.line = __LINE__, __VA_ARGS__}};                \
		inprocess_add_suite(&suite);                                                                                     \
	}                                                                                                                        \
	struct inprocess_suite /* eats the semicolon */

struct inprocess_place {
	const char *file;
	int line;
	bool fatal; /* cr_assert leaves the test, cr_expect goes on */
};
#define INPROCESS_HERE(fatal_) (&(const struct inprocess_place){__FILE__, __LINE__, fatal_})

__attribute__((format(printf, 3, 4))) void inprocess_failed(const struct inprocess_place *place, const char *what,
							    const char *format, ...);
__attribute__((format(printf, 1, 2), noreturn)) void inprocess_skip(const char *format, ...);
bool inprocess_texts_equal(const char *actual, const char *expected);
/* "\"a\" instead of \"b\"", in a buffer that the next call reuses. */
const char *inprocess_texts(const char *actual, const char *expected);

#define INPROCESS_CHECK(fatal_, condition_, what_, ...)                                                                          \
	do {                                                                                                                     \
		if (!(condition_))                                                                                               \
			inprocess_failed(INPROCESS_HERE(fatal_), what_, " " __VA_ARGS__);                                        \
	} while (0)
#define INPROCESS_COMPARE(fatal_, a_, operator_, b_, ...)                                                                        \
	INPROCESS_CHECK(fatal_, (a_)operator_(b_), #a_ " " #operator_ " " #b_, __VA_ARGS__)
#define INPROCESS_TEXT(fatal_, a_, equal_, b_, ...)                                                                              \
	INPROCESS_CHECK(fatal_, inprocess_texts_equal(a_, b_) == (equal_), inprocess_texts(a_, b_), __VA_ARGS__)
#define INPROCESS_BYTES(fatal_, a_, equal_, b_, size_, ...)                                                                      \
	INPROCESS_CHECK(fatal_, (memcmp(a_, b_, size_) == 0) == (equal_), "bytes of " #a_ " and " #b_, __VA_ARGS__)

#define cr_assert(condition_, ...) INPROCESS_CHECK(true, condition_, #condition_, __VA_ARGS__)
#define cr_assert_not(condition_, ...) INPROCESS_CHECK(true, !(condition_), "not " #condition_, __VA_ARGS__)
#define cr_assert_fail(...) INPROCESS_CHECK(true, false, "fail", __VA_ARGS__)
#define cr_assert_eq(a_, b_, ...) INPROCESS_COMPARE(true, a_, ==, b_, __VA_ARGS__)
#define cr_assert_neq(a_, b_, ...) INPROCESS_COMPARE(true, a_, !=, b_, __VA_ARGS__)
#define cr_assert_lt(a_, b_, ...) INPROCESS_COMPARE(true, a_, <, b_, __VA_ARGS__)
#define cr_assert_leq(a_, b_, ...) INPROCESS_COMPARE(true, a_, <=, b_, __VA_ARGS__)
#define cr_assert_gt(a_, b_, ...) INPROCESS_COMPARE(true, a_, >, b_, __VA_ARGS__)
#define cr_assert_geq(a_, b_, ...) INPROCESS_COMPARE(true, a_, >=, b_, __VA_ARGS__)
#define cr_assert_null(a_, ...) INPROCESS_CHECK(true, (a_) == NULL, #a_ " is NULL", __VA_ARGS__)
#define cr_assert_not_null(a_, ...) INPROCESS_CHECK(true, (a_) != NULL, #a_ " is not NULL", __VA_ARGS__)
#define cr_assert_str_eq(a_, b_, ...) INPROCESS_TEXT(true, a_, true, b_, __VA_ARGS__)
#define cr_assert_str_neq(a_, b_, ...) INPROCESS_TEXT(true, a_, false, b_, __VA_ARGS__)
#define cr_assert_str_empty(a_, ...) INPROCESS_CHECK(true, (a_)[0] == '\0', #a_ " is empty", __VA_ARGS__)
#define cr_assert_str_not_empty(a_, ...) INPROCESS_CHECK(true, (a_)[0] != '\0', #a_ " is not empty", __VA_ARGS__)
#define cr_assert_arr_eq(a_, b_, size_, ...) INPROCESS_BYTES(true, a_, true, b_, size_, __VA_ARGS__)
#define cr_assert_arr_neq(a_, b_, size_, ...) INPROCESS_BYTES(true, a_, false, b_, size_, __VA_ARGS__)
#define cr_assert_float_eq(a_, b_, within_, ...)                                                                                 \
	INPROCESS_CHECK(true, fabs((a_) - (b_)) <= (within_), #a_ " near " #b_, __VA_ARGS__)

#define cr_expect(condition_, ...) INPROCESS_CHECK(false, condition_, #condition_, __VA_ARGS__)
#define cr_expect_not(condition_, ...) INPROCESS_CHECK(false, !(condition_), "not " #condition_, __VA_ARGS__)
#define cr_expect_fail(...) INPROCESS_CHECK(false, false, "fail", __VA_ARGS__)
#define cr_expect_eq(a_, b_, ...) INPROCESS_COMPARE(false, a_, ==, b_, __VA_ARGS__)
#define cr_expect_neq(a_, b_, ...) INPROCESS_COMPARE(false, a_, !=, b_, __VA_ARGS__)
#define cr_expect_lt(a_, b_, ...) INPROCESS_COMPARE(false, a_, <, b_, __VA_ARGS__)
#define cr_expect_leq(a_, b_, ...) INPROCESS_COMPARE(false, a_, <=, b_, __VA_ARGS__)
#define cr_expect_gt(a_, b_, ...) INPROCESS_COMPARE(false, a_, >, b_, __VA_ARGS__)
#define cr_expect_geq(a_, b_, ...) INPROCESS_COMPARE(false, a_, >=, b_, __VA_ARGS__)
#define cr_expect_null(a_, ...) INPROCESS_CHECK(false, (a_) == NULL, #a_ " is NULL", __VA_ARGS__)
#define cr_expect_not_null(a_, ...) INPROCESS_CHECK(false, (a_) != NULL, #a_ " is not NULL", __VA_ARGS__)
#define cr_expect_str_eq(a_, b_, ...) INPROCESS_TEXT(false, a_, true, b_, __VA_ARGS__)
#define cr_expect_str_neq(a_, b_, ...) INPROCESS_TEXT(false, a_, false, b_, __VA_ARGS__)
#define cr_expect_str_empty(a_, ...) INPROCESS_CHECK(false, (a_)[0] == '\0', #a_ " is empty", __VA_ARGS__)
#define cr_expect_str_not_empty(a_, ...) INPROCESS_CHECK(false, (a_)[0] != '\0', #a_ " is not empty", __VA_ARGS__)
#define cr_expect_arr_eq(a_, b_, size_, ...) INPROCESS_BYTES(false, a_, true, b_, size_, __VA_ARGS__)
#define cr_expect_arr_neq(a_, b_, size_, ...) INPROCESS_BYTES(false, a_, false, b_, size_, __VA_ARGS__)
#define cr_expect_float_eq(a_, b_, within_, ...)                                                                                 \
	INPROCESS_CHECK(false, fabs((a_) - (b_)) <= (within_), #a_ " near " #b_, __VA_ARGS__)

#define cr_skip(...) inprocess_skip(" " __VA_ARGS__)
#define cr_skip_test(...) inprocess_skip(" " __VA_ARGS__)
#define cr_log_info(...) ((void)0)

#endif
