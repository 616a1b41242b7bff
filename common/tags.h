/*
 * Tags: the operator's key-value pairs of a package, which reach its devices as extData of a push.
 *
 * Refused where they are set and again where they are printed, by this one rule: Link SDKs scan a push as flat text, so a tag
 * may neither look like structure nor like a key they search for (aliyun-ota.md 0.5, security-reliability.md 0.4).
 */
#ifndef OTA_COMMON_TAGS_H
#define OTA_COMMON_TAGS_H

#include "common/error.h"
#include "common/json.h"

/* At most OTA_TAGS_MAX members of OTA_EXT_DATA_MAX bytes together. A key has 1..OTA_TAG_KEY_MAX letters, digits and _ . -, does
 * not begin with _ (those are ours, `_ota`) and is no protocol key; a value is text of at most OTA_TAG_VALUE_MAX bytes without
 * " \ { } [ ] and control characters, and no protocol key. 0, OTA_EINVALID or OTA_ELIMIT at `path`.
 *
 * The one key with an underscore: OTA_TAG_PACKAGE_INFO, a package's own information as the live platform sends it, a JSON object
 * in one text. Its quotes are the only escapes of a push; see there why they do no harm. */
#define OTA_TAG_PACKAGE_INFO "_package_udi"
int ota_tags_check(const cJSON *tags, const char *path, struct ota_error *error);

/* What a push carries: a package's tags and a batch's, each a JSON object as text ("" or NULL: none). A tag of `batch` stands in
 * place of the package's of that name. The result keeps the rule above; NULL when there is none. */
int ota_tags_merge(const char *package, const char *batch, const char *path, cJSON **ret_tags, struct ota_error *error);

#endif
