/*
 * Target: an expression that says which devices are meant, such as
 *
 *     version < 2.0 and tag.region in (eu, us) and not name = lab-* and percent < 10
 *
 * Words, from weak to strong: or, and, not, parentheses. A test is FIELD COMPARE VALUE; what each field is and which comparisons
 * it knows stands in one table (target.c):
 *
 *     name, product        the device's; = != in
 *     group                = != in: it is a member of such a group
 *     module               = != in: it has such a module
 *     version              what its module runs, = != in < <= > >=; the module in question, or version.MODULE. Ranges in the
 *                          order of common/version.h. A device that never said is in no range: `not version < 2` holds for it
 *     tag.KEY              = != in; tag.KEY = * : it has that tag
 *     percent              < <= > >=, 0..100 with up to four decimals: a stable hash of the device, the same for every batch
 *     seen                 < <= > >=, a duration (90s, 10m, 24h, 30d): how long ago; who was never seen was longer ago than any
 *
 * A value is a word of letters, digits and _ . : @ + / - , or anything in "..." or '...' without that quote. A word that ends
 * in * means whatever begins so. `a != b` is `not a = b`: it holds for a device that has no such tag, too.
 *
 * Pure; any thread.
 */
#ifndef OTA_PLUGIN_RULES_TARGET_H
#define OTA_PLUGIN_RULES_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/limits.h"

enum {
	OTA_TARGET_NODES_MAX = 128,  /* tests, ands, ors and nots */
	OTA_TARGET_VALUES_MAX = 256, /* values of all its tests: longer lists of names are targets of their own */
	OTA_TARGET_DEPTH_MAX = 32,   /* parentheses and nots inside one another */
};

enum ota_target_field {
	OTA_TARGET_NAME,
	OTA_TARGET_PRODUCT,
	OTA_TARGET_GROUP,
	OTA_TARGET_MODULE,
	OTA_TARGET_VERSION,
	OTA_TARGET_TAG,
	OTA_TARGET_PERCENT,
	OTA_TARGET_SEEN,
	OTA_TARGET_FIELDS,
};

enum ota_target_compare {
	OTA_TARGET_EQUAL, /* to any of its values; != is NOT of it */
	OTA_TARGET_LESS,
	OTA_TARGET_LESS_OR_EQUAL,
	OTA_TARGET_GREATER,
	OTA_TARGET_GREATER_OR_EQUAL,
};

/* Borrows its text from the target. */
struct ota_target_value {
	struct ota_span text; /* of a prefix, without its star */
	bool prefix;
	int64_t number; /* of percent in millionths of the whole, of seen in ms */
};

struct ota_target_test {
	enum ota_target_field field;
	enum ota_target_compare compare;
	struct ota_span key; /* of a tag; the module of a version, empty = the batch's */
	size_t first, count; /* its values */
};

enum ota_target_kind { OTA_TARGET_TEST, OTA_TARGET_AND, OTA_TARGET_OR, OTA_TARGET_NOT };

struct ota_target_node {
	enum ota_target_kind kind;
	size_t left, right; /* nodes; of NOT left alone */
	struct ota_target_test test;
};

/* About 30 KiB. Not to be copied: the spans point into its text. */
struct ota_target {
	char text[OTA_TARGET_TEXT_MAX + 1];
	struct ota_target_node nodes[OTA_TARGET_NODES_MAX];
	struct ota_target_value values[OTA_TARGET_VALUES_MAX];
	size_t node_count, value_count;
	size_t root;
};

/* OTA_EINVALID with a sentence that begins with the column, counted from 1; OTA_ELIMIT for one that is too large. */
int ota_target_parse(struct ota_span text, struct ota_target *ret_target, struct ota_error *error);

/* The one group whose members alone can be meant: `group = x`, by itself or joined to the rest by `and`. NULL: there is none. */
const struct ota_target_value *ota_target_lead(const struct ota_target *target);
/* Whether some test of it asks for that group, also by the begin of its name. */
bool ota_target_names_group(const struct ota_target *target, const char *group);

/* Does a text (a version, a name, a tag's value) pass the test? Not for percent and seen; of group, a group's name. */
bool ota_target_test_text(const struct ota_target *target, const struct ota_target_test *test, struct ota_span text);
/* Of percent and seen. */
bool ota_target_test_number(const struct ota_target *target, const struct ota_target_test *test, int64_t number);

#endif
