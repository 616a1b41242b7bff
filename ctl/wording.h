/*
 * Wording: the server tells of parameters, "onConflict skip leaves them out"; who sits at otactl typed options and arguments. Its
 * table says which are which, so sentences are put into its words: "--on-conflict skip leaves them out".
 */
#ifndef OTA_CTL_WORDING_H
#define OTA_CTL_WORDING_H

#include "ctl/verb.h"

/*
 * Names of parameters in the sentence become "--option" or "ARGUMENT" of the verb, whichever was given where it has both. A name
 * that is also a plain word (package, force) is one only where nothing else can be meant: at the sentence's beginning before is,
 * must or has, before "true", before one of its own choices, or behind another name and "and". What stands in quotes stays.
 */
void ota_wording_translate(const struct ota_invocation *invocation, struct ota_error *error);

#endif
