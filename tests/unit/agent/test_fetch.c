/* The download against a server that misbehaves (fault_server.py). */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/adapters/fetch_curl.h"
#include "agent/adapters/part.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/text.h"
#include "common/time.h"
#include "tests/unit/support/scratch.h"

enum { IMAGE_SIZE = 300000 };

static char directory[SCRATCH_SIZE], image_path[SCRATCH_SIZE], log_path[SCRATCH_SIZE];
static pid_t server;
static int port;
static struct ota_digest_result digest;
static struct agent_curl_options options;
static struct agent_curl *curl;
static struct agent_fetch fetch;
static struct agent_fetch_order order;
static struct agent_fetch_result result;
static uint64_t most_received;

static void note_received(void *context, uint64_t bytes)
{
	(void)context;
	if (bytes > most_received)
		most_received = bytes;
}

static struct agent_watch watch = {.stop_fd = -1, .received = note_received};

static void make_image(void)
{
	OTA_AUTO_BYTES struct ota_bytes image = {0};
	uint32_t random = 1;

	for (int i = 0; i < IMAGE_SIZE; i++) {
		random = random * 1664525 + 1013904223;
		ota_bytes_u8(&image, (uint8_t)(random >> 24));
	}
	scratch_path(image_path, directory, "image");
	cr_assert_eq(ota_file_replace(image_path, (struct ota_span){image.data, image.size}, 0600, NULL), 0);
	cr_assert_eq(ota_digest_of_file(image_path, &digest, NULL), 0);
}

static void start_server(void)
{
	char script[PATH_MAX], line[16] = "";
	int output[2];
	FILE *stream;

	snprintf(script, sizeof(script), "%s/tests/unit/agent/fault_server.py", getenv("OTA_SOURCE_ROOT"));
	scratch_path(log_path, directory, "requests");
	cr_assert_eq(pipe(output), 0);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(output[1], STDOUT_FILENO);
		execl("/usr/bin/python3", "python3", script, image_path, log_path, (char *)NULL);
		_exit(127);
	}
	close(output[1]);
	stream = fdopen(output[0], "r");
	cr_assert_not_null(fgets(line, sizeof(line), stream), "the server did not start");
	fclose(stream);
	port = (int)strtol(line, NULL, 10);
}

static void setup(void)
{
	scratch_make(directory);
	make_image();
	start_server();
	options = (struct agent_curl_options){
		.state_dir = directory,
		.url_schemes = "http https",
		.url_hosts = "",
		.ca_file = "",
		.cert_file = "",
		.key_file = "",
		.pinned_key = "",
		.proxy = "",
		.no_proxy = "",
		.connect_timeout_ms = 5000,
		.min_speed = 1,
		.min_speed_time_ms = 30000,
	};
	curl = agent_curl_new(&options, NULL);
	cr_assert_not_null(curl);
	fetch = agent_curl_port(curl);
	most_received = 0;
}

static void teardown(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	agent_curl_free(curl);
	scratch_remove(directory);
}

TestSuite(fetch, .init = setup, .fini = teardown, .timeout = 60);

static enum agent_fetch_outcome get_url(const char *url)
{
	order = (struct agent_fetch_order){
		.offer = {.size = IMAGE_SIZE, .version = "2.0.0", .module = "default", .sign_method = OTA_SIGN_SHA256},
		.deadline_ms = 20000};
	ota_text_cut(order.offer.url, sizeof(order.offer.url), url);
	ota_text_cut(order.offer.sha256, sizeof(order.offer.sha256), digest.sha256);
	ota_text_cut(order.offer.md5, sizeof(order.offer.md5), digest.md5);
	fetch.run(fetch.context, &order, &watch, &result);
	return result.outcome;
}

static enum agent_fetch_outcome get(const char *path)
{
	char url[128];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/%s", port, path);
	return get_url(url);
}

