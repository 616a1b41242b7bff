/*
 * What the rows of common/command.c cannot say alone: alphabets of one command, and rules over several members.
 * Only the command table and its checker include this.
 */
#ifndef OTA_COMMON_COMMAND_RULES_H
#define OTA_COMMON_COMMAND_RULES_H

#include "common/bytes.h"
#include "common/error.h"
#include "common/json.h"

/* "<prefix>.<key>", or the key alone where there is no prefix. */
void ota_command_path(char target[OTA_ERROR_PATH_MAX], struct ota_json_place at, const char *key);

bool ota_command_is_sha256(struct ota_span text);
bool ota_command_is_md5(struct ota_span text);
bool ota_command_is_backup_name(struct ota_span text);
/* Free text of several lines: UTF-8, no control characters but line ends and tabs. */
bool ota_command_is_notes(struct ota_span text);
/* Where a package hosted elsewhere lies: http(s)://HOST/..., flat as a push must be (aliyun-ota.md 0.4), without a user, a
 * password or a fragment. */
bool ota_command_is_package_url(struct ota_span text);
bool ota_command_is_token_name(struct ota_span text);
bool ota_command_is_cause(struct ota_span text); /* shaped like one; the strategy knows which there are */

/* extData: at most OTA_TAGS_MAX strings that can stand in a push (aliyun-ota.md 0.4, 0.5), together OTA_EXT_DATA_MAX bytes. */
int ota_rule_ext_data(struct ota_json_place ext_data, struct ota_error *error);
/* tags of a device: at most OTA_DEVICE_TAGS_MAX texts of OTA_DEVICE_TAG_VALUE_MAX bytes. */
int ota_rule_device_tags(struct ota_json_place tags, struct ota_error *error);
bool ota_command_is_tag_key(struct ota_span text);
bool ota_command_is_tag_pair(struct ota_span text); /* "key=value", the filter of listDevices */
/* No more names than secrets fit the answer that shows them. */
int ota_rule_register(struct ota_json_place command, struct ota_error *error);
/* No device stands twice in an import. */
int ota_rule_import(struct ota_json_place command, struct ota_error *error);
/* A tag of a device that the server itself goes by: "http" or "mqtt", how the device gets its bytes whatever it announced and its
 * product says. */
#define OTA_DEVICE_TAG_DELIVERY "delivery"
/* Something changes. */
int ota_rule_update_product(struct ota_json_place command, struct ota_error *error);
/* Something is set or unset, and no tag both. */
int ota_rule_tag_devices(struct ota_json_place command, struct ota_error *error);
/* targets: either {"all":true} or {"names":[...]}. */
int ota_rule_targets(struct ota_json_place targets, struct ota_error *error);
int ota_rule_one_package(struct ota_json_place command, struct ota_error *error);
/* A package is named by its id, or by product, version and perhaps module, never by both. */
/* `above` runs forwards, `after` backwards; since is not after until; a device is of a product. */
int ota_rule_list_events(struct ota_json_place command, struct ota_error *error);
int ota_rule_package(struct ota_json_place command, struct ota_error *error);
/* A package that is not merely tried (dryRun) has size and digests. */
int ota_rule_add_file(struct ota_json_place command, struct ota_error *error);
int ota_rule_add_package(struct ota_json_place command, struct ota_error *error);
/* Some devices by name, or all. */
int ota_rule_confirm_tasks(struct ota_json_place command, struct ota_error *error);
/* A package, and a reason when the rule of verification is set aside. */
int ota_rule_create_batch(struct ota_json_place command, struct ota_error *error);

#endif
