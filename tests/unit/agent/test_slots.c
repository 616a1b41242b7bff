/* The file installer, and what a kill at each of its lasting steps leaves behind. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/adapters/slots.h"
#include "common/digest.h"
#include "common/file.h"
#include "tests/unit/support/scratch.h"

static char directory[SCRATCH_SIZE], image_path[SCRATCH_SIZE], check[SCRATCH_SIZE];
static struct agent_slots slots;
static struct ota_error error;
static const struct agent_watch watch = {.stop_fd = -1};

static void provision(const char *text, const char *version)
{
	scratch_write(directory, "image", text);
	cr_assert_eq(agent_slots_provision(&slots, image_path, "default", version, &error), 0, "%s", error.text);
}

static void setup(void)
{
	scratch_make(directory);
	scratch_path(image_path, directory, "image");
	slots = (struct agent_slots){.slots_dir = directory, .check = "", .check_timeout_ms = 5000};
	error = (struct ota_error){0};
	provision("first image", "1.0.0");
}

static void teardown(void)
{
	scratch_remove(directory);
}

TestSuite(slots, .init = setup, .fini = teardown);

static int install(const char *text, const char *version)
{
	const struct ota_installer installer = agent_slots_installer(&slots);
	struct ota_digest_result digest;
	struct ota_image image = {.path = image_path, .module = "default", .version = version, .previous_version = "1.0.0"};

	unlink(image_path); /* a slot may hold it */
	scratch_write(directory, "image", text);
	cr_assert_eq(ota_digest_of_file(image_path, &digest, NULL), 0);
	image.size = digest.size;
	image.sha256 = digest.sha256;
	return installer.install(installer.context, &image, &watch, &error);
}

/* The version that runs, "" when it cannot be proven (error says why). */
static const char *running(void)
{
	static char version[OTA_VERSION_MAX + 1];
	struct agent_slots seen = slots; /* as a new process sees it */
	const struct ota_installer installer = agent_slots_installer(&seen);

	version[0] = '\0';
	installer.version(installer.context, "default", &watch, version, &error);
	return version;
}

static const char *current(void)
{
	static char target[8];
	char path[SCRATCH_SIZE];
	ssize_t size;

	scratch_path(path, directory, "current");
	size = readlink(path, target, sizeof(target) - 1);
	target[size > 0 ? size : 0] = '\0';
	return target;
}

static void overwrite(const char *name, const char *text)
{
	scratch_write(directory, name, text);
}

Test(slots, provision_makes_slot_a_current_once)
{
	cr_expect_str_eq(current(), "a");
	cr_expect_str_eq(running(), "1.0.0");
	cr_expect_eq(agent_slots_provision(&slots, image_path, "default", "1.0.1", &error), OTA_ECONFLICT);
}

Test(slots, an_installation_fills_the_other_slot_and_turns_the_link)
{
	cr_assert_eq(install("second image", "2.0.0"), 0, "%s", error.text);
	cr_expect_str_eq(current(), "b");
	cr_expect_str_eq(running(), "2.0.0");
	cr_assert_eq(install("third image", "3.0.0"), 0);
	cr_expect_str_eq(current(), "a");
	cr_expect_str_eq(running(), "3.0.0");
}

Test(slots, a_version_is_told_only_if_the_image_is_what_the_manifest_says)
{
	overwrite("a/image", "first imagE");
	cr_expect_str_eq(running(), "");
	cr_expect_not_null(strstr(error.text, "is not what its manifest says"));
	overwrite("a/image", "first image and more");
	cr_expect_str_eq(running(), "");
	overwrite("a/image", "first image");
	cr_expect_str_eq(running(), "1.0.0");
	overwrite("a/manifest.json", "{\"version\":\"9.9.9\"}");
	cr_expect_str_eq(running(), "");
}

Test(slots, a_slot_of_another_module_is_not_ours)
{
	const struct ota_installer installer = agent_slots_installer(&slots);
	char version[OTA_VERSION_MAX + 1];

	cr_expect_eq(installer.version(installer.context, "mcu", &watch, version, &error), OTA_ECORRUPT);
}

Test(slots, a_link_to_elsewhere_is_not_followed)
{
	char path[SCRATCH_SIZE];

	scratch_path(path, directory, "current");
	unlink(path);
	cr_assert_eq(symlink("/etc", path), 0);
	cr_expect_str_eq(running(), "");
	cr_expect_eq(install("second image", "2.0.0"), OTA_ECORRUPT);
}

Test(slots, a_downloaded_file_that_changed_is_not_installed)
{
	const struct ota_installer installer = agent_slots_installer(&slots);
	const struct ota_image image = {
		.path = image_path,
		.module = "default",
		.version = "2.0.0",
		.size = 12,
		.sha256 = "0000000000000000000000000000000000000000000000000000000000000000",
	};

	cr_expect_eq(installer.install(installer.context, &image, &watch, &error), OTA_EVERIFY);
	cr_expect_str_eq(running(), "1.0.0");
}

Test(slots, the_check_decides_before_the_link_turns)
{
	scratch_path(check, directory, "check");
	cr_assert_eq(ota_file_replace(check,
				      ota_span_from_text("#!/bin/sh\n[ \"$1\" = check ] && grep -q U-Boot \"$OTA_FILE\" || "
							 "{ echo 'no U-Boot in this image'; exit 1; }\n"),
				      0755, NULL),
		     0);
	slots.check = check;
	cr_expect_eq(install("a cat picture", "2.0.0"), OTA_EIO);
	cr_expect_str_eq(error.text, "no U-Boot in this image");
	cr_expect_str_eq(running(), "1.0.0");
	cr_expect_str_eq(current(), "a");
	cr_expect_eq(install("U-Boot 2023.01", "2.0.1"), 0, "%s", error.text);
	cr_expect_str_eq(running(), "2.0.1");
}

