/*
 * Triple: is this the password of that device? (common/triple.h has the scheme.) Pure: no clock, no I/O, any thread.
 *
 * Every login costs the same signatures, whatever is wrong with it: one, or two with a region. So the time of an answer does not
 * tell who is known.
 */
#ifndef OTA_PLUGIN_ACCESS_TRIPLE_H
#define OTA_PLUGIN_ACCESS_TRIPLE_H

#include "common/triple.h"

struct ota_triple_policy {
	bool md5; /* also accepts HMAC-MD5; SHA-256 and SHA-1 always (document 004's client and the Node SDK sign with SHA-1) */
	/* Also accepts content with "regionId<region>", which document 004's sample signs and never sends; "" = no. */
	const char *region;
};

struct ota_triple_login {
	const struct ota_identity *identity; /* from the username */
	const char *client_id;
	const char *password; /* NULL: none was sent */
};

/* "" if the client id is well-formed, else why not: "client_id_malformed", "sign_method_unknown". Unknown keys are ignored, white
 * space around items is; a key that counts may stand there once. Fills cid, timestamp and method, borrowed from client_id;
 * ret_content is untouched on failure. */
const char *ota_triple_parse(const char *client_id, struct ota_triple_content *ret_content);

/*
 * "" when the password proves the identity, else a stable word for the log: those of ota_triple_parse(), "sign_method_refused",
 * "password_missing", "password_wrong", "device_unknown" (the client is told nothing of the difference).
 * secret NULL: no such device, or it has no secret.
 */
const char *ota_triple_verify(const struct ota_triple_login *login, const char *secret, const struct ota_triple_policy *policy);

#endif
