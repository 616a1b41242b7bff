#include "plugin/store/schema.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "common/text.h"
#include "plugin/store/store.h"

static const char root[] = "CREATE TABLE IF NOT EXISTS meta (name {text} PRIMARY KEY, value {text}) {keyed}";

/* clang-format off */
static const char *const step_1[] = {
	"CREATE TABLE lease (name {text} PRIMARY KEY, next_value {int}) {keyed}",
	"INSERT INTO lease (name, next_value) VALUES ('id', 1)",
	"CREATE TABLE node (id {id}, applied {int}, heard_ms {int}) {heap}",
	"CREATE TABLE answer (request {text} PRIMARY KEY, answer {text}, at_ms {int}) {heap}",
	"CREATE INDEX answer_at ON answer (at_ms)",
	"CREATE TABLE operator (token_hash {text} PRIMARY KEY, name {text}, role {text}, created_ms {int},"
		" expires_ms {int}) {keyed}",

	"CREATE TABLE product (product_key {text} PRIMARY KEY, rev {int}, name {text}, open_registration {flag},"
		" sign {text}, created_ms {int}, devices {int}) {keyed}",

	"CREATE TABLE device (id {id}, rev {int}, product_key {text} REFERENCES product, device_name {text},"
		" bucket {int}, created_ms {int}, last_seen_ms {int}, caps {int}, agent {text}, barred {flag}) {heap}",
	"CREATE UNIQUE INDEX device_identity ON device (product_key, device_name)",

	/* product_key and device_name are the device's own and never change: one index finds who runs a version, by name. */
	"CREATE TABLE device_module (device_id {int} REFERENCES device, module {text}, version {text}, version_ms {int},"
		" boot_id {text}, candidate {text}, candidate_wall_ms {int}, candidate_due {int}, loop_count {int},"
		" loop_since {int}, product_key {text}, device_name {text}, PRIMARY KEY (device_id, module)) {keyed}",
	"CREATE INDEX device_module_running ON device_module (product_key, module, version, device_name)",
	"CREATE INDEX device_module_due ON device_module (candidate_due) WHERE candidate_due > 0",
	"CREATE TABLE version_count (product_key {text}, module {text}, version {text}, n {int},"
		" PRIMARY KEY (product_key, module, version)) {keyed}",

	"CREATE TABLE package (id {id}, rev {int}, product_key {text} REFERENCES product, module {text}, version {text},"
		" notes {text}, ext_data {text}, created_ms {int}, created_by {text}, yanked {flag}, verification {text},"
		" verified_sha256 {text}) {heap}",
	"CREATE UNIQUE INDEX package_version ON package (product_key, module, version)",
	"CREATE TABLE artifact (id {id}, base_version {text}, size {int}, sha256 {text}, md5 {text},"
		" package_id {int} REFERENCES package) {heap}",
	"CREATE UNIQUE INDEX artifact_base ON artifact (package_id, base_version)",

	"CREATE TABLE batch (id {id}, rev {int}, product_key {text}, package_id {int} REFERENCES package, module {text},"
		" version {text}, name {text}, kind {text}, all_devices {flag}, skip_conflicts {flag}, strategy {text},"
		" created_ms {int}, created_by {text}, state {text}, reason {text}, total {int}, prepared {flag},"
		" prepare_after {text}, canceling {flag}, cancel_revokes {flag}, started_ms {int}, ended_ms {int},"
		" ends_ms {int}) {heap}",
	"CREATE INDEX batch_open ON batch (id) WHERE (state IN ('planned', 'running', 'paused') OR canceling = 1)",
	"CREATE TABLE batch_count (batch_id {int}, state {text}, cause {text}, n {int},"
		" PRIMARY KEY (batch_id, state, cause)) {keyed}",
	"CREATE TABLE batch_exclusion (batch_id {int}, why {text}, n {int}, PRIMARY KEY (batch_id, why)) {keyed}",
	"CREATE TABLE batch_target (batch_id {int}, device_name {text}, PRIMARY KEY (batch_id, device_name)) {keyed}",

	"CREATE TABLE task (id {id}, rev {int}, batch_id {int} REFERENCES batch, device_id {int} REFERENCES device,"
		" module {text}, package_id {int}, version {text}, created_ms {int}, state {text}, due_at {int},"
		" from_version {text}, reason {text}, cause {text}, mark {text}, phase {text}, attempt {int}, step {int},"
		" description {text}, boot_id {text}, updated_ms {int}, pushes {int}, last_push_at {int}, answered {flag},"
		" repush_at {int}, deadline_at {int}, deadline_left_ms {int}) {heap}",
	"CREATE UNIQUE INDEX task_unfinished ON task (device_id, module)"
		" WHERE state IN ('pending', 'pushed', 'upgrading')",
	"CREATE INDEX task_due ON task (due_at, id) WHERE due_at > 0",
	"CREATE INDEX task_batch ON task (batch_id, id)",
	"CREATE INDEX task_batch_state ON task (batch_id, state, id)",
	"CREATE INDEX task_device ON task (device_id, id)",
	"CREATE TABLE attempt (task_id {int} REFERENCES task, number {int}, pushed_ms {int}, started_ms {int},"
		" delivered_ms {int}, ended_ms {int}, cause {text}, description {text}, PRIMARY KEY (task_id, number)) {keyed}",

	"CREATE TABLE event (id {id}, at_ms {int}, product_key {text}, device_id {int}, batch_id {int}, task_id {int},"
		" event {text}, detail {text}, actor {text}) {heap}",
	"CREATE INDEX event_product ON event (product_key, id)",
	"CREATE INDEX event_device ON event (device_id, id) WHERE device_id > 0",
	"CREATE INDEX event_batch ON event (batch_id, id) WHERE batch_id > 0",
	NULL,
};

