/*
 * Secrets: what the server tells once is kept at once. With --out each answer is in the file before the next command is asked, as
 * a CSV table that `device import` reads; without, they are gathered to be shown.
 */
#ifndef OTA_CTL_SECRETS_H
#define OTA_CTL_SECRETS_H

#include "ctl/verb.h"

struct ota_secrets {
	const char *path; /* NULL: to be shown */
	int fd;           /* -1 without a file */
	int64_t kept;     /* how many are in the file */
	cJSON *shown;     /* array of {deviceName, deviceSecret} */
};

/* Makes the file of --out, mode 0600, before anything is asked: OTA_ECONFLICT when it is there already. */
int ota_secrets_open(const struct ota_invocation *invocation, struct ota_secrets *ret_secrets, struct ota_error *error);
/* devices: array of {deviceName, deviceSecret}; NULL and empty are fine. What the file does not take is gathered to be shown, and
 * the failure returned: nobody can tell it again. */
int ota_secrets_add(struct ota_secrets *secrets, const char *product_key, const cJSON *devices, struct ota_error *error);
/* Where they are, as members of the answer: "file" and "devices". */
int ota_secrets_tell(struct ota_secrets *secrets, cJSON *answer, struct ota_error *error);
/* Wipes; a file without a secret goes away. */
void ota_secrets_close(struct ota_secrets *secrets);

#endif
