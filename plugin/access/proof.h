/*
 * Proof: does this login prove the identity that it claims? For whoever asks: two lookups in the store, one sealed secret opened,
 * and the signatures of triple.h. What an answer takes does not tell who is known (`make bench BENCH=login`).
 *
 * Thread rule: the keyring's.
 */
#ifndef OTA_PLUGIN_ACCESS_PROOF_H
#define OTA_PLUGIN_ACCESS_PROOF_H

#include "plugin/access/keyring.h"
#include "plugin/access/triple.h"

/* "" or a stable word for the log: those of ota_triple_verify(), or "secret_unreadable", with error filled, when it is the
 * server's fault. */
const char *ota_proof_check(struct ota_keyring *keyring, const struct ota_triple_login *login,
			    const struct ota_triple_policy *policy, int64_t boot_ms, struct ota_error *error);

#endif
