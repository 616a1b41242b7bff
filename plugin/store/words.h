/* The words of every enum that is stored, as ota_row needs them. For the store's own files. */
#ifndef OTA_PLUGIN_STORE_WORDS_H
#define OTA_PLUGIN_STORE_WORDS_H

#include "plugin/store/row.h"

extern const struct ota_words ota_words_task_state;
extern const struct ota_words ota_words_reason;
extern const struct ota_words ota_words_cause;
extern const struct ota_words ota_words_mark;
extern const struct ota_words ota_words_phase;
extern const struct ota_words ota_words_ask;
extern const struct ota_words ota_words_cancel_level;
extern const struct ota_words ota_words_batch_kind;
extern const struct ota_words ota_words_batch_state;
extern const struct ota_words ota_words_verification;
extern const struct ota_words ota_words_product_sign;
extern const struct ota_words ota_words_delivery;
extern const struct ota_words ota_words_exclusion;

#endif
