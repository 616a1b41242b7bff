/* The runner behind inprocess/criterion/criterion.h. A test program has exactly one, so its state may be the program's. */
#include <criterion/criterion.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum outcome { PASSED, FAILED, SKIPPED };

static struct inprocess_test *first_test, **last_test = &first_test;
static struct inprocess_suite *first_suite;
static jmp_buf test_end;
static enum outcome outcome;
static char skip_reason[256];

void inprocess_add_test(struct inprocess_test *test)
{
	*last_test = test;
	last_test = &test->next;
}

void inprocess_add_suite(struct inprocess_suite *suite)
{
	suite->next = first_suite;
	first_suite = suite;
}

bool inprocess_texts_equal(const char *actual, const char *expected)
{
	return actual && expected ? strcmp(actual, expected) == 0 : actual == expected;
}

const char *inprocess_texts(const char *actual, const char *expected)
{
	static char text[4096];
	snprintf(text, sizeof(text), "\"%s\" compared with \"%s\"", actual ? actual : "(null)", expected ? expected : "(null)");
	return text;
}

void inprocess_failed(const struct inprocess_place *place, const char *what, const char *format, ...)
{
	va_list arguments;
	printf("# %s:%d: %s:", place->file, place->line, what);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	outcome = FAILED;
	if (place->fatal)
		longjmp(test_end, 1);
}

void inprocess_skip(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(skip_reason, sizeof(skip_reason), format, arguments);
	va_end(arguments);
	outcome = SKIPPED;
	longjmp(test_end, 1);
}

static const struct inprocess_hooks *suite_hooks(const char *name)
{
	static const struct inprocess_hooks none;
	for (const struct inprocess_suite *suite = first_suite; suite; suite = suite->next)
		if (strcmp(suite->name, name) == 0)
			return &suite->hooks;
	return &none;
}

/* Kept a function of its own: nothing of its caller's can then be lost by the jump back. */
__attribute__((noinline)) static void run_to_its_end(void (*function)(void))
{
	if (function && setjmp(test_end) == 0)
		function();
}

static void test_run(const struct inprocess_test *test)
{
	const struct inprocess_hooks *suite = suite_hooks(test->suite);
	outcome = PASSED;
	if (test->hooks.disabled || suite->disabled) {
		snprintf(skip_reason, sizeof(skip_reason), " disabled");
		outcome = SKIPPED;
		return;
	}
	/* A test's own hook replaces its suite's, as in Criterion. */
	run_to_its_end(test->hooks.init ? test->hooks.init : suite->init);
	if (outcome == PASSED)
		run_to_its_end(test->run);
	run_to_its_end(test->hooks.fini ? test->hooks.fini : suite->fini);
}

int main(void)
{
	unsigned total = 0, number = 0, failed = 0;
	for (const struct inprocess_test *test = first_test; test; test = test->next)
		total++;
	setvbuf(stdout, NULL, _IOLBF, 0); /* what was told before a crash is kept */
	printf("TAP version 13\n1..%u\n", total);
	for (const struct inprocess_test *test = first_test; test; test = test->next) {
		test_run(test);
		failed += outcome == FAILED;
		printf("%sok %u - %s::%s%s%s\n", outcome == FAILED ? "not " : "", ++number, test->suite, test->name,
		       outcome == SKIPPED ? " # SKIP" : "", outcome == SKIPPED ? skip_reason : "");
	}
	return failed > 0;
}
