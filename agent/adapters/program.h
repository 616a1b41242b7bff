/*
 * Program: can this path be run, and if not, why, in words that say what to do about it. execve(2) has one word for a directory,
 * a missing x bit and a filesystem mounted noexec, and says of a script without its interpreter that the script is not there.
 */
#ifndef OTA_AGENT_ADAPTERS_PROGRAM_H
#define OTA_AGENT_ADAPTERS_PROGRAM_H

#include "common/error.h"

enum { AGENT_PROGRAM_NAME_SIZE = 52 };

/* The path, or "..." and its end where it would fill a report: that has room for 128 bytes, and what is wrong comes last. */
void agent_program_name(const char *path, char target[AGENT_PROGRAM_NAME_SIZE]);

/* What can be seen without running it. 0, or OTA_EUNAVAILABLE and "cannot run PATH: why". */
int agent_program_check(const char *path, struct ota_error *error);
/* After execve() refused it with this errno: the same sentences. Never 0. */
int agent_program_blame(const char *path, int number, struct ota_error *error);

#endif
