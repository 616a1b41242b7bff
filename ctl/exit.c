#include "ctl/exit.h"

#include <stddef.h>

#include "common/error.h"

const struct ota_exit_row ota_exit_rows[] = {
	{ OTA_EXIT_OK, "ok; of batch watch: the batch completed and no device failed" },
	{ OTA_EXIT_ERROR, "an error: no gateway, no right, no memory" },
	{ OTA_EXIT_USAGE, "what was typed breaks a rule" },
	{ OTA_EXIT_NOT_FOUND, "there is no such thing" },
	{ OTA_EXIT_CONFLICT, "a conflict: it stands against what there is" },
	{ OTA_EXIT_BATCH, "the watched batch was canceled, or a device failed" },
	{ OTA_EXIT_DIFFERS, "the verified package is not what was promised" },
	{ OTA_EXIT_FINDINGS, "the check found something wrong" },
	{ 130, "ended with Ctrl-C; a batch goes on without its watcher" },
	{ 0, NULL },
};

enum ota_exit ota_exit_of(int code)
{
	switch (code) {
	case OTA_OK: return OTA_EXIT_OK;
	case OTA_EINVALID: return OTA_EXIT_USAGE;
	case OTA_ENOTFOUND: return OTA_EXIT_NOT_FOUND;
	case OTA_ECONFLICT: return OTA_EXIT_CONFLICT;
	case OTA_EVERIFY: return OTA_EXIT_DIFFERS;
	default: return OTA_EXIT_ERROR;
	}
}
