#include "plugin/store/words.h"

#include <string.h>

#include "plugin/rules/words.h"
#include "plugin/store/batch.h"
#include "plugin/store/product.h"
#include "plugin/store/task.h"

/* The rules' functions speak of their own enums; a column needs one signature for all of them. */
#define FROM_RULES(noun)                                                                                                         \
	static const char *noun##_write(int value)                                                                               \
	{                                                                                                                        \
		return ota_##noun##_word((enum ota_##noun)value);                                                                \
	}                                                                                                                        \
	static bool noun##_read(const char *word, int *ret_value)                                                                \
	{                                                                                                                        \
		enum ota_##noun value;                                                                                           \
		if (!ota_##noun##_parse(word, &value))                                                                           \
			return false;                                                                                            \
		*ret_value = (int)value;                                                                                         \
		return true;                                                                                                     \
	}                                                                                                                        \
	const struct ota_words ota_words_##noun = {noun##_write, noun##_read};

FROM_RULES(task_state)
FROM_RULES(reason)
FROM_RULES(cause)
FROM_RULES(mark)
FROM_RULES(ask)
FROM_RULES(cancel_level)
FROM_RULES(batch_kind)
FROM_RULES(batch_state)
FROM_RULES(verification)

/* In the order of enum ota_task_phase, enum ota_product_sign, enum ota_delivery, enum ota_exclusion. */
static const char *const phases[] = {"", "delivered", "drawn", "soaking", NULL};
static const char *const product_signs[] = {"auto", "md5", "sha256", NULL};
static const char *const deliveries[] = {"http", "mqtt", NULL};
static const char *const exclusions[] = {"at_target", "conflict", "unknown", "barred", NULL};

/* A list that is one word short would store one phase under the name of another. */
_Static_assert(sizeof(phases) / sizeof(phases[0]) == OTA_PHASES + 1, "every phase has its word");
_Static_assert(sizeof(product_signs) / sizeof(product_signs[0]) == OTA_PRODUCT_SIGN_SHA256 + 2, "every way to sign has its word");
_Static_assert(sizeof(deliveries) / sizeof(deliveries[0]) == OTA_DELIVERY_MQTT + 2, "every way to deliver has its word");
_Static_assert(sizeof(exclusions) / sizeof(exclusions[0]) == OTA_EXCLUDED_BARRED + 2, "every exclusion has its word");

static bool word_find(const char *const *words, const char *word, int *ret_value)
{
	for (int i = 0; words[i]; i++) {
		if (!strcmp(words[i], word)) {
			*ret_value = i;
			return true;
		}
	}
	return false;
}

#define FROM_LIST(noun, list)                                                                                                    \
	static const char *noun##_write(int value)                                                                               \
	{                                                                                                                        \
		return value >= 0 && (size_t)value < sizeof(list) / sizeof((list)[0]) - 1 ? (list)[value] : "";                  \
	}                                                                                                                        \
	static bool noun##_read(const char *word, int *ret_value)                                                                \
	{                                                                                                                        \
		return word_find(list, word, ret_value);                                                                         \
	}                                                                                                                        \
	const struct ota_words ota_words_##noun = {noun##_write, noun##_read};

FROM_LIST(phase, phases)
FROM_LIST(product_sign, product_signs)
FROM_LIST(delivery, deliveries)
FROM_LIST(exclusion, exclusions)
