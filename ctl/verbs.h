/*
 * The verbs that have code of their own.
 */
#ifndef OTA_CTL_VERBS_H
#define OTA_CTL_VERBS_H

#include "ctl/verb.h"

int ota_device_add(struct ota_invocation *invocation, struct ota_error *error);
int ota_device_import(struct ota_invocation *invocation, struct ota_error *error);
int ota_device_renew_secret(struct ota_invocation *invocation, struct ota_error *error);
int ota_device_tag(struct ota_invocation *invocation, struct ota_error *error);
int ota_group_add(struct ota_invocation *invocation, struct ota_error *error);
int ota_group_remove(struct ota_invocation *invocation, struct ota_error *error);
int ota_package_add(struct ota_invocation *invocation, struct ota_error *error);
int ota_package_verify(struct ota_invocation *invocation, struct ota_error *error);
int ota_batch_export(struct ota_invocation *invocation, struct ota_error *error);
int ota_batch_plan(struct ota_invocation *invocation, struct ota_error *error);
int ota_batch_create(struct ota_invocation *invocation, struct ota_error *error);
/* retry, clone, rollback: what is not said is as it was in the batch before. */
int ota_batch_succeed(struct ota_invocation *invocation, struct ota_error *error);
int ota_batch_confirm(struct ota_invocation *invocation, struct ota_error *error);
int ota_log_show(struct ota_invocation *invocation, struct ota_error *error);
int ota_batch_watch(struct ota_invocation *invocation, struct ota_error *error);
int ota_server_backup(struct ota_invocation *invocation, struct ota_error *error);
int ota_server_check(struct ota_invocation *invocation, struct ota_error *error);
int ota_server_restore(struct ota_invocation *invocation, struct ota_error *error);

#endif
