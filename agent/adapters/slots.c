#include "agent/adapters/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/adapters/hook.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/json.h"
#include "common/text.h"

enum {
	SLOT_DIR_MODE = 0755,
	SLOT_FILE_MODE = 0644,
	SLOT_PIECE = 32768,
	MANIFEST_MAX = 1024,
	STAT_BLOCK = 512, /* unit of st_blocks, stat(2) */
};

struct manifest {
	char version[OTA_VERSION_MAX + 1];
	char module[OTA_MODULE_MAX + 1];
	char sha256[OTA_SHA256_HEX + 1];
	int64_t size;
};

static void slots_step(const struct agent_slots *slots, const char *name)
{
	if (slots->step)
		slots->step(slots->context, name);
}

static int path_of(const struct agent_slots *slots, const char *slot, const char *name, char target[PATH_MAX],
		   struct ota_error *error)
{
	int size = snprintf(target, PATH_MAX, "%s/%s%s%s", slots->slots_dir, slot, name[0] ? "/" : "", name);

	if (size < 0 || size >= PATH_MAX)
		return ota_fail(error, OTA_ELIMIT, "slots_dir is too long");
	return 0;
}

/* "a" or "b"; OTA_ENOTFOUND when nothing was ever provisioned. */
static int slots_current(const struct agent_slots *slots, const char **ret_slot, struct ota_error *error)
{
	char path[PATH_MAX], target[8] = "";
	int rc = path_of(slots, "current", "", path, error);
	ssize_t size;

	if (rc)
		return rc;
	size = readlink(path, target, sizeof(target) - 1);
	if (size < 0)
		return ota_fail_errno(error, "no current slot in %s", slots->slots_dir);
	if (size != 1 || (target[0] != 'a' && target[0] != 'b'))
		return ota_fail(error, OTA_ECORRUPT, "%s does not point at a or b", path);
	*ret_slot = target[0] == 'a' ? "a" : "b";
	return 0;
}

static int manifest_read(const char *path, struct manifest *manifest, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	OTA_AUTO_JSON cJSON *tree = NULL;
	struct ota_json_place at = {.prefix = "manifest"};
	int rc = ota_file_read(path, MANIFEST_MAX, &text, error);

	if (!rc)
		rc = ota_json_read((struct ota_span){text.data, text.size}, OTA_JSON_STRICT, MANIFEST_MAX, &tree, NULL, error);
	if (rc)
		return ota_error_prefix(error, rc, "%s", path);
	at.object = tree;
	if (ota_json_text(at, "version", manifest->version, sizeof(manifest->version), error) != 1 ||
	    ota_json_text(at, "module", manifest->module, sizeof(manifest->module), error) != 1 ||
	    ota_json_text(at, "sha256", manifest->sha256, sizeof(manifest->sha256), error) != 1 ||
	    ota_json_integer(at, "size", 0, OTA_INTEGER_MAX, &manifest->size, error) != 1)
		return ota_fail(error, OTA_ECORRUPT, "%s is no manifest", path);
	return 0;
}

static int manifest_write(const char *path, const struct ota_image *image, const struct ota_digest_result *digest,
			  struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};

	ota_bytes_text(&text, "{\"version\":");
	ota_json_quote(&text, image->version);
	ota_bytes_text(&text, ",\"module\":");
	ota_json_quote(&text, image->module);
	ota_bytes_format(&text, ",\"size\":%" PRIu64 ",\"sha256\":\"%s\"}\n", digest->size, digest->sha256);
	if (text.failed)
		return ota_fail(error, OTA_ENOMEM, "no memory for a manifest");
	return ota_file_replace(path, (struct ota_span){text.data, text.size}, SLOT_FILE_MODE, error);
}

