/*
 * Refusals: packages that were found bad, so that none is fetched or installed a second time for nothing.
 *
 * A package is its bytes: module and digest, whatever version, batch or URL they come with. Bounded: the oldest makes room. Kept
 * on disk, for what crashes a device must not be tried anew by the next start.
 */
#ifndef OTA_AGENT_CORE_REFUSAL_H
#define OTA_AGENT_CORE_REFUSAL_H

#include <stdbool.h>

#include "common/message.h"

enum { AGENT_REFUSALS_MAX = 8 };

struct agent_refusal {
	char module[OTA_MODULE_MAX + 1];
	char version[OTA_VERSION_MAX + 1]; /* it came with; for people */
	char digest[OTA_SHA256_HEX + 1];
	int64_t batch, attempt; /* that failed */
	int step;               /* -3, -4 */
	char desc[OTA_DESC_MAX + 1];
};

struct agent_refusals {
	size_t count;
	struct agent_refusal list[AGENT_REFUSALS_MAX]; /* oldest first */
};

/* In place of an earlier one of the same bytes. */
void agent_refusals_add(struct agent_refusals *refusals, const struct ota_offer *offer, int step, const char *desc);

/*
 * Why this package is not to be tried, NULL when it may be. A higher attempt of the batch that failed may: no server makes one
 * after such a failure unless its operator asked for it, so somebody knows and wants it.
 */
const struct agent_refusal *agent_refusals_find(const struct agent_refusals *refusals, const struct ota_offer *offer);

/* NULL = of every module. */
void agent_refusals_forget(struct agent_refusals *refusals, const char *module);

#endif
