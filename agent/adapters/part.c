#include "agent/adapters/part.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/json.h"
#include "common/text.h"

enum {
	PART_MODE = 0600,
	PART_PIECE = 32768,
	CHECKPOINT_MAX = 1024,
};

void agent_part_path(const char *state_dir, const char *module, char *target)
{
	snprintf(target, PATH_MAX, "%s/%s.part", state_dir, module);
}

static void checkpoint_path(const char *state_dir, const char *module, char *target)
{
	snprintf(target, PATH_MAX, "%s/%s.part.json", state_dir, module);
}

/* The checkpoint first: a crash in between leaves bytes that nobody vouches for. */
void agent_part_discard(const char *state_dir, const char *module)
{
	char path[PATH_MAX];

	checkpoint_path(state_dir, module, path);
	unlink(path);
	agent_part_path(state_dir, module, path);
	unlink(path);
}

static const char *offer_digest(const struct ota_offer *offer)
{
	return offer->sign_method == OTA_SIGN_SHA256 ? offer->sha256 : offer->md5;
}

/* True when the checkpoint on disk is of this offer; then also its ETag. */
static bool part_has_checkpoint(struct agent_part *part)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	OTA_AUTO_JSON cJSON *tree = NULL;
	struct ota_json_place at = {.prefix = ""};
	char path[PATH_MAX], digest[OTA_SHA256_HEX + 1] = "", etag[AGENT_ETAG_MAX + 1] = "";
	int64_t size = 0;

	checkpoint_path(part->state_dir, part->offer->module, path);
	if (ota_file_read(path, CHECKPOINT_MAX, &text, NULL) ||
	    ota_json_read((struct ota_span){text.data, text.size}, OTA_JSON_STRICT, CHECKPOINT_MAX, &tree, NULL, NULL))
		return false;
	at.object = tree;
	if (ota_json_text(at, "digest", digest, sizeof(digest), NULL) != 1 ||
	    ota_json_integer(at, "size", 1, OTA_INTEGER_MAX, &size, NULL) != 1 ||
	    ota_json_text(at, "etag", etag, sizeof(etag), NULL) != 1)
		return false;
	if (strcmp(digest, offer_digest(part->offer)) || (uint64_t)size != part->offer->size)
		return false;
	ota_text_cut(part->etag, sizeof(part->etag), etag);
	return true;
}

int agent_part_bind(struct agent_part *part, const char *etag, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	char path[PATH_MAX];

	ota_bytes_format(&text, "{\"digest\":\"%s\",\"size\":%" PRIu64 ",\"etag\":", offer_digest(part->offer),
			 part->offer->size);
	ota_json_quote(&text, etag);
	ota_bytes_text(&text, "}\n");
	if (text.failed)
		return ota_fail(error, OTA_ENOMEM, "no memory for a checkpoint");
	checkpoint_path(part->state_dir, part->offer->module, path);
	ota_text_cut(part->etag, sizeof(part->etag), etag);
	return ota_file_replace(path, (struct ota_span){text.data, text.size}, PART_MODE, error);
}

/* A slot may hold the same file (agent/adapters/slots.h): it keeps it, and we begin another. */
static int part_unshare(struct agent_part *part, struct ota_error *error)
{
	char path[PATH_MAX];
	struct stat status;

	if (fstat(part->fd, &status) < 0 || status.st_nlink <= 1)
		return 0;
	agent_part_path(part->state_dir, part->offer->module, path);
	ota_fd_cleanup(&part->fd);
	part->fd = unlink(path) < 0 ? -1 : open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, PART_MODE);
	return part->fd < 0 ? ota_fail_errno(error, "cannot begin %s anew", path) : 0;
}

int agent_part_restart(struct agent_part *part, struct ota_error *error)
{
	int rc = part_unshare(part, error);

	if (rc)
		return rc;
	part->digest = ota_digest_free(part->digest);
	part->digest = ota_digest_new();
	if (!part->digest)
		return ota_fail(error, OTA_ENOMEM, "no memory for a digest");
	part->size = 0;
	part->resumed = false;
	part->etag[0] = '\0';
	if (ftruncate(part->fd, 0) < 0 || lseek(part->fd, 0, SEEK_SET) < 0)
		return ota_fail_errno(error, "cannot empty the part file");
	return 0;
}