static const char *const step_2[] = {
	"ALTER TABLE operator ADD COLUMN created_by {text} DEFAULT ''",
	"ALTER TABLE operator ADD COLUMN last_used_ms {int} DEFAULT 0",
	"CREATE UNIQUE INDEX operator_name ON operator (name)",
	"CREATE INDEX event_at ON event (at_ms, id)",
	/* What had ended when the batch was last resumed: the abort rule counts from there. */
	"ALTER TABLE batch ADD COLUMN resumed_failed {int} DEFAULT 0",
	"ALTER TABLE batch ADD COLUMN resumed_reported {int} DEFAULT 0",
	"DELETE FROM version_count WHERE n <= 0",
	/* A push timer that stood still had no other beside it: as if the device had left while the server was down. */
	"UPDATE task SET deadline_at = 1, due_at = 1, deadline_left_ms = 0 WHERE state = 'pushed' AND deadline_at = 0",
	"ALTER TABLE artifact ADD COLUMN url {text} DEFAULT ''",
	"CREATE INDEX batch_package ON batch (package_id, id)",
	"CREATE INDEX device_bucket ON device (bucket)",
	"CREATE TABLE device_tag (device_id {int} REFERENCES device, tag {text}, value {text}, product_key {text},"
		" device_name {text}, PRIMARY KEY (device_id, tag)) {keyed}",
	"CREATE INDEX device_tag_value ON device_tag (product_key, tag, value, device_name)",
	/* Apart from the device's own row, which every report touches. */
	"CREATE TABLE device_secret (device_id {id} REFERENCES device, sealed {text}, at_ms {int}) {heap}",
	"ALTER TABLE attempt ADD COLUMN bytes {int} DEFAULT 0",
	"ALTER TABLE attempt ADD COLUMN fetched_ms {int} DEFAULT 0",
	NULL,
};

static const char *const step_3[] = {
	/* An operator shut the device out: it may not connect until he lets it in again. */
	"ALTER TABLE device ADD COLUMN disabled {flag} DEFAULT 0",
	/* A package of several files. */
	"ALTER TABLE artifact ADD COLUMN file_name {text} DEFAULT ''",
	"ALTER TABLE artifact ADD COLUMN position {int} DEFAULT 0",
	"DROP INDEX artifact_base",
	"CREATE UNIQUE INDEX artifact_base ON artifact (package_id, base_version, position)",
	/* The files of the package that went through to their last byte, a bit each. */
	"ALTER TABLE attempt ADD COLUMN fetched_files {int} DEFAULT 0",
	"ALTER TABLE batch ADD COLUMN tags {text} DEFAULT ''",
	"ALTER TABLE product ADD COLUMN delivery {text} DEFAULT 'http'",
	"CREATE INDEX device_disabled ON device (product_key, device_name) WHERE disabled = 1",
	/* A target expression: apart from the batch's own row, which every change of the batch touches. */
	"CREATE TABLE batch_where (batch_id {id} REFERENCES batch, expression {text}) {heap}",
	NULL,
};

