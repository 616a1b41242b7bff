/* The stages of a batch, as they are shown. */
#include "ctl/view.h"

#define LIST(name) { name, sizeof(name) / sizeof((name)[0]) }

/* clang-format off */
static const struct ota_field columns[] = {
	{ "STAGE",     "stage",            OTA_HUMAN_NUMBER, 0 },
	{ "STATE",     "state",            OTA_HUMAN_TEXT,   0 },
	{ "DEVICES",   "devices",          OTA_HUMAN_NUMBER, 0 },
	{ "OPEN",      "open",             OTA_HUMAN_NUMBER, 0 },
	{ "FINISHED",  "finished",         OTA_HUMAN_NUMBER, 0 },
	{ "FAILED",    "failed",           OTA_HUMAN_NUMBER, 0 },
	{ "GOOD %",    "succeededPercent", OTA_HUMAN_NUMBER, 0 },
	{ "OPENED",    "openedAt",         OTA_HUMAN_AGO,    0 },
	{ "SOAK LEFT", "soakLeft",         OTA_HUMAN_TEXT,   0 },
	{ "TIME LEFT", "deadlineLeft",     OTA_HUMAN_TEXT,   0 },
	{ "RULE",      "rule",             OTA_HUMAN_TEXT,   0 },
};
/* clang-format on */
const struct ota_view ota_view_stage = { "stage", LIST(columns), { NULL, 0 }, NULL };