/* Reads `from` to its end, writes it to `to` unless that is -1, and hashes what went by. */
static int image_pass(int from, int to, const struct agent_watch *watch, struct ota_digest *digest, struct ota_error *error)
{
	char piece[SLOT_PIECE];

	for (;;) {
		ssize_t size = read(from, piece, sizeof(piece));
		int rc = 0;

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return ota_fail_errno(error, "cannot read the image");
		if (size == 0)
			return 0;
		if (agent_watch_stopped(watch))
			return ota_fail(error, OTA_ECANCELED, "stopped");
		if (to >= 0)
			rc = ota_file_write_all(to, piece, (size_t)size, error);
		if (!rc && ota_digest_update(digest, piece, (size_t)size))
			rc = ota_fail(error, OTA_EIO, "cannot hash the image");
		if (rc)
			return rc;
	}
}

static int image_stream(int from, int to, const struct agent_watch *watch, struct ota_digest_result *ret_result,
			struct ota_error *error)
{
	struct ota_digest *digest = ota_digest_new();
	int rc;

	if (!digest)
		return ota_fail(error, OTA_ENOMEM, "no memory for a digest");
	rc = image_pass(from, to, watch, digest, error);
	if (!rc && ota_digest_finish(digest, ret_result))
		rc = ota_fail(error, OTA_EIO, "cannot hash the image");
	ota_digest_free(digest);
	return rc;
}

/* --- what runs -------------------------------------------------------------------------------------------------------------- */

static int slot_prove(const char *path, const struct manifest *manifest, const struct agent_watch *watch, struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct ota_digest_result digest;
	int rc;

	if (fd < 0)
		return ota_fail_errno(error, "cannot open %s", path);
	rc = image_stream(fd, -1, watch, &digest, error);
	if (rc)
		return rc;
	if (digest.size != (uint64_t)manifest->size || strcmp(digest.sha256, manifest->sha256))
		return ota_fail(error, OTA_EVERIFY, "%s is not what its manifest says", path);
	return 0;
}

static int slots_version(void *context, const char *module, const struct agent_watch *watch,
			 char ret_version[OTA_VERSION_MAX + 1], struct ota_error *error)
{
	struct agent_slots *slots = context;
	struct manifest manifest;
	char path[PATH_MAX];
	const char *slot;
	int rc;

	rc = slots_current(slots, &slot, error);
	if (rc)
		return rc;
	slots->running = slot[0];
	rc = path_of(slots, slot, "manifest.json", path, error);
	rc = rc ? rc : manifest_read(path, &manifest, error);
	if (rc)
		return rc;
	if (strcmp(manifest.module, module))
		return ota_fail(error, OTA_ECORRUPT, "%s is of module %s, not %s", path, manifest.module, module);
	rc = path_of(slots, slot, "image", path, error);
	rc = rc ? rc : slot_prove(path, &manifest, watch, error);
	if (rc)
		return rc;
	ota_text_cut(ret_version, OTA_VERSION_MAX + 1, manifest.version);
	return 0;
}

/* --- filling a slot --------------------------------------------------------------------------------------------------------- */

static int slot_remove(const struct agent_slots *slots, const char *slot, const char *name, struct ota_error *error)
{
	char path[PATH_MAX];
	int rc = path_of(slots, slot, name, path, error);

	if (rc)
		return rc;
	slots_step(slots, "remove a file");
	if (unlink(path) < 0 && errno != ENOENT)
		return ota_fail_errno(error, "cannot remove %s", path);
	return 0;
}

/* Whatever the slot held is vouched for no longer, before its image changes; then the image goes, to make room for the next. */
static int slot_empty(const struct agent_slots *slots, const char *slot, struct ota_error *error)
{
	char dir[PATH_MAX];
	int rc = path_of(slots, slot, "", dir, error);

	rc = rc ? rc : ota_file_make_directories(dir, SLOT_DIR_MODE, error);
	rc = rc ? rc : slot_remove(slots, slot, "manifest.json", error);
	rc = rc ? rc : ota_file_sync_directory(dir, error);
	rc = rc ? rc : slot_remove(slots, slot, "image", error);
	return rc ? rc : slot_remove(slots, slot, "image.new", error);
}

