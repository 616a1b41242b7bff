#include "plugin/store/statement.h"

#include <assert.h>

#include "plugin/store/prospect_row.h"

/*
 * Columns stand in the order of the field tables of product.c, device.c, ... Words in a statement (states, kinds) are those of
 * plugin/rules/words.c. The unfinished states are spelled exactly as in the index task_unfinished (schema.c): SQLite uses a
 * partial index only for the same term, and prefers that one to the index of all of a device's tasks only when its module is
 * bounded as well (module > ''). CROSS JOIN: SQLite keeps the order of the tables, so the small one leads whatever it believes
 * about their sizes.
 */
#define UNFINISHED "state IN ('pending', 'pushed', 'upgrading')"

#define PRODUCT_COLUMNS "product_key, rev, name, open_registration, sign, delivery, created_ms, devices"

#define DEVICE_COLUMNS                                                                                                           \
	"d.id, d.rev, d.product_key, d.device_name, d.bucket, d.created_ms, d.last_seen_ms, d.caps, d.agent, d.barred, d.disabled"

#define GROUP_COLUMNS "id, rev, product_key, name, created_ms, created_by, members"

#define TAG_COLUMNS "device_id, tag, value"

#define MODULE_COLUMNS                                                                                                           \
	"device_id, module, version, version_ms, boot_id, candidate, candidate_wall_ms, candidate_due, loop_count, loop_since"

#define PACKAGE_OWN_COLUMNS                                                                                                      \
	"id, rev, product_key, module, version, notes, ext_data, created_ms, created_by, yanked, verification, verified_sha256"
#define PACKAGE_COLUMNS                                                                                                          \
	"p.id, p.rev, p.product_key, p.module, p.version, p.notes, p.ext_data, p.created_ms, p.created_by, p.yanked,"            \
	" p.verification, p.verified_sha256, a.id, a.base_version, a.size, a.sha256, a.md5, a.url, a.file_name, a.position"
#define ARTIFACT_COLUMNS "id, base_version, size, sha256, md5, url, file_name, position"
#define PACKAGE_FROM " FROM package p JOIN artifact a ON a.package_id = p.id AND a.base_version = '' AND a.position = 0 "

#define BATCH_COLUMNS                                                                                                            \
	"id, rev, product_key, package_id, module, version, name, kind, all_devices, skip_conflicts, supersedes, source_batch,"  \
	" source_state, tags, created_ms, created_by, strategy, state, reason, total, prepared, prepare_after, canceling,"       \
	" cancel_level, cancel_after, started_ms, ended_ms, ends_ms"

#define TASK_COLUMNS                                                                                                             \
	"id, rev, batch_id, device_id, module, package_id, version, created_ms, stage, state, due_at, ask, ask_until,"          \
	" from_version, reason, cause, mark, phase, attempt, step, description, boot_id, updated_ms, pushes, last_push_at,"     \
	" answered, repush_at, deadline_at, deadline_left_ms, confirmed, parked"

#define FLOW_COLUMNS "batch_id, stage, stage_at, met_at, ramp_at, spent_at_us, parked, confirmed_to, paused_at, watched"

#define ATTEMPT_OWN_COLUMNS "task_id, number, pushed_ms, started_ms, delivered_ms, ended_ms, cause, description"
#define ATTEMPT_COLUMNS ATTEMPT_OWN_COLUMNS ", bytes, fetched_ms, fetched_files"

#define EVENT_OWN_COLUMNS "id, at_ms, product_key, device_id, batch_id, task_id, event, detail, actor"
#define EVENT_COLUMNS                                                                                                            \
	"e.id, e.at_ms, e.product_key, e.device_id, e.batch_id, e.task_id, e.event, e.detail, e.actor,"                          \
	" COALESCE(d.device_name, '')"
#define EVENT_FROM " FROM event e LEFT JOIN device d ON d.id = e.device_id "

#define OPERATOR_COLUMNS "token_hash, name, role, created_ms, expires_ms, created_by, last_used_ms"

