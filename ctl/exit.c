#include "ctl/exit.h"

#include "common/error.h"

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
