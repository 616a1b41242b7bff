/*
 * Client: commands and uploads to the gateway, over libcurl. One connection, kept. Not shared between threads.
 */
#ifndef OTA_CTL_CLIENT_H
#define OTA_CTL_CLIENT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl/access.h"

struct ota_client;

int ota_client_open(const struct ota_access *access, struct ota_client **ret_client, struct ota_error *error);
struct ota_client *ota_client_free(struct ota_client *client); /* returns NULL */

/* POST of one command; `members` is an object with a `command` member. What the server refuses comes as its own code,
 * sentence and path; OTA_EUNAVAILABLE when there is no gateway to be reached. *ret_data is the caller's. */
int ota_client_call(struct ota_client *client, const cJSON *members, cJSON **ret_data, struct ota_error *error);

/* Whether a failure may be gone at the next try: nobody answered in time, a proxy answered for a gateway that restarts, the
 * server's disk refused. Who follows something tries again; a command that was typed once fails. */
bool ota_client_may_recover(int code);

struct ota_client_upload {
	const cJSON *members; /* of addPackage or addFile, with sha256, or of addToGroup; become path and query */
	int fd;               /* read from its start */
	uint64_t size;
	void (*progress)(void *context, uint64_t sent); /* NULL = nobody looks */
	void *context;
};
/* The file of authorities the gateway's certificate is checked against; "" = the system's. */
const char *ota_client_ca_file(const struct ota_client *client);
int ota_client_upload(struct ota_client *client, const struct ota_client_upload *upload, cJSON **ret_data,
		      struct ota_error *error);

#endif
