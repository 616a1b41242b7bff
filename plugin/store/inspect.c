#include "plugin/store/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/file.h"

enum { COMPLAINTS_MAX = 20, RECOUNT_ROWS = 10, PACKAGE_ROWS = 50, READ_BYTES = 256 * 1024 };

/* How far a check is when it comes to its packages, which are all but everything of a deep one. */
enum { PERCENT_COUNTERS = 20, PERCENT_PACKAGES = 30 };

struct inspecting {
	struct ota_db *db;
	const struct ota_inspection *options;
	struct ota_findings *findings;
};

/* --- the database itself --- */

static void complaint_tell(void *context, const char *complaint)
{
	ota_findings_add(context, OTA_FINDING_ERROR, "store",
			 "the store is damaged (%s): stop the broker and restore a backup with otactl server restore", complaint);
}

static int damage_inspect(const struct inspecting *at, struct ota_error *error)
{
	const struct ota_db_complaints complaints = {complaint_tell, at->findings, COMPLAINTS_MAX};
	struct ota_error own = {0};
	int status = ota_db_examine(at->db, &complaints, &own);

	/* So damaged that even the search for damage ends there. */
	if (status == OTA_ECORRUPT) {
		complaint_tell(at->findings, own.text);
		return 0;
	}
	if (status < 0 && error)
		*error = own;
	return status;
}

/* --- numbers that are kept and rules that always hold --- */

struct recount {
	char label[2 * OTA_LABEL_MAX + 1];
	int64_t kept, counted;
};

static const struct ota_field recount_fields[] = {
	OTA_FIELD(TEXT, struct recount, label),
	OTA_FIELD(INTEGER, struct recount, kept),
	OTA_FIELD(INTEGER, struct recount, counted),
};