/* The image was verified when it was downloaded; this proves what stands in the slot. */
static int slot_check_digest(const struct ota_image *image, const struct ota_digest_result *digest, struct ota_error *error)
{
	if (!image->sha256 || (digest->size == image->size && !strcmp(digest->sha256, image->sha256)))
		return 0;
	return ota_fail(error, OTA_EVERIFY, "the downloaded file has changed");
}

/* A download of ours on the same filesystem becomes the slot's image without a copy, and needs no room a second time. An image
 * that a person brought stays his own. False: it has to be copied. */
static bool slot_link(const struct agent_slots *slots, const struct ota_image *image, const char *temporary)
{
	if (!image->sha256)
		return false;
	slots_step(slots, "link image");
	return !link(image->path, temporary) && !chmod(temporary, SLOT_FILE_MODE);
}

/* Either way the bytes that stand in the slot are hashed: nothing else is proof. */
static int slot_take(const struct agent_slots *slots, const char *slot, const struct ota_image *image,
		     const struct agent_watch *watch, struct ota_digest_result *ret_digest, struct ota_error *error)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	OTA_AUTO_CLOSE int from = open(image->path, O_RDONLY | O_CLOEXEC);
	OTA_AUTO_CLOSE int to = -1;
	int rc;

	if (from < 0)
		return ota_fail_errno(error, "cannot open %s", image->path);
	rc = path_of(slots, slot, "image", path, error);
	rc = rc ? rc : path_of(slots, slot, "image.new", temporary, error);
	if (rc)
		return rc;
	if (!slot_link(slots, image, temporary)) {
		slots_step(slots, "write image");
		to = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, SLOT_FILE_MODE);
		if (to < 0)
			return ota_fail_errno(error, "cannot create %s", temporary);
	}
	rc = image_stream(from, to, watch, ret_digest, error);
	rc = rc ? rc : slot_check_digest(image, ret_digest, error);
	if (!rc)
		slots_step(slots, "commit image");
	return rc ? rc : ota_file_commit(to >= 0 ? to : from, temporary, path, error);
}

static int slot_fill(const struct agent_slots *slots, const char *slot, const struct ota_image *image,
		     const struct agent_watch *watch, struct ota_error *error)
{
	struct ota_digest_result digest;
	char path[PATH_MAX];
	int rc;

	rc = slot_empty(slots, slot, error);
	rc = rc ? rc : slot_take(slots, slot, image, watch, &digest, error);
	rc = rc ? rc : path_of(slots, slot, "manifest.json", path, error);
	if (rc)
		return rc;
	slots_step(slots, "write manifest");
	return manifest_write(path, image, &digest, error);
}

/* The one step that counts: before it the old slot starts next, after it the new one. */
static int slot_make_current(const struct agent_slots *slots, const char *slot, struct ota_error *error)
{
	char current[PATH_MAX], temporary[PATH_MAX];
	int rc;

	rc = path_of(slots, "current", "", current, error);
	rc = rc ? rc : path_of(slots, "current.new", "", temporary, error);
	if (rc)
		return rc;
	slots_step(slots, "write link");
	/* Left by a crash between these lines. */
	unlink(temporary);
	if (symlink(slot, temporary) < 0)
		return ota_fail_errno(error, "cannot create %s", temporary);
	slots_step(slots, "rename link");
	if (rename(temporary, current) < 0)
		return ota_fail_errno(error, "cannot rename %s", temporary);
	slots_step(slots, "sync link");
	return ota_file_sync_directory(slots->slots_dir, error);
}

static int slot_ask_check(const struct agent_slots *slots, const char *slot, const struct ota_image *image,
			  const struct agent_watch *watch, struct ota_error *error)
{
	struct ota_image filled = *image;
	const struct agent_hook hook = {
		.program = slots->check, .verb = "check", .image = &filled, .timeout_ms = slots->check_timeout_ms};
	char path[PATH_MAX];
	int rc;

	if (!slots->check[0])
		return 0;
	rc = path_of(slots, slot, "image", path, error);
	filled.path = path;
	return rc ? rc : agent_hook_run(&hook, watch, NULL, error);
}

