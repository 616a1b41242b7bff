/*
 * server restore: puts a backup where the server takes it over at its next start. Works on the server's machine, on files alone:
 * who has lost a store has no server to ask.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/backup.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/limits.h"
#include "common/text.h"
#include "ctl/verbs.h"

enum { PIECE_BYTES = 256 * 1024 };

struct restoring {
	const char *backup, *directory;
	const char *sha256; /* NULL = was not said */
	char path[PATH_MAX];
	struct stat owner; /* of the directory: the broker's user, who has to read the file */
};

static int restoring_begin(const struct ota_invocation *invocation, struct restoring *restoring, struct ota_error *error)
{
	*restoring = (struct restoring){
		.backup = invocation->arguments[0],
		.directory = ota_invocation_value(invocation, "store-dir"),
		.sha256 = ota_invocation_value(invocation, "sha256"),
	};
	if (!restoring->directory)
		return ota_fail(error, OTA_EINVALID, "--store-dir is missing: the broker's ota_store_dir");
	if (restoring->sha256 && !ota_text_is_lower_hex(ota_span_from_text(restoring->sha256), OTA_SHA256_HEX))
		return ota_fail(error, OTA_EINVALID, "--sha256 is \"%.64s\"; allowed: 64 hex digits in lower case",
				restoring->sha256);
	if (stat(restoring->directory, &restoring->owner) < 0)
		return ota_fail_errno(error, "--store-dir: cannot look at %s", restoring->directory);
	if (!S_ISDIR(restoring->owner.st_mode))
		return ota_fail(error, OTA_EINVALID, "--store-dir: %s is not a directory", restoring->directory);
	if (!ota_file_join(restoring->path, sizeof(restoring->path) - 16, restoring->directory, OTA_RESTORE_FILE))
		return ota_fail(error, OTA_EINVALID, "--store-dir: is too long");
	return ota_backup_check_file(restoring->backup, error);
}

/* What comes out is what was read: the digest is made on the way. */
static int bytes_copy(int from, int to, struct ota_digest *digest, struct ota_error *error)
{
	OTA_AUTO_FREE char *piece = malloc(PIECE_BYTES);
	ssize_t size = 1;
	int code = piece ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");

	while (code == 0 && size > 0) {
		size = read(from, piece, PIECE_BYTES);
		if (size < 0)
			return ota_fail_errno(error, "cannot read the backup");
		code = ota_file_write_all(to, piece, (size_t)size, error);
		if (code == 0)
			code = ota_digest_update(digest, piece, (size_t)size);
	}
	return code;
}

static int copy(const struct restoring *restoring, int to, struct ota_digest_result *ret_digests, struct ota_error *error)
{
	OTA_AUTO_CLOSE int from = open(restoring->backup, O_RDONLY | O_CLOEXEC);
	struct ota_digest *digest = ota_digest_new();
	int code = 0;

	if (from < 0)
		code = ota_fail_errno(error, "cannot open %s", restoring->backup);
	else if (!digest)
		code = ota_fail(error, OTA_ENOMEM, "out of memory");
	if (code == 0)
		code = bytes_copy(from, to, digest, error);
	if (code == 0)
		code = ota_digest_finish(digest, ret_digests);
	ota_digest_free(digest);
	return code;
}

static int judge(const struct restoring *restoring, int fd, const struct ota_digest_result *digests, struct ota_error *error)
{
	if (restoring->sha256 && strcmp(restoring->sha256, digests->sha256) != 0)
		return ota_fail(error, OTA_EVERIFY, "%s has the SHA-256 %s, not the one that was said", restoring->backup,
				digests->sha256);
	if (restoring->owner.st_uid != geteuid() && fchown(fd, restoring->owner.st_uid, restoring->owner.st_gid) < 0)
		return ota_fail_errno(error, "cannot give the file to the owner of %s: do this as root", restoring->directory);
	return 0;
}

/* A log that an interrupted start left belongs to the file that is replaced. */
static void leftovers_remove(const struct restoring *restoring)
{
	static const char *const suffixes[] = { "-wal", "-shm" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		(void)snprintf(path, sizeof(path), "%.*s%s", PATH_MAX - 8, restoring->path, suffixes[i]);
		unlink(path);
	}
}

static int put(const struct restoring *restoring, struct ota_digest_result *ret_digests, struct ota_error *error)
{
	char temporary[PATH_MAX];
	int code = 0;

	(void)snprintf(temporary, sizeof(temporary), "%.*s.XXXXXX", PATH_MAX - 8, restoring->path);
	OTA_AUTO_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return ota_fail_errno(error, "cannot create a file in %s", restoring->directory);
	code = copy(restoring, fd, ret_digests, error);
	if (code == 0)
		code = judge(restoring, fd, ret_digests, error);
	if (code == 0) {
		leftovers_remove(restoring);
		code = ota_file_commit(fd, temporary, restoring->path, error);
	}
	if (code < 0)
		unlink(temporary);
	return code;
}

int ota_server_restore(struct ota_invocation *invocation, struct ota_error *error)
{
	struct ota_digest_result digests;
	struct restoring restoring;
	OTA_AUTO_JSON cJSON *answer = cJSON_CreateObject();
	int code = restoring_begin(invocation, &restoring, error);

	if (code == 0)
		code = put(&restoring, &digests, error);
	if (code < 0)
		return code;
	if (!cJSON_AddStringToObject(answer, "path", restoring.path) ||
	    !cJSON_AddNumberToObject(answer, "bytes", (double)digests.size) ||
	    !cJSON_AddStringToObject(answer, "sha256", digests.sha256))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	ota_output_one(&invocation->output, invocation->verb->view, answer);
	(void)fputs("the broker takes it over at its next start: restart it, and then the gateway\n", invocation->messages);
	return 0;
}