static const char *const step_4[] = {
	/* Counts of a batch, by stage as well. */
	"CREATE TABLE stage_count (batch_id {int}, stage {int}, state {text}, cause {text}, n {int}, resumed {int} DEFAULT 0,"
		" PRIMARY KEY (batch_id, stage, state, cause)) {keyed}",
	/* Which causes had come before a resume was not kept: their sum was, and goes to one after the other. */
	"INSERT INTO stage_count (batch_id, stage, state, cause, n, resumed) SELECT c.batch_id, 0, c.state, c.cause, c.n,"
		" CASE WHEN c.cause = 'version_reported' THEN b.resumed_reported"
		" WHEN c.state <> 'failed' OR b.resumed_failed <= c.before_it THEN 0"
		" WHEN b.resumed_failed - c.before_it < c.n THEN b.resumed_failed - c.before_it ELSE c.n END"
		" FROM (SELECT batch_id, state, cause, n,"
		" CAST(SUM(n) OVER (PARTITION BY batch_id, state ORDER BY cause) AS BIGINT) - n AS before_it FROM batch_count) c"
		" JOIN batch b ON b.id = c.batch_id",
	"DROP TABLE batch_count",
	"ALTER TABLE stage_count RENAME TO batch_count",
	"ALTER TABLE batch DROP COLUMN resumed_failed",
	"ALTER TABLE batch DROP COLUMN resumed_reported",
	"ALTER TABLE task ADD COLUMN stage {int} DEFAULT 0",
	"ALTER TABLE task ADD COLUMN confirmed {flag} DEFAULT 0",
	/* Its device left with the offer and holds no place of the batch any more. */
	"ALTER TABLE task ADD COLUMN parked {flag} DEFAULT 0",
	"ALTER TABLE batch ADD COLUMN supersedes {flag} DEFAULT 0",
	/* Who was registered by its own report began at 0, where an operator can name no revision. */
	"UPDATE device SET rev = 1 WHERE rev = 0",
	"ALTER TABLE batch ADD COLUMN source_batch {int} DEFAULT 0",
	"ALTER TABLE batch ADD COLUMN source_state {text} DEFAULT ''",
	/* Where a batch stands between its gates: apart from its own row, which an operator's change may name by its revision. */
	"CREATE TABLE batch_flow (batch_id {id} REFERENCES batch, stage {int}, stage_at {int}, met_at {int}, ramp_at {int},"
		" spent_at_us {int}, parked {int}, confirmed_to {int}, paused_at {int}, watched {flag}) {heap}",
	/* Asked at each inform that settled. */
	"CREATE INDEX batch_dynamic ON batch (product_key, id) WHERE kind = 'dynamic' AND state IN ('planned', 'running', 'paused')",
	"CREATE INDEX batch_flow_watched ON batch_flow (batch_id) WHERE watched = 1",
	/* Asking devices to give up: what became of it, and how far a batch's walk has come. */
	"ALTER TABLE task ADD COLUMN ask {text} DEFAULT ''",
	"ALTER TABLE task ADD COLUMN ask_until {int} DEFAULT 0",
	"CREATE INDEX task_ask_until ON task (ask_until) WHERE ask_until > 0",
	"CREATE TABLE ask_count (batch_id {int}, ask {text}, n {int}, PRIMARY KEY (batch_id, ask)) {keyed}",
	"ALTER TABLE batch ADD COLUMN cancel_level {text} DEFAULT 'withdraw'",
	"ALTER TABLE batch ADD COLUMN cancel_after {int} DEFAULT 0",
	"UPDATE batch SET cancel_level = 'revoke' WHERE cancel_revokes = 1",
	"ALTER TABLE batch DROP COLUMN cancel_revokes",
	/* Lists of devices that an operator keeps. A group that was deleted is gone at once, its members go in pieces. */
	"CREATE TABLE device_group (id {id}, rev {int}, product_key {text} REFERENCES product, name {text}, created_ms {int},"
		" created_by {text}, members {int}, gone {flag}) {heap}",
	"CREATE UNIQUE INDEX device_group_name ON device_group (product_key, name) WHERE gone = 0",
	"CREATE INDEX device_group_gone ON device_group (id) WHERE gone = 1",
	"CREATE TABLE group_member (group_id {int} REFERENCES device_group, device_name {text}, device_id {int} REFERENCES device,"
		" PRIMARY KEY (group_id, device_name)) {keyed}",
	"CREATE INDEX group_member_device ON group_member (device_id, group_id)",
	/* When each stage opened. */
	"CREATE TABLE batch_stage (batch_id {int}, stage {int}, opened_ms {int}, PRIMARY KEY (batch_id, stage)) {keyed}",
	NULL,
};
/* clang-format on */

static const struct ota_schema_step steps[] = {
	{step_1},
	{step_2},
	{step_3},
	{step_4},
};
_Static_assert(sizeof(steps) / sizeof(steps[0]) == OTA_STORE_SCHEMA, "OTA_STORE_SCHEMA counts the steps");

static const struct ota_schema own = {steps, OTA_STORE_SCHEMA};

