/*
 * Login: how this device names and proves itself in its CONNECT, as an Alibaba Cloud device does (common/triple.h): so it is let
 * in by our plugin and by any compatible server.
 */
#ifndef OTA_AGENT_ADAPTERS_LOGIN_H
#define OTA_AGENT_ADAPTERS_LOGIN_H

#include "common/error.h"
#include "common/limits.h"
#include "common/topic.h"
#include "link/link.h"

struct agent_login_options {
	struct ota_identity identity;
	bool is_tls;
	const char *secret_file; /* the device secret, one line, of its owner alone; "" or NULL = the device does not sign */
};

void agent_login_client_id(const struct agent_login_options *options, char ret_client_id[OTA_CLIENT_ID_MAX + 1]);

/* Reads the secret file anew: who changes it need not restart the agent. Errors name the file; nothing of the secret is in
 * them. */
int agent_login_password(const struct agent_login_options *options, char ret_password[OTA_LINK_PASSWORD_SIZE],
			 struct ota_error *error);

#endif
