/* KEY=VALUE options, as tags of a package or a batch. */
#ifndef OTA_CTL_PAIRS_H
#define OTA_CTL_PAIRS_H

#include "ctl/verb.h"

/* Every value of `option` into an object that becomes `member` of the command; nothing when the option was not given. What a tag
 * may be is the command's own rule. */
int ota_pairs_add(const struct ota_invocation *invocation, const char *option, const char *member, cJSON *command,
		  struct ota_error *error);

#endif
