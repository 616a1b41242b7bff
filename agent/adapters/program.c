#include "agent/adapters/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"

enum { FIRST_LINE_MAX = 256 }; /* of a script; the kernel reads no further */

void agent_program_name(const char *path, char target[AGENT_PROGRAM_NAME_SIZE])
{
	static const char dots[] = "...";
	size_t size = strlen(path), most = AGENT_PROGRAM_NAME_SIZE - sizeof(dots);

	snprintf(target, AGENT_PROGRAM_NAME_SIZE, "%s%s", size > most ? dots : "", path + (size > most ? size - most : 0));
}

static int program_fail(const char *path, const char *why, struct ota_error *error)
{
	char name[AGENT_PROGRAM_NAME_SIZE];

	agent_program_name(path, name);
	return ota_fail(error, OTA_EUNAVAILABLE, "cannot run %s: %s", name, why);
}

static const char *stat_words(const char *path, int number)
{
	struct stat link;

	if (number == ELOOP)
		return "its symbolic links lead in a circle";
	if (number == ENOENT && lstat(path, &link) == 0)
		return "it is a link to nothing";
	return number == ENOENT ? "there is no such file" : strerror(number);
}

/* The interpreter after "#!", cut out of the line; NULL if the file is no script. */
static char *interpreter_of(const char *path, char line[FIRST_LINE_MAX + 1])
{
	OTA_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, line, FIRST_LINE_MAX);
	char *name = line + 2;

	if (size < 2 || line[0] != '#' || line[1] != '!')
		return NULL;
	line[size] = '\0';
	name += strspn(name, " \t");
	name[strcspn(name, " \t\n")] = '\0';
	return name;
}

static int interpreter_check(const char *path, struct ota_error *error)
{
	char line[FIRST_LINE_MAX + 1];
	char *name = interpreter_of(path, line);
	size_t size = name ? strlen(name) : 0;
	char why[FIRST_LINE_MAX + 64];

	if (!name || access(name, F_OK) == 0)
		return 0;
	if (size > 0 && name[size - 1] == '\r')
		return program_fail(path, "its lines end as on Windows; they must end in a line feed alone", error);
	snprintf(why, sizeof(why), "its first line names %s, which is not there", size > 0 ? name : "no interpreter");
	return program_fail(path, why, error);
}

int agent_program_check(const char *path, struct ota_error *error)
{
	struct stat info;

	if (stat(path, &info) < 0)
		return program_fail(path, stat_words(path, errno), error);
	if (S_ISDIR(info.st_mode))
		return program_fail(path, "it is a directory", error);
	if (!S_ISREG(info.st_mode))
		return program_fail(path, "it is no file", error);
	if (access(path, X_OK) < 0)
		return program_fail(path, "it is not executable (chmod +x; or mounted noexec)", error);
	if (info.st_size == 0)
		return program_fail(path, "it is empty", error);
	return interpreter_check(path, error);
}

int agent_program_blame(const char *path, int number, struct ota_error *error)
{
	int code = agent_program_check(path, error);

	if (code < 0)
		return code;
	if (number == ENOEXEC)
		return program_fail(path, "it is no program of this machine; a script begins with #! and its interpreter", error);
	return program_fail(path, strerror(number), error);
}