static const char *requests(void)
{
	static struct ota_bytes text;

	ota_bytes_clear(&text);
	cr_assert_eq(ota_file_read(log_path, 65536, &text, NULL), 0);
	return text.data ? text.data : "";
}

static off_t part_size(void)
{
	char path[PATH_MAX];
	struct stat status;

	fetch.path(fetch.context, "default", path);
	return stat(path, &status) ? -1 : status.st_size;
}

static void expect_the_image(void)
{
	struct ota_digest_result got;
	char path[PATH_MAX];

	cr_assert_eq(result.outcome, AGENT_FETCH_DONE, "%s", result.text);
	fetch.path(fetch.context, "default", path);
	cr_assert_eq(ota_digest_of_file(path, &got, NULL), 0);
	cr_expect_str_eq(got.sha256, digest.sha256);
	cr_expect_str_eq(result.sha256, digest.sha256);
}

Test(fetch, brings_the_bytes_and_proves_them)
{
	get("good");
	expect_the_image();
	cr_expect_eq(most_received, IMAGE_SIZE);
	get("good");
	expect_the_image();
	cr_expect_str_eq(requests(), "/good - -\n", "what is there already is proven, not fetched again");
}

Test(fetch, a_cut_goes_on_where_it_ended)
{
	cr_assert_eq(get("cut-once"), AGENT_FETCH_TRANSIENT);
	cr_expect_not_null(strstr(result.text, "cut at 150000 of 300000 bytes"), "%s", result.text);
	get("cut-once");
	expect_the_image();
	cr_expect_str_eq(requests(), "/cut-once - -\n/cut-once bytes=150000- \"one\"\n");
}

Test(fetch, a_server_without_etag_is_resumed_and_the_digest_decides)
{
	cr_assert_eq(get("no-etag"), AGENT_FETCH_TRANSIENT);
	get("no-etag");
	expect_the_image();
	cr_expect_not_null(strstr(requests(), "/no-etag bytes=150000- -\n"));
}

Test(fetch, a_server_that_ignores_the_range_is_taken_from_the_start)
{
	cr_assert_eq(get("ignores-range"), AGENT_FETCH_TRANSIENT);
	get("ignores-range");
	expect_the_image();
}

Test(fetch, a_file_that_changed_meanwhile_is_taken_whole)
{
	cr_assert_eq(get("changed"), AGENT_FETCH_TRANSIENT);
	get("changed");
	expect_the_image();
	cr_expect_not_null(strstr(requests(), "/changed bytes=150000- \"old\"\n"));
}

Test(fetch, a_file_that_changed_unseen_is_thrown_away_and_taken_anew)
{
	cr_assert_eq(get("changed-silently"), AGENT_FETCH_TRANSIENT);
	cr_assert_eq(get("changed-silently"), AGENT_FETCH_STALE);
	cr_expect_eq(part_size(), -1);
	get("changed-silently");
	expect_the_image();
}

Test(fetch, a_range_that_was_not_asked_for_is_not_appended)
{
	cr_assert_eq(get("shifted"), AGENT_FETCH_TRANSIENT);
	cr_assert_eq(get("shifted"), AGENT_FETCH_STALE);
	get("shifted");
	expect_the_image();
}

Test(fetch, a_416_begins_anew)
{
	cr_assert_eq(get("416"), AGENT_FETCH_TRANSIENT);
	cr_assert_eq(get("416"), AGENT_FETCH_STALE);
	get("416");
	expect_the_image();
}

Test(fetch, another_length_is_refused_before_the_first_byte)
{
	cr_assert_eq(get("longer"), AGENT_FETCH_MISMATCH);
	cr_expect_str_eq(result.text, "the server has 300001 bytes, announced were 300000");
	cr_expect_eq(most_received, 0);
}

Test(fetch, an_endless_body_never_fills_the_disk)
{
	cr_assert_eq(get("endless"), AGENT_FETCH_MISMATCH);
	cr_expect_str_eq(result.text, "more than the announced 300000 bytes");
	cr_expect_leq(most_received, IMAGE_SIZE);
	cr_expect_eq(part_size(), -1);
}

