/* The link against a real, plain Mosquitto. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/link/rig.h"

TestSuite(link, .init = rig_setup, .fini = rig_teardown, .timeout = 60);

Test(link, comes_up_subscribes_and_carries_both_ways)
{
	static const char *const topics[] = {"to/me", "also/to/me", NULL};
	struct ota_link_options options = rig_options(topics);
	struct seen seen = {0};
	int64_t token = 0;

	rig_open_link(&seen, &options, false);
	WAIT_FOR(&seen, seen.ups == 1);
	cr_expect_eq(seen.firsts, 1);
	cr_expect(ota_link_is_up(seen.link));
	cr_assert_eq(ota_link_publish(seen.link, "also/to/me", ota_span_from_text("hello"), 1, &token, NULL), 0);
	WAIT_FOR(&seen, seen.messages == 1 && seen.acknowledged);
	cr_expect_str_eq(seen.topic, "also/to/me");
	cr_expect_str_eq(seen.payload, "hello");
	cr_expect_eq(seen.acknowledged, token);
	cr_expect_null(ota_link_free(seen.link, 1000));
}

Test(link, handlers_may_publish)
{
	static const char *const topics[] = {"to/me", NULL};
	struct ota_link_options options = rig_options(topics);
	struct seen seen = {.publish_on_up = "to/me"};

	rig_open_link(&seen, &options, false);
	WAIT_FOR(&seen, seen.messages == 1);
	cr_expect_str_eq(seen.payload, "from up");
	ota_link_free(seen.link, 0);
}

Test(link, comes_back_after_the_broker_was_killed_and_subscribes_again)
{
	static const char *const topics[] = {"to/me", NULL};
	struct ota_link_options options = rig_options(topics);
	struct seen seen = {0};

	rig_open_link(&seen, &options, false);
	WAIT_FOR(&seen, seen.ups == 1);
	rig_end_broker();
	WAIT_FOR(&seen, seen.downs >= 1);
	cr_expect_not(ota_link_is_up(seen.link));
	cr_expect_str_not_empty(seen.reason);
	cr_expect(seen.last_retry_ms >= 0 && seen.last_retry_ms <= 200);
	cr_expect_eq(ota_link_publish(seen.link, "to/me", ota_span_from_text("lost"), 1, NULL, NULL), OTA_EUNAVAILABLE);
	WAIT_FOR(&seen, seen.downs >= 3);
	rig_start_broker();
	WAIT_FOR(&seen, seen.ups == 2);
	cr_expect_eq(seen.firsts, 1);
	cr_assert_eq(ota_link_publish(seen.link, "to/me", ota_span_from_text("again"), 1, NULL, NULL), 0);
	WAIT_FOR(&seen, seen.messages == 1);
	cr_expect_str_eq(seen.payload, "again");
	ota_link_free(seen.link, 0);
}

Test(link, what_was_not_acknowledged_is_not_sent_again_by_itself)
{
	static const char *const topics[] = {"to/me", NULL};
	struct ota_link_options options = rig_options(topics);
	struct seen seen = {0};

	rig_open_link(&seen, &options, false);
	WAIT_FOR(&seen, seen.ups == 1);
	kill(rig.broker, SIGSTOP);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(ota_link_publish(seen.link, "to/me", ota_span_from_text("stale"), 1, NULL, NULL), 0);
	rig_end_broker();
	rig_start_broker();
	WAIT_FOR(&seen, seen.ups == 2);
	cr_assert_eq(ota_link_publish(seen.link, "to/me", ota_span_from_text("fresh"), 1, NULL, NULL), 0);
	WAIT_FOR(&seen, seen.messages == 1);
	cr_expect_str_eq(seen.payload, "fresh", "the caller decides anew at `up`");
	ota_link_free(seen.link, 0);
}

Test(link, a_refused_login_is_told_in_words_and_tried_again)
{
	struct ota_link_options options = rig_options(NULL);
	struct seen seen = {0};

	rig_end_broker();
	rig_configure("allow_anonymous false\nlog_dest none\n");
	rig_start_broker();
	options.username = "nobody";
	options.password = "nothing";
	rig_open_link(&seen, &options, false);
	WAIT_FOR(&seen, seen.downs == 3);
	cr_expect_not_null(strstr(seen.reason, "refused"), "%s", seen.reason);
	cr_expect_eq(seen.ups, 0);
	ota_link_free(seen.link, 0);
}

static void make_password_file(char path[SCRATCH_SIZE])
{
	char command[SCRATCH_SIZE + 64];

	scratch_path(path, rig.directory, "passwords");
	snprintf(command, sizeof(command), "allow_anonymous false\nlog_dest none\npassword_file %s\n", path);
	rig_configure(command);
	pid_t pid = fork();
	if (pid == 0) {
		execlp("mosquitto_passwd", "mosquitto_passwd", "-b", "-c", path, "device", "right", NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	chmod(path, 0644);
}

Test(link, a_password_is_asked_for_before_each_attempt)
{
	struct ota_link_options options = rig_options(NULL);
	struct seen seen = {.asks = true};
	char path[SCRATCH_SIZE];

	rig_end_broker();
	make_password_file(path);
	rig_start_broker();
	options.username = "device";
	rig_open_link(&seen, &options, false);
	WAIT_FOR(&seen, seen.downs == 1);
	cr_expect_str_eq(seen.reason, "the password is locked away");
	WAIT_FOR(&seen, seen.downs == 2);
	cr_expect_not_null(strstr(seen.reason, "refused"), "%s", seen.reason);
	WAIT_FOR(&seen, seen.ups == 1);
	cr_expect_eq(seen.asked, 3);
	ota_link_free(seen.link, 0);
}

/* Mosquitto's own access file never refuses a subscription, so this broker does: it accepts every connection and answers one
 * SUBSCRIBE with the given codes. */