/* clang-format off */
static const struct ota_statement statements[OTA_SQL_STATEMENTS] = {
	[OTA_SQL_META_FIND] = {"meta_find", OTA_SQL_COLD,
		"SELECT value FROM meta WHERE name = $1"},
	[OTA_SQL_META_INSERT] = {"meta_insert", OTA_SQL_COLD,
		"INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING"},
	[OTA_SQL_META_SAVE] = {"meta_save", OTA_SQL_COLD,
		"INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"},
	[OTA_SQL_META_REMOVE] = {"meta_remove", OTA_SQL_COLD,
		"DELETE FROM meta WHERE name = $1"},
	[OTA_SQL_LEASE_TAKE] = {"lease_take", OTA_SQL_HOT,
		"UPDATE lease SET next_value = next_value + $1 WHERE name = $2 RETURNING next_value"},
	[OTA_SQL_LEASE_FIND] = {"lease_find", OTA_SQL_COLD,
		"SELECT next_value FROM lease WHERE name = $1"},
	[OTA_SQL_NODE_FIND] = {"node_find", OTA_SQL_COLD,
		"SELECT applied, heard_ms FROM node WHERE id = $1"},
	[OTA_SQL_NODE_SAVE] = {"node_save", OTA_SQL_HOT,
		"INSERT INTO node (id, applied, heard_ms) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE"
		" SET applied = excluded.applied, heard_ms = excluded.heard_ms"},
	[OTA_SQL_ANSWER_FIND] = {"answer_find", OTA_SQL_HOT,
		"SELECT answer FROM answer WHERE request = $1"},
	[OTA_SQL_ANSWER_INSERT] = {"answer_insert", OTA_SQL_HOT,
		"INSERT INTO answer (request, answer, at_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"},
	[OTA_SQL_ANSWER_PRUNE] = {"answer_prune", OTA_SQL_HOT,
		"DELETE FROM answer WHERE at_ms < $1"},

	[OTA_SQL_PRODUCT_INSERT] = {"product_insert", OTA_SQL_COLD,
		"INSERT INTO product (" PRODUCT_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"},
	[OTA_SQL_PRODUCT_SAVE] = {"product_save", OTA_SQL_COLD,
		"UPDATE product SET name = $1, open_registration = $2, sign = $3, delivery = $4, rev = rev + 1"
		" WHERE product_key = $5 AND rev = $6"},
	[OTA_SQL_PRODUCT_FIND] = {"product_find", OTA_SQL_HOT,
		"SELECT " PRODUCT_COLUMNS " FROM product WHERE product_key = $1"},
	[OTA_SQL_PRODUCT_LIST] = {"product_list", OTA_SQL_HOT,
		"SELECT " PRODUCT_COLUMNS " FROM product WHERE product_key > $1 ORDER BY product_key LIMIT $2"},
	[OTA_SQL_PRODUCT_COUNT] = {"product_count", OTA_SQL_COLD,
		"SELECT COUNT(*) FROM product"},
	[OTA_SQL_PRODUCT_COUNT_DEVICE] = {"product_count_device", OTA_SQL_HOT,
		"UPDATE product SET devices = devices + 1 WHERE product_key = $1"},

	[OTA_SQL_DEVICE_INSERT] = {"device_insert", OTA_SQL_HOT,
		"INSERT INTO device (id, rev, product_key, device_name, bucket, created_ms, last_seen_ms, caps, agent, barred, disabled)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING"},
	[OTA_SQL_DEVICE_FIND] = {"device_find", OTA_SQL_HOT,
		"SELECT " DEVICE_COLUMNS " FROM device d WHERE d.product_key = $1 AND d.device_name = $2"},
	[OTA_SQL_DEVICE_LOAD] = {"device_load", OTA_SQL_HOT,
		"SELECT " DEVICE_COLUMNS " FROM device d WHERE d.id = $1"},
	[OTA_SQL_DEVICE_SAVE] = {"device_save", OTA_SQL_HOT,
		"UPDATE device SET last_seen_ms = $1, caps = $2, agent = $3, barred = $4, disabled = $5, rev = rev + 1 WHERE id = $6"
		" AND rev = $7"},
	[OTA_SQL_DEVICE_SAVE_LAST_SEEN] = {"device_save_last_seen", OTA_SQL_HOT,
		"UPDATE device SET last_seen_ms = $1 WHERE id = $2"},
	[OTA_SQL_DEVICE_LIST] = {"device_list", OTA_SQL_HOT,
		"SELECT " DEVICE_COLUMNS " FROM device d WHERE d.product_key = $1 AND d.device_name > $2"
		" ORDER BY d.device_name LIMIT $3"},
	[OTA_SQL_DEVICE_LIST_RUNNING] = {"device_list_running", OTA_SQL_HOT,
		"SELECT " DEVICE_COLUMNS " FROM device_module m JOIN device d ON d.id = m.device_id WHERE m.product_key = $1"
		" AND m.module = $2 AND m.version = $3 AND m.device_name > $4 ORDER BY m.device_name LIMIT $5"},

	[OTA_SQL_DEVICE_LIST_TAGGED] = {"device_list_tagged", OTA_SQL_HOT,
		"SELECT " DEVICE_COLUMNS " FROM device_tag g JOIN device d ON d.id = g.device_id WHERE g.product_key = $1"
		" AND g.tag = $2 AND g.value = $3 AND g.device_name > $4 ORDER BY g.device_name LIMIT $5"},
	[OTA_SQL_DEVICE_LIST_DISABLED] = {"device_list_disabled", OTA_SQL_HOT,
		"SELECT " DEVICE_COLUMNS " FROM device d WHERE d.disabled = 1 AND d.product_key = $1 AND d.device_name > $2"
		" ORDER BY d.device_name LIMIT $3"},
	[OTA_SQL_DEVICE_LIST_DISABLED_ALL] = {"device_list_disabled_all", OTA_SQL_COLD,
		"SELECT " DEVICE_COLUMNS " FROM device d WHERE d.disabled = 1 AND (d.product_key, d.device_name) > ($1, $2)"
		" ORDER BY d.product_key, d.device_name LIMIT $3"},
	[OTA_SQL_DEVICE_LIST_BUCKET] = {"device_list_bucket", OTA_SQL_HOT,
		"SELECT " DEVICE_COLUMNS " FROM device d WHERE d.bucket = $1 AND d.id > $2 ORDER BY d.id LIMIT $3"},
	[OTA_SQL_DEVICE_NAME_BEHIND] = {"device_name_behind", OTA_SQL_HOT,
		"SELECT d.device_name FROM device d WHERE d.product_key = $1 AND d.device_name > $2 ORDER BY d.device_name"
		" LIMIT 1 OFFSET $3"},
	[OTA_SQL_TAG_SAVE] = {"tag_save", OTA_SQL_HOT,
		"INSERT INTO device_tag (" TAG_COLUMNS ", product_key, device_name) VALUES ($1, $2, $3, $4, $5)"
		" ON CONFLICT (device_id, tag) DO UPDATE SET value = excluded.value WHERE device_tag.value <> excluded.value"},
	[OTA_SQL_TAG_REMOVE] = {"tag_remove", OTA_SQL_HOT,
		"DELETE FROM device_tag WHERE device_id = $1 AND tag = $2"},
	[OTA_SQL_TAG_LIST] = {"tag_list", OTA_SQL_HOT,
		"SELECT " TAG_COLUMNS " FROM device_tag WHERE device_id = $1 ORDER BY tag LIMIT $2"},
	[OTA_SQL_GROUP_INSERT] = {"group_insert", OTA_SQL_HOT,
		"INSERT INTO device_group (" GROUP_COLUMNS ", gone) VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT DO NOTHING"},
	[OTA_SQL_GROUP_FIND] = {"group_find", OTA_SQL_HOT,
		"SELECT " GROUP_COLUMNS " FROM device_group WHERE product_key = $1 AND name = $2 AND gone = 0"},
	[OTA_SQL_GROUP_LIST] = {"group_list", OTA_SQL_HOT,
		"SELECT " GROUP_COLUMNS " FROM device_group WHERE product_key = $1 AND name > $2 AND gone = 0"
		" ORDER BY name LIMIT $3"},
	[OTA_SQL_GROUP_LIST_OF_DEVICE] = {"group_list_of_device", OTA_SQL_WARM,
		"SELECT g.name FROM group_member q CROSS JOIN device_group g WHERE q.device_id = $1 AND g.id = q.group_id"
		" AND g.gone = 0 ORDER BY g.name LIMIT $2"},
	[OTA_SQL_GROUP_COUNT] = {"group_count", OTA_SQL_HOT,
		"UPDATE device_group SET members = members + $1, rev = rev + 1 WHERE id = $2 AND rev = $3"},
	[OTA_SQL_GROUP_DELETE] = {"group_delete", OTA_SQL_HOT,
		"UPDATE device_group SET gone = 1 WHERE id = $1 AND rev = $2"},
	[OTA_SQL_GROUP_FIND_GONE] = {"group_find_gone", OTA_SQL_HOT,
		"SELECT id FROM device_group WHERE gone = 1 AND id > 0 ORDER BY id LIMIT 1"},
	[OTA_SQL_GROUP_FORGET] = {"group_forget", OTA_SQL_HOT,
		"DELETE FROM device_group WHERE id = $1"},
	[OTA_SQL_MEMBER_INSERT] = {"member_insert", OTA_SQL_HOT,
		"INSERT INTO group_member (group_id, device_name, device_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"},
	[OTA_SQL_MEMBER_REMOVE] = {"member_remove", OTA_SQL_HOT,
		"DELETE FROM group_member WHERE group_id = $1 AND device_name = $2"},
	[OTA_SQL_MEMBER_LIST] = {"member_list", OTA_SQL_HOT,
		"SELECT device_name FROM group_member WHERE group_id = $1 AND device_name > $2 ORDER BY device_name LIMIT $3"},
	[OTA_SQL_MEMBER_NAME_BEHIND] = {"member_name_behind", OTA_SQL_HOT,
		"SELECT device_name FROM group_member WHERE group_id = $1 AND device_name > $2 ORDER BY device_name"
		" LIMIT 1 OFFSET $3"},
	[OTA_SQL_MEMBER_PURGE] = {"member_purge", OTA_SQL_HOT,
		"DELETE FROM group_member WHERE group_id = $1 AND device_name IN"
		" (SELECT device_name FROM group_member WHERE group_id = $1 ORDER BY device_name LIMIT $2)"},
	[OTA_SQL_SECRET_SAVE] = {"secret_save", OTA_SQL_HOT,
		"INSERT INTO device_secret (device_id, sealed, at_ms) VALUES ($1, $2, $3) ON CONFLICT (device_id) DO UPDATE"
		" SET sealed = excluded.sealed, at_ms = excluded.at_ms"},
	[OTA_SQL_SECRET_FIND] = {"secret_find", OTA_SQL_HOT,
		"SELECT device_id, sealed, at_ms FROM device_secret WHERE device_id = $1"},
	[OTA_SQL_SECRET_FIND_OF_NAME] = {"secret_find_of_name", OTA_SQL_HOT,
		"SELECT s.device_id, s.sealed, s.at_ms FROM device d JOIN device_secret s ON s.device_id = d.id"
		" WHERE d.product_key = $1 AND d.device_name = $2"},
	[OTA_SQL_SECRET_ANY] = {"secret_any", OTA_SQL_COLD,
		"SELECT device_id FROM device_secret LIMIT 1"},

	[OTA_SQL_MODULE_FIND] = {"module_find", OTA_SQL_HOT,
		"SELECT " MODULE_COLUMNS " FROM device_module WHERE device_id = $1 AND module = $2"},
	[OTA_SQL_MODULE_FIND_VERSION] = {"module_find_version", OTA_SQL_HOT,
		"SELECT version FROM device_module WHERE device_id = $1 AND module = $2"},
	[OTA_SQL_MODULE_INSERT] = {"module_insert", OTA_SQL_HOT,
		"INSERT INTO device_module (" MODULE_COLUMNS ", product_key, device_name)"
		" SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, d.product_key, d.device_name FROM device d WHERE d.id = $11"
		" ON CONFLICT DO NOTHING"},
	[OTA_SQL_MODULE_SAVE] = {"module_save", OTA_SQL_HOT,
		"UPDATE device_module SET version = $1, version_ms = $2, boot_id = $3, candidate = $4, candidate_wall_ms = $5,"
		" candidate_due = $6, loop_count = $7, loop_since = $8 WHERE device_id = $9 AND module = $10"},
	/* The same without the version, which an index is on: an inform writes its candidate first. */
	[OTA_SQL_MODULE_SAVE_CANDIDATE] = {"module_save_candidate", OTA_SQL_HOT,
		"UPDATE device_module SET version_ms = $1, boot_id = $2, candidate = $3, candidate_wall_ms = $4, candidate_due = $5,"
		" loop_count = $6, loop_since = $7 WHERE device_id = $8 AND module = $9"},
	[OTA_SQL_MODULE_LIST] = {"module_list", OTA_SQL_HOT,
		"SELECT " MODULE_COLUMNS " FROM device_module WHERE device_id = $1 ORDER BY module LIMIT $2"},
	[OTA_SQL_MODULE_DUE] = {"module_due", OTA_SQL_HOT,
		"SELECT " MODULE_COLUMNS " FROM device_module WHERE candidate_due > 0 AND candidate_due <= $1"
		" ORDER BY candidate_due LIMIT $2"},
	[OTA_SQL_MODULE_NEXT_DUE] = {"module_next_due", OTA_SQL_HOT,
		"SELECT candidate_due FROM device_module WHERE candidate_due > 0 ORDER BY candidate_due LIMIT 1"},
	[OTA_SQL_VERSION_COUNT] = {"version_count", OTA_SQL_HOT,
		"INSERT INTO version_count (product_key, module, version, n) VALUES ($1, $2, $3, $4)"
		" ON CONFLICT (product_key, module, version) DO UPDATE SET n = version_count.n + excluded.n"},
	[OTA_SQL_VERSION_DROP] = {"version_drop", OTA_SQL_HOT,
		"DELETE FROM version_count WHERE product_key = $1 AND module = $2 AND version = $3 AND n <= 0"},
	[OTA_SQL_VERSION_LIST] = {"version_list", OTA_SQL_WARM,
		"SELECT version, n FROM version_count WHERE product_key = $1 AND module = $2"
		" ORDER BY n DESC, version LIMIT $3"},
	[OTA_SQL_VERSION_LIST_NAMES] = {"version_list_names", OTA_SQL_HOT,
		"SELECT version, n FROM version_count WHERE product_key = $1 AND module = $2 AND version > $3 ORDER BY version"
		" LIMIT $4"},

	[OTA_SQL_PACKAGE_INSERT] = {"package_insert", OTA_SQL_COLD,
		"INSERT INTO package (" PACKAGE_OWN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
		" ON CONFLICT DO NOTHING"},
	[OTA_SQL_PACKAGE_LOAD] = {"package_load", OTA_SQL_HOT,
		"SELECT " PACKAGE_COLUMNS PACKAGE_FROM "WHERE p.id = $1"},
	[OTA_SQL_PACKAGE_FIND] = {"package_find", OTA_SQL_HOT,
		"SELECT " PACKAGE_COLUMNS PACKAGE_FROM "WHERE p.product_key = $1 AND p.module = $2 AND p.version = $3"},
	[OTA_SQL_PACKAGE_SAVE] = {"package_save", OTA_SQL_HOT,
		"UPDATE package SET yanked = $1, verification = $2, verified_sha256 = $3, rev = rev + 1 WHERE id = $4"
		" AND rev = $5"},
	[OTA_SQL_PACKAGE_LIST] = {"package_list", OTA_SQL_HOT,
		"SELECT " PACKAGE_COLUMNS PACKAGE_FROM "WHERE p.id < $1 AND ($2 = '' OR p.product_key = $2)"
		" AND ($3 = '' OR p.module = $3) ORDER BY p.id DESC LIMIT $4"},
	[OTA_SQL_ARTIFACT_INSERT] = {"artifact_insert", OTA_SQL_COLD,
		"INSERT INTO artifact (" ARTIFACT_COLUMNS ", package_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
		" ON CONFLICT DO NOTHING"},
	[OTA_SQL_ARTIFACT_LIST] = {"artifact_list", OTA_SQL_WARM,
		"SELECT " ARTIFACT_COLUMNS " FROM artifact WHERE package_id = $1 AND base_version = '' ORDER BY position LIMIT $2"},

	[OTA_SQL_BATCH_WHERE_INSERT] = {"batch_where_insert", OTA_SQL_COLD,
		"INSERT INTO batch_where (batch_id, expression) VALUES ($1, $2) ON CONFLICT DO NOTHING"},
	[OTA_SQL_BATCH_WHERE_FIND] = {"batch_where_find", OTA_SQL_HOT,
		"SELECT expression FROM batch_where WHERE batch_id = $1"},
	[OTA_SQL_BATCH_WHERE_LIST_OPEN] = {"batch_where_list_open", OTA_SQL_COLD,
		"SELECT b.id, w.expression FROM batch b CROSS JOIN batch_where w WHERE b.product_key = $1 AND b.id > $2"
		" AND (b.state IN ('planned', 'running', 'paused') OR b.canceling = 1) AND b.ended_ms = 0"
		" AND (b.prepared = 0 OR b.kind = 'dynamic') AND w.batch_id = b.id ORDER BY b.id LIMIT $3"},
	[OTA_SQL_BATCH_INSERT] = {"batch_insert", OTA_SQL_COLD,
		"INSERT INTO batch (" BATCH_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
		" $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28) ON CONFLICT DO NOTHING"},
	[OTA_SQL_BATCH_LOAD] = {"batch_load", OTA_SQL_HOT,
		"SELECT " BATCH_COLUMNS " FROM batch WHERE id = $1"},
	[OTA_SQL_BATCH_SAVE] = {"batch_save", OTA_SQL_HOT,
		"UPDATE batch SET strategy = $1, state = $2, reason = $3, total = $4, prepared = $5, prepare_after = $6, canceling = $7,"
		" cancel_level = $8, cancel_after = $9, started_ms = $10, ended_ms = $11, ends_ms = $12, rev = rev + 1"
		" WHERE id = $13 AND rev = $14"},
	[OTA_SQL_BATCH_LIST] = {"batch_list", OTA_SQL_HOT,
		"SELECT " BATCH_COLUMNS " FROM batch WHERE id < $1 AND ($2 = '' OR product_key = $2) AND ($3 = '' OR state = $3)"
		" ORDER BY id DESC LIMIT $4"},
	/* Those a yank must end: open, or canceled while something sent runs on. */
	[OTA_SQL_BATCH_LIST_OF_PACKAGE] = {"batch_list_of_package", OTA_SQL_COLD,
		"SELECT " BATCH_COLUMNS " FROM batch b WHERE b.package_id = $1 AND b.id > $2 AND b.state <> 'completed'"
		" AND (b.state <> 'canceled' OR EXISTS (SELECT 1 FROM batch_count c WHERE c.batch_id = b.id AND c." UNFINISHED
		" AND c.n > 0)) ORDER BY b.id LIMIT $3"},
	[OTA_SQL_BATCH_LIST_DYNAMIC] = {"batch_list_dynamic", OTA_SQL_HOT,
		"SELECT " BATCH_COLUMNS " FROM batch WHERE product_key = $1 AND kind = 'dynamic' AND state IN ('planned', 'running',"
		" 'paused') AND ($2 = '' OR module = $2) ORDER BY id DESC LIMIT $3"},
	[OTA_SQL_BATCH_LIST_WORKING] = {"batch_list_working", OTA_SQL_HOT,
		"SELECT id FROM batch WHERE (state IN ('planned', 'running', 'paused') OR canceling = 1) AND id > $1"
		" AND (prepared = 0 OR canceling = 1 OR (ends_ms > 0 AND ends_ms <= $2)) ORDER BY id LIMIT $3"},
	[OTA_SQL_BATCH_COUNT_OPEN] = {"batch_count_open", OTA_SQL_WARM,
		"SELECT state, COUNT(*) FROM batch WHERE (state IN ('planned', 'running', 'paused') OR canceling = 1)"
		" GROUP BY state LIMIT $1"},
	/* A batch that has no tasks yet, for some of the same devices. */
	[OTA_SQL_BATCH_FIND_PREPARING] = {"batch_find_preparing", OTA_SQL_COLD,
		"SELECT b.id FROM batch b WHERE (b.state IN ('planned', 'running', 'paused') OR b.canceling = 1)"
		" AND b.state = 'planned' AND b.prepared = 0 AND b.id <> $1 AND b.product_key = $2 AND b.module = $3"
		" AND (b.all_devices = 1 OR b.all_devices < $4 OR EXISTS (SELECT 1 FROM batch_target mine JOIN batch_target theirs"
		" ON theirs.batch_id = b.id AND theirs.device_name = mine.device_name WHERE mine.batch_id = $1))"
		" ORDER BY b.id LIMIT 1"},
	[OTA_SQL_BATCH_COUNT] = {"batch_count", OTA_SQL_HOT,
		"INSERT INTO batch_count (batch_id, stage, state, cause, n) VALUES ($1, $2, $3, $4, $5)"
		" ON CONFLICT (batch_id, stage, state, cause) DO UPDATE SET n = batch_count.n + excluded.n"},
	[OTA_SQL_BATCH_LIST_COUNTS] = {"batch_list_counts", OTA_SQL_WARM,
		"SELECT state, cause, CAST(SUM(n) AS BIGINT), CAST(SUM(resumed) AS BIGINT) FROM batch_count WHERE batch_id = $1"
		" GROUP BY state, cause LIMIT $2"},
	[OTA_SQL_BATCH_LIST_STAGE_COUNTS] = {"batch_list_stage_counts", OTA_SQL_HOT,
		"SELECT state, cause, n, resumed FROM batch_count WHERE batch_id = $1 AND stage = $2 LIMIT $3"},
	[OTA_SQL_BATCH_COUNT_ACTIVE] = {"batch_count_active", OTA_SQL_HOT,
		"SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM batch_count WHERE batch_id = $1 AND state IN ('pushed', 'upgrading')"},
	[OTA_SQL_BATCH_MARK_RESUMED] = {"batch_mark_resumed", OTA_SQL_COLD,
		"UPDATE batch_count SET resumed = n WHERE batch_id = $1"},
	[OTA_SQL_FLOW_FIND] = {"flow_find", OTA_SQL_HOT,
		"SELECT " FLOW_COLUMNS " FROM batch_flow WHERE batch_id = $1"},
	[OTA_SQL_FLOW_SAVE] = {"flow_save", OTA_SQL_HOT,
		"INSERT INTO batch_flow (" FLOW_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (batch_id)"
		" DO UPDATE SET stage = excluded.stage, stage_at = excluded.stage_at, met_at = excluded.met_at,"
		" ramp_at = excluded.ramp_at, spent_at_us = excluded.spent_at_us, parked = excluded.parked,"
		" confirmed_to = excluded.confirmed_to, paused_at = excluded.paused_at, watched = excluded.watched"},
	[OTA_SQL_FLOW_INSERT_OPENING] = {"flow_insert_opening", OTA_SQL_WARM,
		"INSERT INTO batch_stage (batch_id, stage, opened_ms) VALUES ($1, $2, $3)"},
	[OTA_SQL_FLOW_LIST_OPENINGS] = {"flow_list_openings", OTA_SQL_WARM,
		"SELECT stage, opened_ms FROM batch_stage WHERE batch_id = $1 ORDER BY stage LIMIT $2"},
	[OTA_SQL_FLOW_LIST_WATCHED] = {"flow_list_watched", OTA_SQL_HOT,
		"SELECT batch_id FROM batch_flow WHERE watched = 1 AND batch_id > $1 ORDER BY batch_id LIMIT $2"},
	[OTA_SQL_BATCH_EXCLUDE] = {"batch_exclude", OTA_SQL_HOT,
		"INSERT INTO batch_exclusion (batch_id, why, n) VALUES ($1, $2, $3) ON CONFLICT (batch_id, why) DO UPDATE"
		" SET n = batch_exclusion.n + excluded.n"},
	[OTA_SQL_BATCH_LIST_EXCLUSIONS] = {"batch_list_exclusions", OTA_SQL_HOT,
		"SELECT why, n FROM batch_exclusion WHERE batch_id = $1 LIMIT $2"},
	[OTA_SQL_TARGET_INSERT] = {"target_insert", OTA_SQL_HOT,
		"INSERT INTO batch_target (batch_id, device_name) VALUES ($1, $2) ON CONFLICT DO NOTHING"},
	[OTA_SQL_PROSPECT_LIST] = {"prospect_list", OTA_SQL_HOT,
		"SELECT " OTA_PROSPECT_COLUMNS("d.device_name") " FROM device d" OTA_PROSPECT_RUNS "$1" OTA_PROSPECT_UNFINISHED "$1"
		" WHERE d.product_key = $2 AND d.device_name > $3 ORDER BY d.device_name LIMIT $4"},
	[OTA_SQL_PROSPECT_FIND] = {"prospect_find", OTA_SQL_HOT,
		"SELECT " OTA_PROSPECT_COLUMNS("d.device_name") " FROM device d" OTA_PROSPECT_RUNS "$1" OTA_PROSPECT_UNFINISHED "$1"
		" WHERE d.id = $2"},
	[OTA_SQL_PROSPECT_LIST_NAMED] = {"prospect_list_named", OTA_SQL_HOT,
		"SELECT " OTA_PROSPECT_COLUMNS("g.device_name") " FROM batch_target g LEFT JOIN device d ON d.product_key = $1"
		" AND d.device_name = g.device_name" OTA_PROSPECT_RUNS "$2" OTA_PROSPECT_UNFINISHED "$2"
		" WHERE g.batch_id = $3 AND g.device_name > $4 ORDER BY g.device_name LIMIT $5"},
	/* A later task of the same device is looked for among the device's, which are few: + 0 keeps it off the batch's index. */
	[OTA_SQL_PROSPECT_LIST_OF_BATCH] = {"prospect_list_of_batch", OTA_SQL_HOT,
		"SELECT " OTA_PROSPECT_COLUMNS("d.device_name") ", s.id, s.state, s.cause, s.mark, s.version FROM task s"
		" JOIN device d ON d.id = s.device_id" OTA_PROSPECT_RUNS "$1" OTA_PROSPECT_UNFINISHED "$1"
		" LEFT JOIN task n ON n.device_id = s.device_id AND n.id > s.id AND n.batch_id + 0 = s.batch_id"
		" WHERE s.batch_id = $2 AND s.id > $3 AND n.id IS NULL ORDER BY s.id LIMIT $4"},
	/* How often a device was in a batch, and the newest of its tasks there. */
	[OTA_SQL_TASK_COUNT_IN_BATCH] = {"task_count_in_batch", OTA_SQL_HOT,
		"SELECT COUNT(*), COALESCE(MAX(id), 0) FROM task WHERE device_id = $1 AND batch_id + 0 = $2"},
	/* What those with the version, or on their way to it, ran before: of the first so many. */
	[OTA_SQL_TASK_LIST_ORIGINS] = {"task_list_origins", OTA_SQL_COLD,
		"SELECT f.from_version, COUNT(*) FROM (SELECT from_version FROM task WHERE batch_id = $1"
		" AND state IN ('succeeded', 'upgrading', 'pushed') AND from_version <> '' AND from_version <> version LIMIT $2) f"
		" GROUP BY f.from_version ORDER BY COUNT(*) DESC, f.from_version LIMIT $3"},

	[OTA_SQL_TASK_INSERT] = {"task_insert", OTA_SQL_HOT,
		"INSERT INTO task (" TASK_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
		" $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31) ON CONFLICT DO NOTHING"},
	[OTA_SQL_TASK_LOAD] = {"task_load", OTA_SQL_HOT,
		"SELECT " TASK_COLUMNS " FROM task WHERE id = $1"},
	[OTA_SQL_TASK_SAVE] = {"task_save", OTA_SQL_HOT,
		"UPDATE task SET state = $1, due_at = $2, ask = $3, ask_until = $4, from_version = $5, reason = $6, cause = $7,"
		" mark = $8, phase = $9, attempt = $10, step = $11, description = $12, boot_id = $13, updated_ms = $14,"
		" pushes = $15, last_push_at = $16, answered = $17, repush_at = $18, deadline_at = $19, deadline_left_ms = $20,"
		" confirmed = $21, parked = $22, rev = rev + 1 WHERE id = $23 AND rev = $24"},
	/* The same without the columns that indexes are on: most reports change none, and three entries stay unwritten. */
	[OTA_SQL_TASK_SAVE_PROGRESS] = {"task_save_progress", OTA_SQL_HOT,
		"UPDATE task SET from_version = $1, reason = $2, cause = $3, mark = $4, phase = $5, attempt = $6, step = $7,"
		" description = $8, boot_id = $9, updated_ms = $10, pushes = $11, last_push_at = $12, answered = $13,"
		" repush_at = $14, deadline_at = $15, deadline_left_ms = $16, confirmed = $17, parked = $18, rev = rev + 1"
		" WHERE id = $19 AND rev = $20"},
	[OTA_SQL_TASK_SAVE_MARK] = {"task_save_mark", OTA_SQL_HOT,
		"UPDATE task SET mark = $1, updated_ms = $2, rev = rev + 1 WHERE id = $3 AND rev = $4"},
	[OTA_SQL_TASK_FIND_UNFINISHED] = {"task_find_unfinished", OTA_SQL_HOT,
		"SELECT " TASK_COLUMNS " FROM task WHERE device_id = $1 AND module = $2 AND " UNFINISHED},
	[OTA_SQL_TASK_FIND_ACTIVE] = {"task_find_active", OTA_SQL_HOT,
		"SELECT " TASK_COLUMNS " FROM task WHERE device_id = $1 AND module > '' AND " UNFINISHED
		" AND state <> 'pending' LIMIT 1"},
	[OTA_SQL_TASK_FIND_LATEST] = {"task_find_latest", OTA_SQL_HOT,
		"SELECT " TASK_COLUMNS " FROM task WHERE device_id = $1 AND module = $2 ORDER BY id DESC LIMIT 1"},
	[OTA_SQL_TASK_LIST_UNFINISHED] = {"task_list_unfinished", OTA_SQL_WARM,
		"SELECT " TASK_COLUMNS " FROM task WHERE device_id = $1 AND module > '' AND " UNFINISHED " ORDER BY id LIMIT $2"},
	[OTA_SQL_TASK_DUE] = {"task_due", OTA_SQL_HOT,
		"SELECT " TASK_COLUMNS " FROM task WHERE due_at > 0 AND due_at <= $1 ORDER BY due_at, id LIMIT $2"},
	[OTA_SQL_TASK_UNANSWERED] = {"task_unanswered", OTA_SQL_HOT,
		"SELECT " TASK_COLUMNS " FROM task WHERE ask_until > 0 AND ask_until <= $1 ORDER BY ask_until, id LIMIT $2"},
	[OTA_SQL_TASK_NEXT_DUE] = {"task_next_due", OTA_SQL_HOT,
		"SELECT due_at FROM task WHERE due_at > 0 ORDER BY due_at LIMIT 1"},
	[OTA_SQL_TASK_NEXT_UNANSWERED] = {"task_next_unanswered", OTA_SQL_HOT,
		"SELECT ask_until FROM task WHERE ask_until > 0 ORDER BY ask_until LIMIT 1"},
	[OTA_SQL_TASK_LIST] = {"task_list", OTA_SQL_HOT,
		"SELECT " TASK_COLUMNS " FROM task WHERE batch_id = $1 AND id > $2 ORDER BY id LIMIT $3"},
	[OTA_SQL_TASK_LIST_IN_STATE] = {"task_list_in_state", OTA_SQL_HOT,
		"SELECT " TASK_COLUMNS " FROM task WHERE batch_id = $1 AND state = $2 AND id > $3 ORDER BY id LIMIT $4"},
	[OTA_SQL_TASK_LIST_OF_DEVICE] = {"task_list_of_device", OTA_SQL_HOT,
		"SELECT " TASK_COLUMNS " FROM task WHERE device_id = $1 ORDER BY id DESC LIMIT $2"},
	/* A few rows for each batch there ever was, however many tasks it had. */
	[OTA_SQL_TASK_COUNT_STATES] = {"task_count_states", OTA_SQL_COLD,
		"SELECT state, CAST(SUM(n) AS BIGINT) FROM batch_count GROUP BY state LIMIT $1"},
	[OTA_SQL_ASK_COUNT] = {"ask_count", OTA_SQL_HOT,
		"INSERT INTO ask_count (batch_id, ask, n) VALUES ($1, $2, $3)"
		" ON CONFLICT (batch_id, ask) DO UPDATE SET n = ask_count.n + excluded.n"},
	[OTA_SQL_ASK_LIST_COUNTS] = {"ask_list_counts", OTA_SQL_HOT,
		"SELECT ask, n FROM ask_count WHERE batch_id = $1 LIMIT $2"},
	[OTA_SQL_CONFLICT_COUNT_ALL] = {"conflict_count_all", OTA_SQL_COLD,
		"SELECT CAST(COALESCE(SUM(c.n), 0) AS BIGINT) FROM batch b JOIN batch_count c ON c.batch_id = b.id"
		" WHERE b.product_key = $1 AND b.module = $2 AND b.id <> $3 AND c.state IN ('pending', 'pushed', 'upgrading')"},
	[OTA_SQL_CONFLICT_COUNT_TARGETS] = {"conflict_count_targets", OTA_SQL_WARM,
		"SELECT COUNT(*) FROM batch_target g CROSS JOIN device d CROSS JOIN task t WHERE g.batch_id = $1"
		" AND d.product_key = $2 AND d.device_name = g.device_name AND t.device_id = d.id AND t.module = $3 AND t."
		UNFINISHED " AND t.batch_id <> $1"},
	[OTA_SQL_CONFLICT_NAMES_ALL] = {"conflict_names_all", OTA_SQL_COLD,
		"SELECT d.device_name FROM batch b CROSS JOIN task t CROSS JOIN device d WHERE b.product_key = $1"
		" AND b.module = $2 AND b.id <> $3 AND t.batch_id = b.id AND t." UNFINISHED " AND d.id = t.device_id LIMIT $4"},
	[OTA_SQL_CONFLICT_NAMES_TARGETS] = {"conflict_names_targets", OTA_SQL_WARM,
		"SELECT d.device_name FROM batch_target g CROSS JOIN device d CROSS JOIN task t WHERE g.batch_id = $1"
		" AND d.product_key = $2 AND d.device_name = g.device_name AND t.device_id = d.id AND t.module = $3 AND t."
		UNFINISHED " AND t.batch_id <> $1 LIMIT $4"},
	[OTA_SQL_STREAM_FIND] = {"stream_find", OTA_SQL_HOT,
		"SELECT t.id, t.attempt, a.size, a.sha256 FROM task t JOIN device d ON d.id = t.device_id"
		" JOIN package p ON p.id = t.package_id JOIN artifact a ON a.package_id = p.id"
		" WHERE t.id = $1 AND t.state IN ('pushed', 'upgrading') AND d.product_key = $2 AND d.device_name = $3"
		" AND p.yanked = 0 AND a.base_version = '' AND a.url = '' AND a.file_name = ''"},
	[OTA_SQL_ATTEMPT_SAVE] = {"attempt_save", OTA_SQL_HOT,
		"INSERT INTO attempt (" ATTEMPT_OWN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (task_id, number)"
		" DO UPDATE SET pushed_ms = excluded.pushed_ms, started_ms = excluded.started_ms,"
		" delivered_ms = excluded.delivered_ms, ended_ms = excluded.ended_ms, cause = excluded.cause,"
		" description = excluded.description"},
	[OTA_SQL_ATTEMPT_ADD_TRANSFER] = {"attempt_add_transfer", OTA_SQL_HOT,
		"UPDATE attempt SET bytes = bytes + $1, fetched_ms = $2, fetched_files = $3 WHERE task_id = $4 AND number = $5"},
	[OTA_SQL_ATTEMPT_FIND] = {"attempt_find", OTA_SQL_HOT,
		"SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE task_id = $1 AND number = $2"},
	[OTA_SQL_ATTEMPT_LIST] = {"attempt_list", OTA_SQL_HOT,
		"SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE task_id = $1 ORDER BY number LIMIT $2"},

	[OTA_SQL_EVENT_INSERT] = {"event_insert", OTA_SQL_HOT,
		"INSERT INTO event (" EVENT_OWN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"},
	[OTA_SQL_EVENT_LIST] = {"event_list", OTA_SQL_HOT,
		"SELECT " EVENT_COLUMNS EVENT_FROM "WHERE e.id < $1 ORDER BY e.id DESC LIMIT $2"},
	[OTA_SQL_EVENT_LIST_OF_PRODUCT] = {"event_list_of_product", OTA_SQL_HOT,
		"SELECT " EVENT_COLUMNS EVENT_FROM "WHERE e.product_key = $1 AND e.id < $2 ORDER BY e.id DESC LIMIT $3"},
	[OTA_SQL_EVENT_LIST_OF_BATCH] = {"event_list_of_batch", OTA_SQL_HOT,
		"SELECT " EVENT_COLUMNS EVENT_FROM "WHERE e.batch_id = $1 AND e.batch_id > 0 AND e.id < $2"
		" ORDER BY e.id DESC LIMIT $3"},
	[OTA_SQL_EVENT_LIST_OF_DEVICE] = {"event_list_of_device", OTA_SQL_HOT,
		"SELECT " EVENT_COLUMNS EVENT_FROM "WHERE e.device_id = $1 AND e.device_id > 0 AND e.id < $2"
		" ORDER BY e.id DESC LIMIT $3"},
	[OTA_SQL_EVENT_LIST_ABOVE] = {"event_list_above", OTA_SQL_HOT,
		"SELECT " EVENT_COLUMNS EVENT_FROM "WHERE e.id > $1 ORDER BY e.id LIMIT $2"},
	[OTA_SQL_EVENT_FIRST_SINCE] = {"event_first_since", OTA_SQL_HOT,
		"SELECT id FROM event WHERE at_ms >= $1 ORDER BY at_ms, id LIMIT 1"},
	[OTA_SQL_EVENT_LAST_UNTIL] = {"event_last_until", OTA_SQL_HOT,
		"SELECT id FROM event WHERE at_ms <= $1 ORDER BY at_ms DESC, id DESC LIMIT 1"},
	[OTA_SQL_EVENT_NEWEST] = {"event_newest", OTA_SQL_HOT,
		"SELECT id FROM event WHERE id > 0 ORDER BY id DESC LIMIT 1"},
	[OTA_SQL_EVENT_PRUNE] = {"event_prune", OTA_SQL_HOT,
		"DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at_ms < $1 ORDER BY at_ms, id LIMIT $2)"},

	[OTA_SQL_OPERATOR_INSERT] = {"operator_insert", OTA_SQL_COLD,
		"INSERT INTO operator (" OPERATOR_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING"},
	[OTA_SQL_OPERATOR_FIND] = {"operator_find", OTA_SQL_HOT,
		"SELECT " OPERATOR_COLUMNS " FROM operator WHERE token_hash = $1"},
	[OTA_SQL_OPERATOR_FIND_NAME] = {"operator_find_name", OTA_SQL_HOT,
		"SELECT " OPERATOR_COLUMNS " FROM operator WHERE name = $1"},
	[OTA_SQL_OPERATOR_LIST] = {"operator_list", OTA_SQL_HOT,
		"SELECT " OPERATOR_COLUMNS " FROM operator WHERE name > $1 ORDER BY name LIMIT $2"},
	[OTA_SQL_OPERATOR_SAVE_LAST_USED] = {"operator_save_last_used", OTA_SQL_HOT,
		"UPDATE operator SET last_used_ms = $1 WHERE token_hash = $2"},
	[OTA_SQL_OPERATOR_DELETE] = {"operator_delete", OTA_SQL_HOT,
		"DELETE FROM operator WHERE name = $1"},
	[OTA_SQL_OPERATOR_COUNT] = {"operator_count", OTA_SQL_COLD,
		"SELECT COUNT(*) FROM operator"},
	[OTA_SQL_OPERATOR_COUNT_LASTING] = {"operator_count_lasting", OTA_SQL_COLD,
		"SELECT COUNT(*) FROM operator WHERE role = $1 AND expires_ms = 0"},

	/* Of a check: what breaks a rule, as a label and two numbers. */
	[OTA_SQL_CHECK_BATCHES] = {"check_batches", OTA_SQL_COLD,
		"SELECT CAST(batch_id AS TEXT) || ' stage ' || CAST(stage AS TEXT) || ' ' || state || ' ' || cause,"
		" CAST(SUM(kept) AS BIGINT), CAST(SUM(counted) AS BIGINT)"
		" FROM (SELECT batch_id, stage, state, cause, n AS kept, 0 AS counted FROM batch_count"
		" UNION ALL SELECT batch_id, stage, state, CASE WHEN " UNFINISHED " THEN '' ELSE cause END, 0, 1 FROM task) u"
		" GROUP BY batch_id, stage, state, cause HAVING SUM(kept) <> SUM(counted) LIMIT $1"},
	[OTA_SQL_CHECK_ASKS] = {"check_asks", OTA_SQL_COLD,
		"SELECT CAST(batch_id AS TEXT) || ' ' || ask, CAST(SUM(kept) AS BIGINT), CAST(SUM(counted) AS BIGINT)"
		" FROM (SELECT batch_id, ask, n AS kept, 0 AS counted FROM ask_count"
		" UNION ALL SELECT batch_id, ask, 0, 1 FROM task WHERE ask <> '') u"
		" GROUP BY batch_id, ask HAVING SUM(kept) <> SUM(counted) LIMIT $1"},
	[OTA_SQL_CHECK_VERSIONS] = {"check_versions", OTA_SQL_COLD,
		"SELECT product_key || ' ' || module || ' ' || version, CAST(SUM(kept) AS BIGINT), CAST(SUM(counted) AS BIGINT)"
		" FROM (SELECT product_key, module, version, n AS kept, 0 AS counted FROM version_count"
		" UNION ALL SELECT product_key, module, version, 0, 1 FROM device_module WHERE version <> '') u"
		" GROUP BY product_key, module, version HAVING SUM(kept) <> SUM(counted) LIMIT $1"},
	[OTA_SQL_CHECK_PRODUCTS] = {"check_products", OTA_SQL_COLD,
		"SELECT p.product_key, p.devices, COUNT(d.id) FROM product p LEFT JOIN device d ON d.product_key = p.product_key"
		" GROUP BY p.product_key, p.devices HAVING COUNT(d.id) <> p.devices LIMIT $1"},
	[OTA_SQL_CHECK_GROUPS] = {"check_groups", OTA_SQL_COLD,
		"SELECT g.product_key || ' ' || g.name, g.members, COUNT(q.device_id) FROM device_group g LEFT JOIN group_member q"
		" ON q.group_id = g.id WHERE g.gone = 0 GROUP BY g.id, g.product_key, g.name, g.members"
		" HAVING COUNT(q.device_id) <> g.members LIMIT $1"},
	[OTA_SQL_CHECK_UNFINISHED] = {"check_unfinished", OTA_SQL_COLD,
		"SELECT CAST(device_id AS TEXT) || ' ' || module, 1, COUNT(*) FROM task WHERE " UNFINISHED
		" GROUP BY device_id, module HAVING COUNT(*) > 1 LIMIT $1"},
	[OTA_SQL_CHECK_ACTIVE] = {"check_active", OTA_SQL_COLD,
		"SELECT CAST(device_id AS TEXT), 1, COUNT(*) FROM task WHERE state IN ('pushed', 'upgrading')"
		" GROUP BY device_id HAVING COUNT(*) > 1 LIMIT $1"},
	[OTA_SQL_CHECK_PACKAGES] = {"check_packages", OTA_SQL_COLD,
		"SELECT a.id, p.id, p.product_key, p.module, p.version, a.size, a.sha256 FROM artifact a"
		" JOIN package p ON p.id = a.package_id WHERE p.yanked = 0 AND a.url = '' AND a.id > $1 ORDER BY a.id LIMIT $2"},
};
/* clang-format on */

const struct ota_statement *ota_statement(enum ota_sql sql)
{
	assert((unsigned)sql < OTA_SQL_STATEMENTS);
	return &statements[sql];
}
