/*
 * Exit codes of otactl, for scripts.
 */
#ifndef OTA_CTL_EXIT_H
#define OTA_CTL_EXIT_H

enum ota_exit {
	OTA_EXIT_OK = 0,
	OTA_EXIT_ERROR = 1,     /* no gateway, no right, no memory, ... */
	OTA_EXIT_USAGE = 2,     /* what was typed breaks a rule */
	OTA_EXIT_NOT_FOUND = 3,
	OTA_EXIT_CONFLICT = 4,
	OTA_EXIT_BATCH = 5, /* batch watch: canceled, or some device failed */
	OTA_EXIT_DIFFERS = 6, /* package verify: the bytes are not those that were promised */
	OTA_EXIT_FINDINGS = 7, /* server check: something was found wrong */
};

/* Of an error code of common/error.h. */
enum ota_exit ota_exit_of(int code);

/* What each means, in order, for help and man page; ended by a NULL. */
struct ota_exit_row {
	int code;
	const char *meaning;
};
extern const struct ota_exit_row ota_exit_rows[];

#endif
