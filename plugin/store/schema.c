#include "plugin/store/schema.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "common/text.h"
#include "plugin/store/store.h"

static const char root[] = "CREATE TABLE IF NOT EXISTS meta (name {text} NOT NULL PRIMARY KEY, value {text} NOT NULL) {keyed}";

/* clang-format off */
static const char *const step_1[] = {
	"CREATE TABLE lease (name {text} NOT NULL PRIMARY KEY, next_value {int} NOT NULL) {keyed}",
	"INSERT INTO lease (name, next_value) VALUES ('id', 1)",
	"CREATE TABLE node (id {id}, applied {int} NOT NULL, heard_ms {int} NOT NULL) {heap}",
	"CREATE TABLE answer (request {text} NOT NULL PRIMARY KEY, answer {text} NOT NULL, at_ms {int} NOT NULL) {heap}",
	"CREATE INDEX answer_at ON answer (at_ms)",
	"CREATE TABLE operator (token_hash {text} NOT NULL PRIMARY KEY, name {text} NOT NULL, role {text} NOT NULL,"
		" created_ms {int} NOT NULL, expires_ms {int} NOT NULL) {keyed}",

	"CREATE TABLE product (product_key {text} NOT NULL PRIMARY KEY, rev {int} NOT NULL, name {text} NOT NULL,"
		" open_registration {flag} NOT NULL, sign {text} NOT NULL, created_ms {int} NOT NULL, devices {int} NOT NULL) {keyed}",

	"CREATE TABLE device (id {id}, rev {int} NOT NULL, product_key {text} NOT NULL REFERENCES product, device_name {text} NOT NULL,"
		" bucket {int} NOT NULL, created_ms {int} NOT NULL, last_seen_ms {int} NOT NULL, caps {int} NOT NULL,"
		" agent {text} NOT NULL, barred {flag} NOT NULL) {heap}",
	"CREATE UNIQUE INDEX device_identity ON device (product_key, device_name)",

	/* product_key and device_name are the device's own, which never change: with them one index finds who runs a version, in order of names. */
	"CREATE TABLE device_module (device_id {int} NOT NULL REFERENCES device, module {text} NOT NULL, version {text} NOT NULL,"
		" version_ms {int} NOT NULL, boot_id {text} NOT NULL, candidate {text} NOT NULL, candidate_wall_ms {int} NOT NULL,"
		" candidate_due {int} NOT NULL, loop_count {int} NOT NULL, loop_since {int} NOT NULL, product_key {text} NOT NULL,"
		" device_name {text} NOT NULL, PRIMARY KEY (device_id, module)) {keyed}",
	"CREATE INDEX device_module_running ON device_module (product_key, module, version, device_name)",
	"CREATE INDEX device_module_due ON device_module (candidate_due) WHERE candidate_due > 0",
	"CREATE TABLE version_count (product_key {text} NOT NULL, module {text} NOT NULL, version {text} NOT NULL, n {int} NOT NULL,"
		" PRIMARY KEY (product_key, module, version)) {keyed}",

	"CREATE TABLE package (id {id}, rev {int} NOT NULL, product_key {text} NOT NULL REFERENCES product, module {text} NOT NULL,"
		" version {text} NOT NULL, notes {text} NOT NULL, ext_data {text} NOT NULL, created_ms {int} NOT NULL,"
		" created_by {text} NOT NULL, yanked {flag} NOT NULL, verification {text} NOT NULL, verified_sha256 {text} NOT NULL) {heap}",
	"CREATE UNIQUE INDEX package_version ON package (product_key, module, version)",
	"CREATE TABLE artifact (id {id}, base_version {text} NOT NULL, size {int} NOT NULL, sha256 {text} NOT NULL, md5 {text} NOT NULL,"
		" package_id {int} NOT NULL REFERENCES package) {heap}",
	"CREATE UNIQUE INDEX artifact_base ON artifact (package_id, base_version)",

	"CREATE TABLE batch (id {id}, rev {int} NOT NULL, product_key {text} NOT NULL, package_id {int} NOT NULL REFERENCES package,"
		" module {text} NOT NULL, version {text} NOT NULL, name {text} NOT NULL, kind {text} NOT NULL, all_devices {flag} NOT NULL,"
		" skip_conflicts {flag} NOT NULL, strategy {text} NOT NULL, created_ms {int} NOT NULL, created_by {text} NOT NULL,"
		" state {text} NOT NULL, reason {text} NOT NULL, total {int} NOT NULL, prepared {flag} NOT NULL,"
		" prepare_after {text} NOT NULL, canceling {flag} NOT NULL, cancel_revokes {flag} NOT NULL, started_ms {int} NOT NULL,"
		" ended_ms {int} NOT NULL, ends_ms {int} NOT NULL) {heap}",
	"CREATE INDEX batch_open ON batch (id) WHERE (state IN ('planned', 'running', 'paused') OR canceling = 1)",
	"CREATE TABLE batch_count (batch_id {int} NOT NULL, state {text} NOT NULL, cause {text} NOT NULL, n {int} NOT NULL,"
		" PRIMARY KEY (batch_id, state, cause)) {keyed}",
	"CREATE TABLE batch_exclusion (batch_id {int} NOT NULL, why {text} NOT NULL, n {int} NOT NULL, PRIMARY KEY (batch_id, why)) {keyed}",
	"CREATE TABLE batch_target (batch_id {int} NOT NULL, device_name {text} NOT NULL, PRIMARY KEY (batch_id, device_name)) {keyed}",

	"CREATE TABLE task (id {id}, rev {int} NOT NULL, batch_id {int} NOT NULL REFERENCES batch, device_id {int} NOT NULL REFERENCES device,"
		" module {text} NOT NULL, package_id {int} NOT NULL, version {text} NOT NULL, created_ms {int} NOT NULL, state {text} NOT NULL,"
		" due_at {int} NOT NULL, from_version {text} NOT NULL, reason {text} NOT NULL, cause {text} NOT NULL, mark {text} NOT NULL,"
		" phase {text} NOT NULL, attempt {int} NOT NULL, step {int} NOT NULL, description {text} NOT NULL, boot_id {text} NOT NULL,"
		" updated_ms {int} NOT NULL, pushes {int} NOT NULL, last_push_at {int} NOT NULL, answered {flag} NOT NULL,"
		" repush_at {int} NOT NULL, deadline_at {int} NOT NULL, deadline_left_ms {int} NOT NULL) {heap}",
	"CREATE UNIQUE INDEX task_unfinished ON task (device_id, module) WHERE state IN ('pending', 'pushed', 'upgrading')",
	"CREATE INDEX task_due ON task (due_at, id) WHERE due_at > 0",
	"CREATE INDEX task_batch ON task (batch_id, id)",
	"CREATE INDEX task_batch_state ON task (batch_id, state, id)",
	"CREATE INDEX task_device ON task (device_id, id)",
	"CREATE TABLE attempt (task_id {int} NOT NULL REFERENCES task, number {int} NOT NULL, pushed_ms {int} NOT NULL,"
		" started_ms {int} NOT NULL, delivered_ms {int} NOT NULL, ended_ms {int} NOT NULL, cause {text} NOT NULL,"
		" description {text} NOT NULL, PRIMARY KEY (task_id, number)) {keyed}",

	"CREATE TABLE event (id {id}, at_ms {int} NOT NULL, product_key {text} NOT NULL, device_id {int} NOT NULL, batch_id {int} NOT NULL,"
		" task_id {int} NOT NULL, event {text} NOT NULL, detail {text} NOT NULL, actor {text} NOT NULL) {heap}",
	"CREATE INDEX event_product ON event (product_key, id)",
	"CREATE INDEX event_device ON event (device_id, id) WHERE device_id > 0",
	"CREATE INDEX event_batch ON event (batch_id, id) WHERE batch_id > 0",
	NULL,
};
/* clang-format on */

static const struct ota_schema_step steps[] = {
	{step_1},
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
	{"{int}", {"INTEGER", "BIGINT"}},
	{"{flag}", {"INTEGER", "SMALLINT"}},
	{"{text}", {"TEXT", "TEXT COLLATE \"C\""}},
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

/* One turn inside a transaction: looks where the store is and takes it one step further. *ret_done when there is nothing left to do. */
static int migrate_once(struct ota_db *db, const struct ota_schema *schema, bool *ret_done, struct ota_error *error)
{
	int64_t version = 0;
	int status = statement_execute(db, root, error);

	if (status == 0)
		status = version_load(db, &version, error);
	if (status < 0)
		return status;
	if (version < 0 || (uint64_t)version > schema->count)
		return ota_fail(error, OTA_EVERSION, "the store has schema %lld, this software knows %zu: start the newer version", (long long)version,
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