static int part_hash(struct agent_part *part, const struct agent_watch *watch, struct ota_error *error)
{
	char piece[PART_PIECE];

	for (;;) {
		ssize_t size = read(part->fd, piece, sizeof(piece));

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return ota_fail_errno(error, "cannot read the part file");
		if (size == 0)
			return 0;
		if (agent_watch_stopped(watch))
			return ota_fail(error, OTA_ECANCELED, "stopped");
		if (ota_digest_update(part->digest, piece, (size_t)size))
			return ota_fail(error, OTA_EIO, "cannot hash the part file");
		part->size += (uint64_t)size;
	}
}

/* A file that a slot holds was whole once; if it is not any more, going on with it would write into the slot. */
static bool part_is_cut_and_shared(const struct agent_part *part)
{
	struct stat status;

	return part->size < part->offer->size && !fstat(part->fd, &status) && status.st_nlink > 1;
}

static int part_open_file(struct agent_part *part, const struct agent_watch *watch, struct ota_error *error)
{
	char path[PATH_MAX];
	int rc;

	agent_part_path(part->state_dir, part->offer->module, path);
	part->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, PART_MODE);
	if (part->fd < 0)
		return ota_fail_errno(error, "cannot open %s", path);
	part->digest = ota_digest_new();
	if (!part->digest)
		return ota_fail(error, OTA_ENOMEM, "no memory for a digest");
	if (!part_has_checkpoint(part))
		return agent_part_restart(part, error);
	rc = part_hash(part, watch, error);
	if (rc)
		return rc;
	part->resumed = part->size > 0;
	return part->size > part->offer->size || part_is_cut_and_shared(part) ? agent_part_restart(part, error) : 0;
}

int agent_part_open(struct agent_part *part, const char *state_dir, const struct ota_offer *offer,
		    const struct agent_watch *watch, struct ota_error *error)
{
	int rc;

	*part = (struct agent_part){.fd = -1, .offer = offer, .state_dir = state_dir};
	rc = part_open_file(part, watch, error);
	if (rc)
		agent_part_close(part);
	return rc;
}

void agent_part_close(struct agent_part *part)
{
	part->digest = ota_digest_free(part->digest);
	ota_fd_cleanup(&part->fd);
	part->fd = -1;
}

int agent_part_append(struct agent_part *part, const void *data, size_t size, struct ota_error *error)
{
	int rc;

	assert(size <= part->offer->size - part->size);
	rc = ota_file_write_all(part->fd, data, size, error);
	if (rc)
		return rc;
	if (ota_digest_update(part->digest, data, size))
		return ota_fail(error, OTA_EIO, "cannot hash");
	part->size += size;
	return 0;
}

int agent_part_finish(struct agent_part *part, char ret_sha256[OTA_SHA256_HEX + 1], struct ota_error *error)
{
	bool is_sha256 = part->offer->sign_method == OTA_SIGN_SHA256;
	struct ota_digest_result result;

	/* A power cut after our 100 must find the bytes that we vouched for. */
	if (fsync(part->fd) < 0)
		return ota_fail_errno(error, "cannot sync the part file");
	if (ota_digest_finish(part->digest, &result))
		return ota_fail(error, OTA_EIO, "cannot hash");
	if (result.size != part->offer->size)
		return ota_fail(error, OTA_EVERIFY, "%" PRIu64 " bytes, announced were %" PRIu64, result.size, part->offer->size);
	if (strcmp(is_sha256 ? result.sha256 : result.md5, offer_digest(part->offer)))
		return ota_fail(error, OTA_EVERIFY, "%s is %.16s..., announced was %.16s...", is_sha256 ? "SHA-256" : "MD5",
				is_sha256 ? result.sha256 : result.md5, offer_digest(part->offer));
	memcpy(ret_sha256, result.sha256, sizeof(result.sha256));
	return 0;
}
