/*
 * Phrase: what a command takes as an object or a list, as an operator writes it in one option: "1% success 95 soak 1h manual".
 *
 * The first word is what it is about. Behind it stand members of the object by their names (common/command.c), each followed by
 * its value, flags alone, in any order. Pure. Only the form is judged here: OTA_EINVALID with a sentence that quotes the phrase;
 * values are judged by the row of the command.
 */
#ifndef OTA_CTL_PHRASE_H
#define OTA_CTL_PHRASE_H

#include "common/command.h"

typedef int ota_phrase_reader(const struct ota_parameter *row, const char *text, cJSON **ret_value, struct ota_error *error);

ota_phrase_reader ota_phrase_read_rate;   /* releases a minute: "1000", "1000 from 50 factor 2 every 10m" */
ota_phrase_reader ota_phrase_read_stage;  /* a share or a number of devices: "1% success 95", "500 soak 1h"; a list of one */
ota_phrase_reader ota_phrase_read_window; /* "22:00-06:00" and nothing behind it */
ota_phrase_reader ota_phrase_read_list;   /* "lost,download_failed"; "" and "none" are the empty list */

#endif
