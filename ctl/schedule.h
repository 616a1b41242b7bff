/* Schedule: an option that says a moment to come. Reads the clock, for "in 2h". */
#ifndef OTA_CTL_SCHEDULE_H
#define OTA_CTL_SCHEDULE_H

#include "ctl/phrase.h"

ota_phrase_reader ota_schedule_read; /* "in 2h", "2026-11-20T10:00": the time in milliseconds */

#endif
