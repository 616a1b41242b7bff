/*
 * Admission: who may connect under which client id. Pure.
 *
 * A device's client id contains '|', anybody else's never (aliyun-ota.md 3): so no operator can take over a device's session, and
 * no device an operator's. Mosquitto hands a session to whoever names its client id, whatever the username; so an id held by a
 * live connection of another device is refused.
 */
#ifndef OTA_PLUGIN_ACCESS_ADMISSION_H
#define OTA_PLUGIN_ACCESS_ADMISSION_H

#include <stdbool.h>

#include "common/topic.h"

/* What happens to users that are no devices (option ota_others). */
enum ota_others {
	OTA_OTHERS_DEFER, /* the broker's password_file, acl_file or another plugin decides */
	OTA_OTHERS_ALLOW, /* the broker was open and stays so */
};

struct ota_applicant {
	const char *username;               /* NULL: anonymous */
	const char *client_id;              /* NULL: none */
	const struct ota_identity *holder;  /* of a live connection with that client id, NULL = free */
	bool overloaded;                    /* the server cannot follow more devices now */
};

enum ota_admission {
	OTA_ADMISSION_DEVICE, /* let in; *ret_identity is who it is */
	OTA_ADMISSION_OTHER,  /* not a device: ota_others decides */
	OTA_ADMISSION_REFUSED,
};

/* ret_why: a stable word for the log when refused, else "". */
enum ota_admission ota_admission_decide(const struct ota_applicant *applicant, struct ota_identity *ret_identity,
					const char **ret_why);

#endif