Test(fetch, an_end_before_the_end_is_a_cut)
{
	cr_assert_eq(get("short"), AGENT_FETCH_TRANSIENT);
	cr_expect_eq(part_size(), IMAGE_SIZE / 2);
}

Test(fetch, wrong_bytes_are_a_mismatch_and_gone)
{
	cr_assert_eq(get("wrong-bytes"), AGENT_FETCH_MISMATCH);
	cr_expect_eq(strncmp(result.text, "SHA-256 is ", 11), 0, "%s", result.text);
	cr_expect_eq(part_size(), -1);
}

Test(fetch, md5_is_checked_when_that_is_what_was_announced)
{
	get("good");
	order.offer.sign_method = OTA_SIGN_MD5;
	order.offer.sha256[0] = '\0';
	fetch.run(fetch.context, &order, &watch, &result);
	expect_the_image();
	order.offer.md5[0] = order.offer.md5[0] == '0' ? '1' : '0';
	fetch.run(fetch.context, &order, &watch, &result);
	cr_expect_eq(result.outcome, AGENT_FETCH_MISMATCH);
	cr_expect_eq(strncmp(result.text, "MD5 is ", 7), 0);
}

Test(fetch, statuses_are_told_by_number)
{
	cr_expect_eq(get("gone"), AGENT_FETCH_PERMANENT);
	cr_expect_str_eq(result.text, "server answered 404");
	cr_expect_eq(get("busy"), AGENT_FETCH_TRANSIENT);
	cr_expect_str_eq(result.text, "server answered 503");
	cr_expect_eq(result.retry_after_ms, 7000);
}

