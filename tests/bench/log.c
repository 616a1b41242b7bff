/*
 * How long the worker waits for its own log. The same load twice in turn: the worker copies the write-ahead log itself, then the
 * keeper does. Prints "<who> <times copied> <longest wait> <longest commit> <seconds>" (milliseconds) for run.py.
 *
 *     bench-log DIRECTORY ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/text.h"
#include "plugin/store/keeper.h"

/* About a page of its own and a page of an index for each row, as reports of a large fleet touch them: some 10000 pages a second
 * of log, the busiest that a worker was seen. */
enum { ROWS_A_COMMIT = 64, ROW_BYTES = 3000, LOGS = 2, TURN_US = 10000 };

struct figures {
	int copies;
	double wait_ms, commit_ms, seconds;
};

struct load {
	struct ota_store *store;
	struct ota_keeper *keeper;
	uint64_t random, log_bytes;
	char row[ROW_BYTES + 1];
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void must(int status, const struct ota_error *error)
{
	if (status == 0)
		return;
	fprintf(stderr, "bench-log: %s\n", error->text);
	exit(1);
}

static void rows_write(struct load *load)
{
	struct ota_error error = {0};
	char key[32];

	must(ota_store_begin(load->store, &error), &error);
	for (int i = 0; i < ROWS_A_COMMIT; i++) {
		load->random = load->random * 6364136223846793005u + 1442695040888963407u;
		snprintf(key, sizeof(key), "%016llx", (unsigned long long)load->random);
		must(ota_store_insert_answer(load->store, key, load->row, 1, &error), &error);
	}
	must(ota_store_commit(load->store, &error), &error);
}

static void longest(double *most, double begun_ms)
{
	double took = now_ms() - begun_ms;

	if (took > *most)
		*most = took;
}

/* One turn of a worker that never rests. */
static void turn(struct load *load, struct figures *figures)
{
	struct ota_error error = {0};
	double begun = now_ms();

	rows_write(load);
	longest(&figures->commit_ms, begun);
	figures->copies += ota_store_log_bytes(load->store) < load->log_bytes;
	load->log_bytes = ota_store_log_bytes(load->store);
	begun = now_ms();
	must(ota_keeper_tend(load->keeper, load->store, false, &error), &error);
	longest(&figures->wait_ms, begun);
	usleep(TURN_US);
}

static void measure(const char *who, const char *directory, bool with_keeper, uint64_t seed)
{
	struct ota_error error = {0};
	struct figures figures = {0};
	struct load load = {.random = seed};
	double begun = 0;

	memset(load.row, 'x', ROW_BYTES);
	must(ota_store_open(directory, &load.store, &error), &error);
	if (with_keeper)
		must(ota_keeper_start(&(struct ota_keeper_options){.store_dir = directory}, &load.keeper, &error), &error);
	begun = now_ms();
	while (figures.copies < LOGS)
		turn(&load, &figures);
	figures.seconds = (now_ms() - begun) / 1e3;
	ota_keeper_stop(load.keeper);
	ota_store_free(load.store);
	printf("%s %d %.2f %.2f %.3f\n", who, figures.copies, figures.wait_ms, figures.commit_ms, figures.seconds);
}

int main(int argc, char **argv)
{
	int64_t rounds = 0;

	if (argc != 3 || !ota_text_parse_i64(ota_span_from_text(argv[2]), &rounds)) {
		fprintf(stderr, "usage: bench-log DIRECTORY ROUNDS\n");
		return 2;
	}
	for (int64_t i = 0; i < rounds; i++) {
		measure("worker", argv[1], false, (uint64_t)i * 2 + 1);
		measure("keeper", argv[1], true, (uint64_t)i * 2 + 2);
	}
	return 0;
}