/* Installed before, but never started: `current` must not point at a slot that is about to be rewritten. */
static int slots_point_back(const struct agent_slots *slots, const char *current, struct ota_error *error)
{
	if (!slots->running || slots->running == current[0])
		return 0;
	return slot_make_current(slots, slots->running == 'a' ? "a" : "b", error);
}

static int slots_install(void *context, const struct ota_image *image, const struct agent_watch *watch, struct ota_error *error)
{
	const struct agent_slots *slots = context;
	const char *current = "b", *other;
	int rc = slots_current(slots, &current, error);

	/* A link to somewhere else is a device we do not understand; no link is one that was never provisioned: slot a is as good
	 * as b. */
	if (rc && rc != OTA_ENOTFOUND)
		return rc;
	rc = rc ? 0 : slots_point_back(slots, current, error);
	if (rc)
		return rc;
	other = (slots->running ? slots->running : current[0]) == 'a' ? "b" : "a";
	rc = slot_fill(slots, other, image, watch, error);
	rc = rc ? rc : slot_ask_check(slots, other, image, watch, error);
	return rc ? rc : slot_make_current(slots, other, error);
}

/* --- room ------------------------------------------------------------------------------------------------------------------- */

static bool is_on_one_filesystem(const char *directory, const char *file_to_be)
{
	char parent[PATH_MAX];
	struct stat here, there;

	ota_text_cut(parent, sizeof(parent), file_to_be);
	*strrchr(parent, '/') = '\0';
	return !stat(directory, &here) && !stat(parent, &there) && here.st_dev == there.st_dev;
}

/* What emptying the slot that will be filled sets free. */
static uint64_t slot_occupied(const struct agent_slots *slots)
{
	const char *current = "b";
	char path[PATH_MAX];
	struct stat status;

	if (slots_current(slots, &current, NULL) && !slots->running)
		return 0;
	if (path_of(slots, (slots->running ? slots->running : current[0]) == 'a' ? "b" : "a", "image", path, NULL) ||
	    stat(path, &status) || status.st_nlink > 1)
		return 0;
	return (uint64_t)status.st_blocks * STAT_BLOCK;
}

static int slots_room(void *context, const struct ota_image *image, struct ota_error *error)
{
	const struct agent_slots *slots = context;
	struct statvfs status;
	uint64_t there;

	if (is_on_one_filesystem(slots->slots_dir, image->path) || statvfs(slots->slots_dir, &status))
		return 0; /* linked, not copied; or the installation will tell */
	there = (uint64_t)status.f_bavail * status.f_frsize + slot_occupied(slots);
	if (there >= image->size)
		return 0;
	return ota_fail(error, OTA_ELIMIT, "%" PRIu64 " bytes are needed, %" PRIu64 " are free in %s", image->size, there,
			slots->slots_dir);
}

struct ota_installer agent_slots_installer(struct agent_slots *slots)
{
	return (struct ota_installer){
		.version = slots_version, .install = slots_install, .room = slots_room, .context = slots};
}

int agent_slots_provision(const struct agent_slots *slots, const char *image_path, const char *module, const char *version,
			  struct ota_error *error)
{
	const struct ota_image image = {.path = image_path, .module = module, .version = version};
	const struct agent_watch watch = {.stop_fd = -1};
	const char *current;
	int rc;

	if (!ota_text_is_version(ota_span_from_text(version)))
		return ota_fail(error, OTA_EINVALID, "\"%s\" is no version", version);
	rc = slots_current(slots, &current, NULL);
	if (rc != OTA_ENOTFOUND)
		return ota_fail(error, OTA_ECONFLICT,
				"%s has a current slot already: only the first image comes this way, the next come as updates",
				slots->slots_dir);
	rc = slot_fill(slots, "a", &image, &watch, error);
	return rc ? rc : slot_make_current(slots, "a", error);
}