Test(slots, the_slot_this_boot_began_with_is_never_written)
{
	const struct ota_installer installer = agent_slots_installer(&slots);
	char version[OTA_VERSION_MAX + 1];
	OTA_AUTO_BYTES struct ota_bytes image = {0};
	char path[SCRATCH_SIZE];

	cr_assert_eq(installer.version(installer.context, "default", &watch, version, &error), 0); /* boots from a */
	cr_assert_eq(install("second image", "2.0.0"), 0);
	cr_assert_eq(install("third image", "3.0.0"), 0, "the restart failed, and the next version comes");
	cr_expect_str_eq(current(), "b");
	cr_expect_str_eq(running(), "3.0.0");
	scratch_path(path, directory, "a/image");
	cr_assert_eq(ota_file_read(path, 64, &image, NULL), 0);
	cr_expect_str_eq(image.data, "first image");
}

static ino_t inode_of(const char *name)
{
	char path[SCRATCH_SIZE];
	struct stat status;

	scratch_path(path, directory, name);
	cr_assert_eq(stat(path, &status), 0);
	return status.st_ino;
}

Test(slots, a_download_on_the_same_filesystem_takes_no_room_twice)
{
	cr_assert_eq(install("second image", "2.0.0"), 0);
	cr_expect_eq(inode_of("b/image"), inode_of("image"));
	cr_expect_neq(inode_of("a/image"), inode_of("image"), "what a person provisioned was copied");
}

Test(slots, a_download_on_another_filesystem_is_copied_and_needs_room_for_that)
{
	struct agent_slots far = {.slots_dir = "/proc", .check = ""};
	struct ota_image image = {.path = image_path, .size = 1};

	cr_expect_eq(agent_slots_installer(&slots).room(&slots, &image, &error), 0);
	image.size = UINT64_MAX;
	cr_expect_eq(agent_slots_installer(&slots).room(&slots, &image, &error), 0, "linked");
	cr_expect_eq(agent_slots_installer(&far).room(&far, &image, &error), OTA_ELIMIT);
	cr_expect_str_eq(error.text, "18446744073709551615 bytes are needed, 0 are free in /proc");
}

/* --- power cuts ------------------------------------------------------------------------------------------------------------- */

struct kill_point {
	unsigned at, seen;
};

static void count_or_die(void *context, const char *name)
{
	struct kill_point *point = context;

	(void)name;
	if (++point->seen == point->at)
		kill(getpid(), SIGKILL);
}

/* Runs an installation in a child that is killed before its at-th lasting step. True if it was killed. */
static bool install_killed_at(unsigned at)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct kill_point point = {.at = at};

		slots.step = count_or_die;
		slots.context = &point;
		_exit(install("second image", "2.0.0") ? 1 : 0);
	}
	waitpid(child, &status, 0);
	cr_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* A manifest that stands beside another image than its own would be a lie that only the hash finds out. */
static bool slot_b_is_honest(void)
{
	char manifest[SCRATCH_SIZE], link[SCRATCH_SIZE];

	scratch_path(manifest, directory, "b/manifest.json");
	scratch_path(link, directory, "current");
	if (access(manifest, F_OK))
		return true;
	unlink(link);
	cr_assert_eq(symlink("b", link), 0);
	return running()[0] != '\0';
}

Test(slots, a_kill_at_any_step_leaves_no_manifest_beside_an_image_of_another_version)
{
	for (unsigned at = 1; at <= 9; at++) {
		cr_assert_eq(install("older image", "1.1.0"), 0);   /* b */
		cr_assert_eq(install("current image", "1.2.0"), 0); /* a */
		install_killed_at(at);
		cr_expect(slot_b_is_honest(), "killed at %u: %s", at, error.text);
		teardown();
		setup();
	}
}

Test(slots, a_kill_at_any_step_leaves_a_version_that_runs_and_can_be_repeated)
{
	unsigned at = 1;

	while (install_killed_at(at)) {
		const char *version = running();

		cr_expect(!strcmp(version, "1.0.0") || !strcmp(version, "2.0.0"), "killed at %u: \"%s\", %s", at, version,
			  error.text);
		/* A start in the new version ends the task; in the old one the installation is run again. */
		if (!strcmp(version, "1.0.0"))
			cr_expect_eq(install("second image", "2.0.0"), 0, "after a kill at %u: %s", at, error.text);
		cr_expect_str_eq(running(), "2.0.0");
		teardown();
		setup();
		at++;
	}
	cr_expect_geq(at, 7, "every lasting step was a kill point; only %u were", at - 1);
}

Test(slots, a_kill_at_any_step_of_turning_back_leaves_a_version_that_runs)
{
	/* b was installed and never started; the next installation turns the link back to a before it rewrites b. */
	for (unsigned at = 1; at <= 12; at++) {
		const struct ota_installer installer = agent_slots_installer(&slots);
		char version[OTA_VERSION_MAX + 1];
		const char *proven;

		cr_assert_eq(installer.version(installer.context, "default", &watch, version, &error), 0);
		cr_assert_eq(install("never started", "1.5.0"), 0);
		install_killed_at(at);
		proven = running();
		cr_expect(proven[0], "killed at %u: %s", at, error.text);
		teardown();
		setup();
	}
}
