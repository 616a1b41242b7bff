/*
 * Quota: what each device may still send. Token buckets by identity, not by connection: who comes back finds them as he left
 * them. The limits and their reasons are in common/limits.h. Pure but for memory; belongs to the broker's thread.
 *
 * Only a device that proved who it is has a quota, and only what it did itself draws on it: whoever merely uses its name can
 * neither empty its buckets nor shut it out. A device that was quiet for OTA_DEVICE_FORGET_MS is forgotten, all its buckets are
 * full by then.
 */
#ifndef OTA_PLUGIN_BROKER_QUOTA_H
#define OTA_PLUGIN_BROKER_QUOTA_H

#include "common/pace.h"
#include "common/topic.h"
#include "plugin/broker/held.h"

enum ota_quota_kind {
	OTA_QUOTA_MESSAGE,  /* whatever it publishes on our topics */
	OTA_QUOTA_REPORT,   /* what goes into the journal, but for steps: one for each OTA_DEVICE_REPORT_BYTES of it */
	OTA_QUOTA_STEP,     /* progress at QoS 0; what is beyond waits for a newer one (held.h) */
	OTA_QUOTA_PULL,
	OTA_QUOTA_CONNECT,
	OTA_QUOTA_LINE,     /* lines in the log about what it was refused */
	OTA_QUOTA_PATIENCE, /* messages that were refused: whoever uses this up floods */
	OTA_QUOTAS,
};

/* Of one device. The fields are this module's, but for `held`, whose reports the caller puts and writes. */
struct ota_quota {
	struct ota_identity identity;
	struct ota_held held;
	struct ota_pace paces[OTA_QUOTAS];
	int64_t shut_until_ms; /* 0 = never was */
};

struct ota_quotas;

/* All times are boot_ms. */
struct ota_quotas *ota_quotas_new(void); /* NULL without memory */
struct ota_quotas *ota_quotas_free(struct ota_quotas *quotas); /* returns NULL */
size_t ota_quotas_count(const struct ota_quotas *quotas);

/* Of a device that proved who it is; made when it is new. NULL without memory. Valid until the next call of this. */
struct ota_quota *ota_quotas_find(struct ota_quotas *quotas, const struct ota_identity *identity, int64_t now_ms);
/* NULL when the device has none: nothing is made for who only says a name. */
struct ota_quota *ota_quotas_look(struct ota_quotas *quotas, const struct ota_identity *identity);

const struct ota_pace_rate *ota_quota_rate(enum ota_quota_kind kind);
bool ota_quota_take(struct ota_quota *quota, enum ota_quota_kind kind, int64_t now_ms);
bool ota_quota_take_report(struct ota_quota *quota, size_t size, int64_t now_ms);
/* Would it be granted now? Takes nothing. */
bool ota_quota_has(const struct ota_quota *quota, enum ota_quota_kind kind, int64_t now_ms);

/* A message was refused. True when that was one too many: the device is shut out from now on. */
bool ota_quota_strain(struct ota_quota *quota, int64_t now_ms);
/* It floods, and is to be let in again OTA_DEVICE_SHUT_MS after. */
bool ota_quota_is_shut(const struct ota_quota *quota, int64_t now_ms);

/* It holds something: it is due when its next step may be written. */
void ota_quotas_wait(struct ota_quotas *quotas, struct ota_quota *quota, int64_t now_ms);
/* The next one that is due, taken off the list; NULL when there is none. It may hold nothing by now. */
struct ota_quota *ota_quotas_next_due(struct ota_quotas *quotas, int64_t now_ms);

#endif