/* Each statement finds only rows that break its rule, and the sentence takes label, kept and counted. */
static const struct rule {
	enum ota_sql sql;
	const char *part;
	const char *sentence;
} rules[] = {
	{OTA_SQL_CHECK_BATCHES, "counters", "batch %s: %lld tasks are kept count of, there are %lld"},
	{OTA_SQL_CHECK_ASKS, "counters", "batch %s: %lld asked tasks are kept count of, there are %lld"},
	{OTA_SQL_CHECK_VERSIONS, "counters", "version %s: %lld devices are kept count of, there are %lld"},
	{OTA_SQL_CHECK_PRODUCTS, "counters", "product %s: %lld devices are kept count of, there are %lld"},
	{OTA_SQL_CHECK_GROUPS, "counters", "group %s: %lld members are kept count of, there are %lld"},
	{OTA_SQL_CHECK_UNFINISHED, "tasks", "device %s: %lld unfinished task of a module is allowed, there are %lld"},
	{OTA_SQL_CHECK_ACTIVE, "tasks", "device %s: %lld task may be pushed or upgrading, there are %lld"},
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

static void rule_tell(struct ota_findings *findings, const struct rule *rule, const struct recount *row)
{
	char text[OTA_FINDING_TEXT_MAX];

	/* The format is a row of the table above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), rule->sentence, row->label, (long long)row->kept, (long long)row->counted);
#pragma GCC diagnostic pop
	ota_findings_add(findings, OTA_FINDING_ERROR, rule->part, "%s: please report this, with the log of the broker", text);
}

static int rule_inspect(const struct inspecting *at, const struct rule *rule, struct ota_error *error)
{
	const struct ota_layout layout = OTA_LAYOUT(recount_fields, struct recount);
	struct recount rows[RECOUNT_ROWS];
	struct ota_query query;
	size_t count = 0;
	int status = 0;

	ota_query_start(&query, at->db, rule->sql);
	status = ota_query_list(&query, &layout, (struct ota_page){rows, RECOUNT_ROWS, &count}, error);
	for (size_t i = 0; status == 0 && i < count; i++)
		rule_tell(at->findings, rule, &rows[i]);
	return status;
}

/* --- packages --- */

struct package_file {
	int64_t artifact;
	int64_t id;
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	char module[OTA_MODULE_MAX + 1];
	char version[OTA_VERSION_MAX + 1];
	uint64_t size;
	char sha256[OTA_SHA256_HEX + 1];
};

static const struct ota_field package_fields[] = {
	OTA_FIELD(INTEGER, struct package_file, artifact), OTA_FIELD(INTEGER, struct package_file, id),
	OTA_FIELD(TEXT, struct package_file, product_key), OTA_FIELD(TEXT, struct package_file, module),
	OTA_FIELD(TEXT, struct package_file, version),     OTA_FIELD(INTEGER, struct package_file, size),
	OTA_FIELD(TEXT, struct package_file, sha256),
};

static void package_tell(const struct inspecting *at, const struct package_file *package, const char *what)
{
	ota_findings_add(at->findings, OTA_FINDING_ERROR, "packages",
			 "package %lld (%s %s %s): its file %s/%s %s: devices cannot update to it; put the right file back "
			 "under that name",
			 (long long)package->id, package->product_key, package->module, package->version,
			 at->options->package_dir, package->sha256, what);
}

/* The whole file, in pieces between which a stop is heard. */
static int digest_compute(const struct inspecting *at, int fd, int percent, struct ota_digest_result *ret_result,
			  struct ota_error *error)
{
	static const struct ota_digest_result nothing;
	struct ota_digest *digest = ota_digest_new();
	OTA_AUTO_FREE char *piece = malloc(READ_BYTES);
	ssize_t size = 1;
	int status = digest && piece ? 0 : ota_fail(error, OTA_ENOMEM, "no memory to read a package");

	*ret_result = nothing;
	while (status == 0 && size > 0) {
		size = read(fd, piece, READ_BYTES);
		if (size < 0)
			status = ota_fail_errno(error, "cannot read a package");
		else if (!ota_pulse_beat(at->options->pulse, percent))
			status = ota_fail(error, OTA_ECANCELED, "the check was stopped");
		else
			status = ota_digest_update(digest, piece, (size_t)size);
	}
	if (status == 0)
		status = ota_digest_finish(digest, ret_result);
	ota_digest_free(digest);
	return status;
}

static int package_inspect(const struct inspecting *at, const struct package_file *package, int percent, struct ota_error *error)
{
	char path[PATH_MAX];
	OTA_AUTO_CLOSE int fd = -1;
	struct ota_digest_result digests;
	struct stat file;
	int status = 0;

	if (!ota_file_join(path, sizeof(path), at->options->package_dir, package->sha256))
		return ota_fail(error, OTA_ELIMIT, "the package directory's name is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &file) < 0) {
		package_tell(at, package, errno == ENOENT ? "is missing" : "cannot be read");
		return 0;
	}
	if ((uint64_t)file.st_size != package->size) {
		package_tell(at, package, "has another size than when it was added");
		return 0;
	}
	if (!at->options->deep)
		return 0;
	status = digest_compute(at, fd, percent, &digests, error);
	if (status == OTA_ECANCELED)
		return status;
	if (status < 0 || strcmp(digests.sha256, package->sha256) != 0)
		package_tell(at, package, status < 0 ? "cannot be read to its end" : "has other bytes than when it was added");
	return 0;
}

static int packages_page(const struct inspecting *at, int64_t after, struct package_file rows[PACKAGE_ROWS], size_t *ret_count,
			 struct ota_error *error)
{
	const struct ota_layout layout = OTA_LAYOUT(package_fields, struct package_file);
	struct ota_query query;

	ota_query_start(&query, at->db, OTA_SQL_CHECK_PACKAGES);
	ota_query_integer(&query, after);
	return ota_query_list(&query, &layout, (struct ota_page){rows, PACKAGE_ROWS, ret_count}, error);
}

/* Nobody knows how many are left without counting: each page takes half of what is left of the way. */
static int packages_inspect(const struct inspecting *at, struct ota_error *error)
{
	struct package_file rows[PACKAGE_ROWS];
	size_t count = PACKAGE_ROWS;
	int64_t after = 0;
	int percent = PERCENT_PACKAGES, status = 0;

	while (status == 0 && count == PACKAGE_ROWS) {
		status = packages_page(at, after, rows, &count, error);
		for (size_t i = 0; status == 0 && i < count; i++)
			status = package_inspect(at, &rows[i], percent, error);
		if (status == 0 && !ota_pulse_beat(at->options->pulse, percent))
			status = ota_fail(error, OTA_ECANCELED, "the check was stopped");
		percent += (100 - percent) / 2;
		after = count > 0 ? rows[count - 1].artifact : after;
	}
	return status;
}

int ota_inspect_store(struct ota_db *db, const struct ota_inspection *inspection, struct ota_findings *findings,
		      struct ota_error *error)
{
	const struct inspecting at = {db, inspection, findings};
	size_t found = findings->count;
	int status = damage_inspect(&at, error);

	/* What is damaged is not worth counting. */
	if (status < 0 || findings->count > found)
		return status;
	for (size_t i = 0; status == 0 && i < RULES; i++) {
		if (!ota_pulse_beat(inspection->pulse, PERCENT_COUNTERS + (int)i))
			return ota_fail(error, OTA_ECANCELED, "the check was stopped");
		status = rule_inspect(&at, &rules[i], error);
	}
	return status == 0 ? packages_inspect(&at, error) : status;
}
