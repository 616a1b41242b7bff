/*
 * Errors: one negative enum, one text table, one caller-owned record.
 *
 * Every function that can fail returns 0 or one of these codes and, when it takes a `struct ota_error *`,
 * fills it once, where the failure happens. Callers add context while unwinding with ota_error_prefix(), so
 * that the sentence reads "fetch package: TLS: certificate expired". Library code never logs.
 *
 * Thread rule: a struct ota_error belongs to one thread. NULL is allowed wherever one is taken.
 */
#ifndef OTA_COMMON_ERROR_H
#define OTA_COMMON_ERROR_H

#include <stddef.h>

enum ota_code {
	OTA_OK = 0,
	OTA_EINVALID = -1,     /* a value from outside breaks a documented rule */
	OTA_ENOTFOUND = -2,    /* the named thing does not exist */
	OTA_ECONFLICT = -3,    /* the state of something forbids it; the sentence says which */
	OTA_EDENIED = -4,      /* the caller may not do this */
	OTA_ELIMIT = -5,       /* a limit of common/limits.h or of the configuration is exceeded */
	OTA_EUNAVAILABLE = -6, /* a peer (broker, gateway, disk) is away; trying again later may help */
	OTA_ETIMEOUT = -7,
	OTA_EIO = -8,      /* the operating system refused; the sentence carries its words */
	OTA_ECORRUPT = -9, /* stored bytes contradict themselves */
	OTA_EVERSION = -10, /* written by a newer version of this software */
	OTA_EVERIFY = -11,  /* a digest or signature does not match */
	OTA_ENOMEM = -12,
	OTA_ECANCELED = -13,
};

enum {
	OTA_ERROR_PATH_MAX = 128,
	OTA_ERROR_TEXT_MAX = 384,
};

struct ota_error {
	int code;                      /* enum ota_code */
	char path[OTA_ERROR_PATH_MAX]; /* the field at fault, "commands[0].version", "" if none */
	char text[OTA_ERROR_TEXT_MAX]; /* one sentence without a full stop, no control bytes */
};

/* The stable lower-case word of a code, "not_found", as it stands in JSON answers and logs. Never NULL. */
const char *ota_code_name(int code);

/* The code of such a word; OTA_OK if the word is not one of ours. */
int ota_code_from_name(const char *name);

/* Fills error and returns code, so that a caller can write `return ota_fail(error, OTA_EINVALID, ...)`. Control bytes of
 * the arguments become '?'. error may be NULL. */
int ota_fail(struct ota_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As ota_fail(), naming the field at fault. */
int ota_fail_at(struct ota_error *error, int code, const char *path, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* As ota_fail(), appending ": <text of errno>". ENOSPC and EDQUOT give OTA_ELIMIT, ENOENT OTA_ENOTFOUND, the rest OTA_EIO. */
int ota_fail_errno(struct ota_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same failure under another code: what is "not found" to the one who looked may be a fault to the one who asked. Returns
 * code. */
int ota_error_recode(struct ota_error *error, int code);
/* Puts "<prefix>: " before the text and returns error->code; code is returned unchanged when error is NULL. */
int ota_error_prefix(struct ota_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
