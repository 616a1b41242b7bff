/*
 * Topics: the grammar of every topic we speak, and the identity in it (aliyun-ota.md section 1; DESIGN.md section 7).
 */
#ifndef OTA_COMMON_TOPIC_H
#define OTA_COMMON_TOPIC_H

#include "common/bytes.h"
#include "common/limits.h"

struct ota_identity {
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	char device_name[OTA_DEVICE_NAME_MAX + 1];
};

enum ota_topic_kind {
	OTA_TOPIC_FOREIGN,             /* not ours */
	OTA_TOPIC_INFORM,              /* /ota/device/inform/PK/DN            device -> server */
	OTA_TOPIC_PROGRESS,            /* /ota/device/progress/PK/DN          device -> server */
	OTA_TOPIC_REQUEST,             /* /ota/device/request/PK/DN           both: answered on the same topic */
	OTA_TOPIC_UPGRADE,             /* /ota/device/upgrade/PK/DN           server -> device */
	OTA_TOPIC_CANCEL,              /* /ota/device/cancel/PK/DN            server -> device, ours only */
	OTA_TOPIC_FIRMWARE_GET,        /* /sys/PK/DN/thing/ota/firmware/get        device -> server */
	OTA_TOPIC_FIRMWARE_GET_REPLY,  /* /sys/PK/DN/thing/ota/firmware/get_reply  server -> device */
	OTA_TOPIC_FILE_DOWNLOAD,       /* /sys/PK/DN/thing/file/download           device -> server */
	OTA_TOPIC_FILE_DOWNLOAD_REPLY, /* /sys/PK/DN/thing/file/download_reply     server -> device */
	OTA_TOPIC_BROKEN,              /* begins like one of ours, but names no valid identity or no known verb */
	OTA_TOPIC_KINDS,
};

enum { OTA_TOPIC_SIZE = 192 }; /* the longest topic with its NUL fits */

/* Classifies a topic (or a subscription filter: '+' and '#' make it BROKEN). The identity is written for every kind but FOREIGN
 * and BROKEN. "/ota/device/..." and "/sys/PK/DN/thing/(ota|file)/..." are ours, every other topic is FOREIGN. A filter that
 * begins with our first word and could cover one of ours ("/ota/#", "/sys/PK/DN/thing/#") is BROKEN too; "#" and "+/..." are
 * FOREIGN: those are judged at delivery. */
enum ota_topic_kind ota_topic_parse(struct ota_span topic, struct ota_identity *ret_identity);

/* Writes the topic of a kind; target[OTA_TOPIC_SIZE]. */
void ota_topic_print(char *target, enum ota_topic_kind kind, const struct ota_identity *identity);

/* Who may send on a topic of this kind: true for what devices publish. */
bool ota_topic_is_from_device(enum ota_topic_kind kind);
bool ota_topic_is_to_device(enum ota_topic_kind kind);

/* "dn&pk" <-> identity (DESIGN.md section 2). parse: false unless both parts are valid names. print:
 * target[OTA_USERNAME_SIZE]. */
enum { OTA_USERNAME_SIZE = OTA_PRODUCT_KEY_MAX + OTA_DEVICE_NAME_MAX + 2 };
bool ota_identity_parse(struct ota_span username, struct ota_identity *ret_identity);
void ota_identity_print(char *target, const struct ota_identity *identity);
bool ota_identity_make(struct ota_span product_key, struct ota_span device_name, struct ota_identity *ret_identity);
bool ota_identity_equals(const struct ota_identity *a, const struct ota_identity *b);
/* A stable 64-bit hash of the identity (the first bytes of SHA-256 of "pk/dn"): buckets of percentages come from it, so it
 * never changes. */
uint64_t ota_identity_hash(const struct ota_identity *identity);

#define OTA_MODULE_DEFAULT "default"

#endif
