/*
 * Rig: a plain Mosquitto on a port of its own, and a link whose handlers write down what they saw.
 */
#ifndef OTA_TESTS_LINK_RIG_H
#define OTA_TESTS_LINK_RIG_H

#include <criterion/criterion.h>
#include <poll.h>
#include <sys/types.h>

#include "common/time.h"
#include "link/link.h"
#include "tests/unit/support/scratch.h"

enum { DEADLINE_MS = 15000 };

extern struct link_rig {
	char directory[SCRATCH_SIZE], url[64];
	int port;
	pid_t broker;
} rig;

/* What the handlers saw. */
struct seen {
	struct ota_link *link;
	bool asks;
	int asked, ups, firsts, downs, messages, refused;
	int64_t acknowledged, last_retry_ms;
	char reason[256], topic[128], payload[128], refused_topic[128];
	const char *publish_on_up;
};

void rig_setup(void);
void rig_teardown(void);
void rig_start_broker(void);
void rig_end_broker(void);
void rig_configure(const char *more); /* of the next start */
struct ota_link_options rig_options(const char *const *subscriptions);
void rig_open_link(struct seen *seen, const struct ota_link_options *options, bool wants_refusals);

/* Dispatches until the condition holds. */
#define WAIT_FOR(seen, condition)                                                                         \
	do {                                                                                              \
		int64_t end_ms_ = ota_boot_ms() + DEADLINE_MS;                                            \
		while (!(condition)) {                                                                    \
			struct pollfd fd_ = {.fd = ota_link_fd((seen)->link), .events = POLLIN};          \
			cr_assert_lt(ota_boot_ms(), end_ms_, "waited for %s; %s", #condition, (seen)->reason); \
			if (poll(&fd_, 1, 100) > 0)                                                       \
				ota_link_dispatch((seen)->link);                                          \
		}                                                                                         \
	} while (0)

#endif