const struct ota_schema *ota_schema(void)
{
	return &own;
}

const char *ota_schema_root(void)
{
	return root;
}

/* A word of the schema, indexed by enum ota_dialect. */
static const struct schema_word {
	const char *word;
	const char *spelled[2];
} schema_words[] = {
	{"{id}", {"INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY"}}, /* SQLite: the row's own number, no second index */
	{"{int}", {"INTEGER NOT NULL", "BIGINT NOT NULL"}},
	{"{flag}", {"INTEGER NOT NULL", "SMALLINT NOT NULL"}},
	{"{text}", {"TEXT NOT NULL", "TEXT COLLATE \"C\" NOT NULL"}},
	{"{heap}", {"STRICT", ""}},
	{"{keyed}", {"WITHOUT ROWID, STRICT", ""}},
};

static const struct schema_word *schema_word_at(const char *text)
{
	for (size_t i = 0; i < sizeof(schema_words) / sizeof(schema_words[0]); i++) {
		if (!strncmp(text, schema_words[i].word, strlen(schema_words[i].word)))
			return &schema_words[i];
	}
	return NULL;
}

void ota_schema_print(const char *statement, enum ota_dialect dialect, struct ota_bytes *out)
{
	const char *brace = NULL;

	while ((brace = strchr(statement, '{'))) {
		const struct schema_word *word = schema_word_at(brace);

		assert(word);
		ota_bytes_append(out, statement, (size_t)(brace - statement));
		ota_bytes_text(out, word->spelled[dialect]);
		statement = brace + strlen(word->word);
	}
	ota_bytes_text(out, statement);
}

static int statement_execute(struct ota_db *db, const char *statement, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes sql = {0};

	ota_schema_print(statement, ota_db_dialect(db), &sql);
	if (sql.failed)
		return ota_fail(error, OTA_ENOMEM, "no memory for a step of the schema");
	return ota_db_execute(db, sql.data, error);
}

static int version_load(struct ota_db *db, int64_t *ret_version, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, db, OTA_SQL_META_FIND);
	ota_query_text(&query, "schema");
	*ret_version = 0;
	status = ota_query_step(&query, error);
	if (status > 0 && !ota_text_parse_i64(ota_query_column_text(&query, 0), ret_version))
		status = ota_fail(error, OTA_ECORRUPT, "the schema's version is not a number");
	ota_query_end(&query);
	return status < 0 ? status : 0;
}

static int version_save(struct ota_db *db, size_t version, struct ota_error *error)
{
	struct ota_query query;
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	int status = 0;

	ota_bytes_format(&text, "%zu", version);
	if (text.failed)
		return ota_fail(error, OTA_ENOMEM, "no memory for the schema's version");
	ota_query_start(&query, db, OTA_SQL_META_SAVE);
	ota_query_text(&query, "schema");
	ota_query_text(&query, text.data);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

static int step_run(struct ota_db *db, const struct ota_schema_step *step, struct ota_error *error)
{
	for (const char *const *statement = step->statements; *statement; statement++) {
		int status = statement_execute(db, *statement, error);

		if (status < 0)
			return status;
	}
	return 0;
}

/* One turn inside a transaction: looks where the store is and takes it one step further, if one is left (else *ret_done). */
static int migrate_once(struct ota_db *db, const struct ota_schema *schema, bool *ret_done, struct ota_error *error)
{
	int64_t version = 0;
	int status = statement_execute(db, root, error);

	if (status == 0)
		status = version_load(db, &version, error);
	if (status < 0)
		return status;
	if (version < 0 || (uint64_t)version > schema->count)
		return ota_fail(error, OTA_EVERSION,
				"the store has schema %lld, this software knows %zu: start the newer version", (long long)version,
				schema->count);
	*ret_done = (size_t)version == schema->count;
	if (*ret_done)
		return 0;
	status = step_run(db, &schema->steps[version], error);
	if (status == 0)
		status = version_save(db, (size_t)version + 1, error);
	return status < 0 ? ota_error_prefix(error, status, "schema step %lld", (long long)version + 1) : 0;
}

int ota_schema_migrate(struct ota_db *db, const struct ota_schema *schema, struct ota_error *error)
{
	bool done = false;

	while (!done) {
		int status = ota_db_transact(db, OTA_TRANSACTION_BEGIN, error);

		if (status == 0)
			status = migrate_once(db, schema, &done, error);
		if (status == 0)
			status = ota_db_transact(db, OTA_TRANSACTION_COMMIT, error);
		if (status < 0) {
			(void)ota_db_transact(db, OTA_TRANSACTION_ROLLBACK, NULL);
			return status;
		}
	}
	return 0;
}