struct refusing_broker {
	int listen_fd;
	bool hangs_up; /* right after CONNACK */
	bool is_5;
	struct ota_span farewell; /* said before it hangs up */
	const unsigned char *codes;
	unsigned char count;
};

/* One MQTT packet; the short ones this test exchanges have one length byte. */
static bool read_packet(int fd, unsigned char packet[256])
{
	if (recv(fd, packet, 2, MSG_WAITALL) != 2 || packet[1] >= 128)
		return false;
	return packet[1] == 0 || recv(fd, packet + 2, packet[1], MSG_WAITALL) == packet[1];
}

static void *refuse_subscriptions(void *context)
{
	enum { CONNECT = 0x10, SUBSCRIBE = 0x82 };
	static const unsigned char connack[] = {0x20, 2, 0, 0}, connack_5[] = {0x20, 3, 0, 0, 0};
	struct refusing_broker *refusing = context;
	unsigned char packet[256], suback[16];
	int fd;

	while ((fd = accept(refusing->listen_fd, NULL, NULL)) >= 0) {
		while (read_packet(fd, packet)) {
			if (packet[0] == CONNECT && refusing->is_5)
				send(fd, connack_5, sizeof(connack_5), MSG_NOSIGNAL);
			else if (packet[0] == CONNECT)
				send(fd, connack, sizeof(connack), MSG_NOSIGNAL);
			send(fd, refusing->farewell.data, refusing->farewell.size, MSG_NOSIGNAL);
			if (refusing->hangs_up)
				break;
			if (packet[0] != SUBSCRIBE)
				continue;
			suback[0] = 0x90;
			suback[1] = (unsigned char)(2 + refusing->count);
			memcpy(suback + 2, packet + 2, 2);
			memcpy(suback + 4, refusing->codes, refusing->count);
			send(fd, suback, 4U + refusing->count, MSG_NOSIGNAL);
		}
		close(fd);
	}
	return NULL;
}