Test(fetch, retry_after_is_seconds_or_a_date_and_absurd_ones_are_capped)
{
	static const struct {
		const char *path;
		int64_t low_ms, high_ms;
	} cases[] = {
		{"busy", 7000, 7000},
		{"busy-until", 50000, 61000},
		{"busy-yesterday", 0, 0},
		{"busy-for-years", 600000, 600000},
		{"busy-for-ever", 600000, 600000},
		{"busy-beyond-numbers", 0, 0},
		{"busy-negative", 0, 0},
		{"busy-soon", 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(get(cases[i].path), AGENT_FETCH_TRANSIENT);
		cr_expect(result.retry_after_ms >= cases[i].low_ms && result.retry_after_ms <= cases[i].high_ms, "%s: %lld ms",
			  cases[i].path, (long long)result.retry_after_ms);
	}
}

Test(fetch, an_error_page_never_lands_in_the_part)
{
	cr_assert_eq(get("cut-once"), AGENT_FETCH_TRANSIENT);
	cr_expect_eq(get("gone"), AGENT_FETCH_PERMANENT);
	cr_expect_eq(part_size(), IMAGE_SIZE / 2);
	get("cut-once");
	expect_the_image();
}

Test(fetch, nobody_there_is_for_now)
{
	cr_expect_eq(get("nothing"), AGENT_FETCH_TRANSIENT);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	cr_expect_eq(get("good"), AGENT_FETCH_TRANSIENT);
	cr_expect_neq(result.text[0], '\0');
}

Test(fetch, a_stalled_connection_is_cut)
{
	int64_t began = ota_boot_ms();

	options.min_speed_time_ms = 2000;
	cr_expect_eq(get("stalls"), AGENT_FETCH_TRANSIENT);
	cr_expect_lt(ota_boot_ms() - began, 10000);
	cr_expect_eq(part_size(), IMAGE_SIZE / 2, "what came is kept");
}

static void *stop_when_half_is_there(void *stop_fd)
{
	const uint64_t one = 1;

	while (part_size() < IMAGE_SIZE / 2)
		;
	cr_assert_eq(write(*(int *)stop_fd, &one, sizeof(one)), sizeof(one));
	return NULL;
}

Test(fetch, stops_at_once_when_asked_and_keeps_what_came)
{
	int stop_fd = eventfd(0, 0);
	int64_t began = ota_boot_ms();
	pthread_t thread;

	watch.stop_fd = stop_fd;
	cr_assert_eq(pthread_create(&thread, NULL, stop_when_half_is_there, &stop_fd), 0);
	cr_expect_eq(get("stalls"), AGENT_FETCH_STOPPED);
	pthread_join(thread, NULL);
	cr_expect_lt(ota_boot_ms() - began, 3000);
	watch.stop_fd = -1;
	close(stop_fd);
	get("good");
	expect_the_image();
	cr_expect_not_null(strstr(requests(), "/good bytes=150000- \"one\"\n"));
}

Test(fetch, only_allowed_schemes_and_hosts_are_fetched)
{
	options.url_schemes = "https";
	cr_expect_eq(get("good"), AGENT_FETCH_PERMANENT);
	cr_expect_str_eq(result.text, "url scheme http is not allowed by url_schemes (https)");
	cr_expect_eq(get_url("file:///etc/passwd"), AGENT_FETCH_PERMANENT);
	options.url_schemes = "http https";
	options.url_hosts = "ota.example.net example.org";
	cr_expect_eq(get("good"), AGENT_FETCH_PERMANENT);
	cr_expect_str_eq(result.text, "url host 127.0.0.1 is not allowed by url_hosts");
	cr_expect_eq(get_url("http://ota.example.net@127.0.0.1/good"), AGENT_FETCH_PERMANENT, "the host is behind the @");
	cr_expect_str_eq(requests(), "");
	options.url_hosts = "127.0.0.1";
	get("good");
	expect_the_image();
	cr_expect_eq(get_url("no url"), AGENT_FETCH_PERMANENT);
}

Test(fetch, redirects_stay_within_the_rules)
{
	get("redirect");
	expect_the_image();
	fetch.discard(fetch.context, "default");
	cr_expect_eq(get("redirect-file"), AGENT_FETCH_PERMANENT);
	cr_expect_eq(get("redirect-loop"), AGENT_FETCH_PERMANENT);
	options.url_hosts = "127.0.0.1";
	cr_expect_eq(get("redirect"), AGENT_FETCH_PERMANENT);
	cr_expect_str_eq(result.text, "server answered 302");
}

Test(fetch, bytes_of_another_offer_are_not_continued)
{
	cr_assert_eq(get("cut-once"), AGENT_FETCH_TRANSIENT);
	order.offer.sha256[0] = order.offer.sha256[0] == '0' ? '1' : '0';
	fetch.run(fetch.context, &order, &watch, &result);
	cr_expect_not_null(strstr(requests(), "/cut-once - -\n/cut-once - -\n"), "%s", requests());
}

Test(fetch, bytes_that_were_damaged_on_disk_are_found_out)
{
	char path[PATH_MAX];
	int fd;

	cr_assert_eq(get("cut-once"), AGENT_FETCH_TRANSIENT);
	fetch.path(fetch.context, "default", path);
	fd = open(path, O_WRONLY);
	cr_assert_eq(pwrite(fd, "damage", 6, 1000), 6);
	close(fd);
	cr_expect_eq(get("cut-once"), AGENT_FETCH_STALE);
	get("good");
	expect_the_image();
}

Test(fetch, a_full_disk_is_told_before_the_download)
{
	order = (struct agent_fetch_order){
		.offer = {.size = (uint64_t)1 << 60, .module = "default", .sign_method = OTA_SIGN_SHA256}};
	snprintf(order.offer.url, sizeof(order.offer.url), "http://127.0.0.1:%d/good", port);
	fetch.run(fetch.context, &order, &watch, &result);
	cr_expect_eq(result.outcome, AGENT_FETCH_PERMANENT);
	cr_expect_not_null(strstr(result.text, "1152921504606912512 bytes are needed"));
	cr_expect_str_eq(requests(), "");
}
