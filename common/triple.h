/*
 * Triple: the signature by which a device built for Alibaba Cloud proves who it is (aliyun-ota.md section 3). The plugin checks
 * it, the agent makes it. Pure: no clock, no I/O, any thread.
 *
 * Username "DN&PK", client id "<cid>|k=v,k=v,...|", password HEX(HMAC(device secret, content)) with
 *
 *   content = clientId<cid>deviceName<DN>productKey<PK>[timestamp<ts>]
 *
 * the timestamp only if the client id carries one. It is not checked for freshness: both C SDKs send a constant. So the password
 * is as good as the secret itself on a line that others can read; TLS is what protects it.
 */
#ifndef OTA_COMMON_TRIPLE_H
#define OTA_COMMON_TRIPLE_H

#include <stdbool.h>

#include "common/topic.h"

enum {
	OTA_TRIPLE_CID_MAX = 64,       /* the manual's limit */
	OTA_TRIPLE_TIMESTAMP_MAX = 32, /* milliseconds as text; both C SDKs: 13 digits */
	OTA_TRIPLE_REGION_MAX = 32,    /* "cn-shanghai" */
	OTA_TRIPLE_MAC_MAX = 32,
};

enum ota_triple_method {
	OTA_TRIPLE_MD5, /* also when the client id names none */
	OTA_TRIPLE_SHA1,
	OTA_TRIPLE_SHA256,
	OTA_TRIPLE_METHODS,
};

/* What is signed besides the secret. Spans are borrowed. */
struct ota_triple_content {
	const struct ota_identity *identity;
	struct ota_span cid;
	struct ota_span timestamp; /* empty: none */
	struct ota_span region;    /* empty: none; document 004's sample signs one that it never sends */
	enum ota_triple_method method;
};

/* "hmacsha256" <-> method, as client ids spell it. */
const char *ota_triple_method_word(enum ota_triple_method method);
bool ota_triple_method_parse(struct ota_span word, enum ota_triple_method *ret_method);

/* Bytes of the MAC: 16, 20 or 32. */
size_t ota_triple_mac_size(enum ota_triple_method method);
/* The MAC under a secret of 1..OTA_SECRET_MAX bytes; the password is its hex. 0, OTA_ENOMEM or OTA_EIO. */
int ota_triple_sign(const struct ota_triple_content *content, const char *secret, unsigned char ret_mac[OTA_TRIPLE_MAC_MAX]);

#endif