/* Takes the place of the broker on its port. */
static pthread_t start_refusing(struct refusing_broker *refusing)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)rig.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int yes = 1;
	pthread_t thread;

	rig_end_broker();
	refusing->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(refusing->listen_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	cr_assert_eq(bind(refusing->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(refusing->listen_fd, 4), 0);
	cr_assert_eq(pthread_create(&thread, NULL, refuse_subscriptions, refusing), 0);
	return thread;
}

static void end_refusing(struct refusing_broker *refusing, pthread_t thread)
{
	shutdown(refusing->listen_fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(refusing->listen_fd);
}

Test(link, a_refused_subscription_is_told_to_whom_it_concerns)
{
	static const char *const topics[] = {"fine", "forbidden", NULL};
	static const unsigned char codes[] = {1, 0x80};
	struct refusing_broker refusing = {.codes = codes, .count = 2};
	struct ota_link_options options = rig_options(topics);
	struct seen seen = {0}, strict = {0};
	pthread_t thread = start_refusing(&refusing);

	rig_open_link(&seen, &options, true);
	WAIT_FOR(&seen, seen.ups == 1);
	cr_expect_eq(seen.refused, 1);
	cr_expect_str_eq(seen.refused_topic, "forbidden");
	ota_link_free(seen.link, 0);
	rig_open_link(&strict, &options, false);
	WAIT_FOR(&strict, strict.downs == 2);
	cr_expect_str_eq(strict.reason, "the broker refused a subscription");
	cr_expect_eq(strict.ups, 0);
	ota_link_free(strict.link, 0);
	end_refusing(&refusing, thread);
}

Test(link, a_single_refused_subscription_is_told_as_well)
{
	static const char *const topics[] = {"forbidden", NULL};
	static const unsigned char codes[] = {0x80};
	struct refusing_broker refusing = {.codes = codes, .count = 1};
	struct ota_link_options options = rig_options(topics);
	struct seen seen = {0};
	pthread_t thread = start_refusing(&refusing);

	rig_open_link(&seen, &options, true);
	WAIT_FOR(&seen, seen.ups == 1);
	cr_expect_eq(seen.refused, 1);
	ota_link_free(seen.link, 0);
	end_refusing(&refusing, thread);
}

Test(link, a_broker_that_accepts_and_hangs_up_is_not_hammered)
{
	struct refusing_broker refusing = {.hangs_up = true};
	struct ota_link_options options = rig_options(NULL);
	struct seen seen = {0};
	pthread_t thread = start_refusing(&refusing);
	int64_t longest_ms = 0;

	/* Each pause is random below a ceiling that must grow past the first one's 50 ms; twenty shorter ones in a row are a
	 * billion to one. */
	rig_open_link(&seen, &options, false);
	for (int i = 1; i <= 24 && longest_ms <= 50; i++) {
		WAIT_FOR(&seen, seen.downs == i);
		longest_ms = seen.last_retry_ms > longest_ms ? seen.last_retry_ms : longest_ms;
	}
	cr_expect_gt(longest_ms, 50);
	ota_link_free(seen.link, 0);
	end_refusing(&refusing, thread);
}

Test(link, mqtt_5_carries_both_ways)
{
	static const char *const topics[] = {"to/me", "also/to/me", NULL};
	struct ota_link_options options = rig_options(topics);
	struct seen seen = {0};
	int64_t token = 0;

	options.version = OTA_MQTT_5;
	rig_open_link(&seen, &options, false);
	WAIT_FOR(&seen, seen.ups == 1);
	cr_assert_eq(ota_link_publish(seen.link, "also/to/me", ota_span_from_text("hello"), 1, &token, NULL), 0);
	WAIT_FOR(&seen, seen.messages == 1 && seen.acknowledged);
	cr_expect_eq(seen.acknowledged, token);
	rig_end_broker();
	WAIT_FOR(&seen, seen.downs >= 1);
	rig_start_broker();
	WAIT_FOR(&seen, seen.ups == 2);
	cr_assert_eq(ota_link_publish(seen.link, "to/me", ota_span_from_text("again"), 1, NULL, NULL), 0);
	WAIT_FOR(&seen, seen.messages == 2);
	ota_link_free(seen.link, 1000);
}

Test(link, mqtt_5_a_farewell_is_told_in_the_brokers_words)
{
	static const char farewell[] = {(char)0xe0, 9, (char)0x8b, 7, 0x1f, 0, 4, 'l', 'a', 't', 'e'};
	struct refusing_broker refusing = {.is_5 = true, .farewell = {farewell, sizeof(farewell)}};
	struct ota_link_options options = rig_options(NULL);
	struct seen seen = {0};
	pthread_t thread = start_refusing(&refusing);

	options.version = OTA_MQTT_5;
	rig_open_link(&seen, &options, false);
	WAIT_FOR(&seen, seen.downs == 1);
	cr_expect_str_eq(seen.reason, "the broker hung up: Server shutting down (0x8b: late)");
	ota_link_free(seen.link, 0);
	end_refusing(&refusing, thread);
}

Test(link, mqtt_5_a_refused_subscription_is_told)
{
	static const char *const topics[] = {"fine", "forbidden", NULL}, *const one[] = {"forbidden", NULL};
	/* Behind the identifier the length of the properties, none. */
	static const unsigned char codes[] = {0, 1, 0x87}, code[] = {0, 0x87};
	struct refusing_broker refusing = {.is_5 = true, .codes = codes, .count = sizeof(codes)};
	struct ota_link_options options = rig_options(topics);
	struct seen seen = {0}, single = {0};
	pthread_t thread = start_refusing(&refusing);

	options.version = OTA_MQTT_5;
	rig_open_link(&seen, &options, true);
	WAIT_FOR(&seen, seen.ups == 1);
	cr_expect_eq(seen.refused, 1);
	cr_expect_str_eq(seen.refused_topic, "forbidden");
	ota_link_free(seen.link, 0);
	refusing.codes = code;
	refusing.count = sizeof(code);
	options.subscriptions = one;
	rig_open_link(&single, &options, true);
	WAIT_FOR(&single, single.ups == 1);
	cr_expect_eq(single.refused, 1);
	ota_link_free(single.link, 0);
	end_refusing(&refusing, thread);
}

Test(link, a_broker_that_never_answers_is_left)
{
	struct ota_link_options options = rig_options(NULL);
	struct seen seen = {0};

	kill(rig.broker, SIGSTOP);
	options.connect_timeout_ms = 1000;
	rig_open_link(&seen, &options, false);
	WAIT_FOR(&seen, seen.downs == 1);
	kill(rig.broker, SIGCONT);
	WAIT_FOR(&seen, seen.ups == 1);
	ota_link_free(seen.link, 0);
}

Test(link, an_end_in_any_state_is_clean)
{
	struct ota_link_options options = rig_options(NULL);

	for (int dispatches = 0; dispatches < 4; dispatches++) {
		struct seen seen = {0};

		rig_open_link(&seen, &options, false);
		for (int i = 0; i < dispatches; i++)
			ota_link_dispatch(seen.link);
		ota_link_free(seen.link, 0);
	}
	cr_expect_null(ota_link_free(NULL, 0));
}

Test(link, an_end_waits_for_what_is_unacknowledged)
{
	static const char *const topics[] = {"to/me", NULL};
	struct ota_link_options options = rig_options(topics);
	struct seen reader = {0}, writer = {0};

	rig_open_link(&reader, &options, false);
	WAIT_FOR(&reader, reader.ups == 1);
	options.client_id = "writer";
	options.subscriptions = NULL;
	rig_open_link(&writer, &options, false);
	WAIT_FOR(&writer, writer.ups == 1);
	for (int i = 0; i < 50; i++)
		cr_assert_eq(ota_link_publish(writer.link, "to/me", ota_span_from_text("last words"), 1, NULL, NULL), 0);
	ota_link_free(writer.link, 2000);
	WAIT_FOR(&reader, reader.messages == 50);
	ota_link_free(reader.link, 0);
}

Test(link, an_end_waits_no_longer_than_it_may)
{
	static const char *const topics[] = {"to/me", NULL};
	struct ota_link_options options = rig_options(topics);
	struct seen seen = {0};
	int64_t began;

	rig_open_link(&seen, &options, false);
	WAIT_FOR(&seen, seen.ups == 1);
	kill(rig.broker, SIGSTOP);
	cr_assert_eq(ota_link_publish(seen.link, "to/me", ota_span_from_text("unheard"), 1, NULL, NULL), 0);
	began = ota_boot_ms();
	ota_link_free(seen.link, 1500);
	cr_expect_geq(ota_boot_ms() - began, 1500, "it had a reason to wait");
	cr_expect_lt(ota_boot_ms() - began, 6000);
}

static void *publish_many(void *context)
{
	struct seen *seen = context;

	for (int i = 0; i < 500; i++)
		ota_link_publish(seen->link, "to/me", ota_span_from_text("x"), 1, NULL, NULL);
	return NULL;
}

Test(link, threads_may_publish)
{
	static const char *const topics[] = {"to/me", NULL};
	struct ota_link_options options = rig_options(topics);
	struct seen seen = {0};
	pthread_t threads[2];

	rig_open_link(&seen, &options, false);
	WAIT_FOR(&seen, seen.ups == 1);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, publish_many, &seen), 0);
	WAIT_FOR(&seen, seen.messages == 1000);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ota_link_free(seen.link, 0);
}

Test(link_open, wrong_options_are_refused_with_a_sentence)
{
	static const char *const urls[] = {"",
					   "localhost",
					   "tcp://localhost:1883",
					   "mqtt://",
					   "mqtt://:1883",
					   "mqtt://host:",
					   "mqtt://host/path",
					   "mqtt://user@host",
					   "http://host:80",
					   "mqtt://host:1234567"};
	const struct ota_link_handlers handlers = {0};
	struct ota_link_options options = {.client_id = "x"};
	struct ota_link *link = NULL;
	struct ota_error error;

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		options.url = urls[i];
		cr_expect_eq(ota_link_open(&options, &handlers, &link, &error), OTA_EINVALID, "%s", urls[i]);
		cr_expect_not_null(strstr(error.text, "mqtt://host:port"), "%s", urls[i]);
	}
	options.url = "mqtts://host:8883";
	options.ca_file = "/nowhere/ca.pem";
	cr_expect_eq(ota_link_open(&options, &handlers, &link, &error), OTA_EINVALID);
	cr_expect_str_eq(error.text, "CA file /nowhere/ca.pem cannot be read");
	cr_expect_null(link);
}
