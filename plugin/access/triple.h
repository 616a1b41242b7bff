/*
 * Triple: how a device built for Alibaba Cloud proves who it is (aliyun-ota.md section 3). Pure: no clock, no I/O, any thread.
 *
 * Username "DN&PK", client id "<cid>|k=v,k=v,...|", password HEX(HMAC(device secret, content)) with
 *
 *   content = clientId<cid>deviceName<DN>productKey<PK>[timestamp<ts>]
 *
 * the timestamp only if the client id carries one. It is not checked for freshness: both C SDKs send a constant. So the password
 * is as good as the secret itself on a line that others can read; TLS is what protects it.
 *
 * The comparison takes the same time for every password, and an unknown device costs what a known one does.
 */
#ifndef OTA_PLUGIN_ACCESS_TRIPLE_H
#define OTA_PLUGIN_ACCESS_TRIPLE_H

#include <stdbool.h>

#include "common/topic.h"

enum {
	OTA_TRIPLE_CID_MAX = 64,       /* the manual's limit */
	OTA_TRIPLE_TIMESTAMP_MAX = 32, /* milliseconds as text; both C SDKs: 13 digits */
	OTA_TRIPLE_REGION_MAX = 32,    /* "cn-shanghai" */
	OTA_TRIPLE_SECRET_MAX = 64,    /* the platform's have 32 characters */
};

enum ota_triple_method {
	OTA_TRIPLE_MD5, /* also when the client id names none */
	OTA_TRIPLE_SHA1,
	OTA_TRIPLE_SHA256,
	OTA_TRIPLE_METHODS,
};

struct ota_triple_policy {
	bool md5; /* also accepts HMAC-MD5; SHA-256 and SHA-1 always (document 004's client and the Node SDK sign with SHA-1) */
	/* Also accepts content with "regionId<region>" before the timestamp, which document 004's sample signs and never
	 * sends; "" = no. */
	const char *region;
};

struct ota_triple_login {
	const struct ota_identity *identity; /* from the username */
	const char *client_id;
	const char *password; /* NULL: none was sent */
};

/* The parts of a client id that count. Spans borrow it. */
struct ota_triple_parameters {
	struct ota_span cid;
	struct ota_span timestamp; /* empty: none */
	enum ota_triple_method method;
};

/* "" if the client id is well-formed, else why not: "client_id_malformed", "sign_method_unknown". Unknown keys are ignored, white
 * space around items is; a key that counts may stand there once. ret_parameters is untouched on failure. */
const char *ota_triple_parse(const char *client_id, struct ota_triple_parameters *ret_parameters);

/*
 * "" when the password proves the identity, else a stable word for the log: those of ota_triple_parse(), "sign_method_refused",
 * "password_missing", "password_wrong", "device_unknown" (the client is told nothing of the difference).
 * secret NULL: no such device, or it has no secret.
 */
const char *ota_triple_verify(const struct ota_triple_login *login, const char *secret, const struct ota_triple_policy *policy);

#endif
