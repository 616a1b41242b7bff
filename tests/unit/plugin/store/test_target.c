/* Target expressions as the database runs them: the same devices as the rules name. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/time.h"
#include "plugin/store/device_tag.h"
#include "plugin/store/group.h"
#include "plugin/store/target.h"

enum { DEVICES = 80, EXPRESSIONS = 600, NOW = 1000000 };

static void world_open(void)
{
	fixture_open();
	insert_product("pk");
	insert_product("other");
}

TestSuite(store_target, .init = world_open, .fini = fixture_close);

/* What the test knows of a device; the store is filled from it. */
struct unit {
	struct ota_device row;
	char versions[2][8]; /* of the modules default and mcu, "" = it never said */
	char region[8];      /* the tag, "" = none */
	bool groups[3];      /* of group_names */
	bool online;
};
static struct unit units[DEVICES];
static struct ota_target target;

static const char *const versions[] = {"1.0", "1.2", "1.10", "2.0-rc1", "2.0", "v2.1"};
static const char *const group_names[] = {"beta", "beta-2", "lab"};
static struct ota_group groups[3];
static const char *const modules[] = {"default", "mcu"};
static const char *const regions[] = {"eu", "eu-west", "us", "\xC3\xB6st"};
#define PICK(list) list[random() % (long)(sizeof(list) / sizeof(list[0]))]

static void unit_save(struct unit *unit)
{
	MUST(ota_device_insert(fixture.store, &unit->row, &fixture.error));
	for (size_t i = 0; i < 2; i++) {
		struct ota_device_module module = sample_module(unit->row.id, modules[i]);
		if (!*unit->versions[i])
			continue;
		ota_text_cut(module.version, sizeof(module.version), unit->versions[i]);
		MUST(ota_device_module_save(fixture.store, unit->row.identity.product_key, &module, &fixture.error));
	}
	struct ota_device_tag tag = {.device_id = unit->row.id, .tag = "region"};
	bool changed = false;
	ota_text_cut(tag.value, sizeof(tag.value), unit->region);
	if (*unit->region)
		MUST(ota_device_tag_save(fixture.store, &unit->row, &tag, &changed, &fixture.error));
	for (size_t i = 0; i < 3; i++)
		if (unit->groups[i])
			MUST(ota_group_add_member(fixture.store, &groups[i], &unit->row, &changed, &fixture.error));
}

static void groups_make(void)
{
	for (size_t i = 0; i < 3; i++) {
		groups[i] = (struct ota_group){.id = fixture_id(), .rev = 1, .product_key = "pk"};
		ota_text_cut(groups[i].name, sizeof(groups[i].name), group_names[i]);
		MUST(ota_group_insert(fixture.store, &groups[i], &fixture.error));
	}
}

static void units_make(void)
{
	groups_make();
	for (size_t i = 0; i < DEVICES; i++) {
		char name[OTA_DEVICE_NAME_MAX + 1];
		snprintf(name, sizeof(name), "%s-%02zu", i % 3 ? "lab" : "field", i);
		struct unit *unit = &units[i];
		*unit = (struct unit){.row = sample_device("pk", name)};
		unit->row.bucket = random() % 1000000;
		unit->row.last_seen_ms = random() % 4 ? NOW - random() % 1000 : 0;
		unit->online = random() % 2;
		for (size_t m = 0; m < 2; m++)
			if (random() % 4)
				ota_text_cut(unit->versions[m], sizeof(unit->versions[m]), PICK(versions));
		if (random() % 3)
			ota_text_cut(unit->region, sizeof(unit->region), PICK(regions));
		for (size_t g = 0; g < 3; g++)
			unit->groups[g] = random() % 3 == 0;
		unit_save(unit);
	}
}

/* --- the rules, over what the test knows --- */

static bool unit_is_in_group(const struct unit *unit, const struct ota_target_test *test)
{
	for (size_t i = 0; i < 3; i++)
		if (unit->groups[i] && ota_target_test_text(&target, test, ota_span_from_text(group_names[i])))
			return true;
	return false;
}

static bool unit_test(const struct unit *unit, const struct ota_target_test *test)
{
	const char *text = NULL;
	switch (test->field) {
	case OTA_TARGET_NAME:
		text = unit->row.identity.device_name;
		break;
	case OTA_TARGET_PRODUCT:
		text = unit->row.identity.product_key;
		break;
	case OTA_TARGET_GROUP:
		return unit_is_in_group(unit, test);
	case OTA_TARGET_TAG:
		text = ota_span_equals(test->key, "region") && *unit->region ? unit->region : NULL;
		break;
	case OTA_TARGET_VERSION:
		text = ota_span_equals(test->key, "nowhere") ? "" : unit->versions[ota_span_equals(test->key, "mcu")];
		text = *text ? text : NULL;
		break;
	case OTA_TARGET_MODULE:
		return (*unit->versions[0] && ota_target_test_text(&target, test, ota_span_from_text("default"))) ||
		       (*unit->versions[1] && ota_target_test_text(&target, test, ota_span_from_text("mcu")));
	case OTA_TARGET_PERCENT:
		return ota_target_test_number(&target, test, unit->row.bucket);
	case OTA_TARGET_SEEN:
	case OTA_TARGET_FIELDS:
	default:
		return ota_target_test_number(&target, test, unit->online ? 0 : NOW - unit->row.last_seen_ms);
	}
	return text && ota_target_test_text(&target, test, ota_span_from_text(text));
}

static bool unit_matches(const struct unit *unit, size_t index)
{
	const struct ota_target_node *node = &target.nodes[index];
	switch (node->kind) {
	case OTA_TARGET_AND:
		return unit_matches(unit, node->left) && unit_matches(unit, node->right);
	case OTA_TARGET_OR:
		return unit_matches(unit, node->left) || unit_matches(unit, node->right);
	case OTA_TARGET_NOT:
		return !unit_matches(unit, node->left);
	case OTA_TARGET_TEST:
	default:
		return unit_test(unit, &node->test);
	}
}

/* --- expressions by chance --- */

static const char *const tests[] = {
	"name = lab-*", "name != field-00", "name in (lab-01, lab-02, field-*)", "name = 'lab-*'", "product = pk",
	"product = other",
	"group = beta", "group = lab and version < 2.0", "group != lab", "group in (beta, lab)", "group = beta*", "group = none",
	"group = lab and group = beta and name = lab-*",
	"module = mcu", "module != default", "module in (mcu, modem)", "module = m*", "version < 2.0", "version <= 2.0",
	"version > 1.2", "version >= 1.10", "version = 1.0", "version != 1.0", "version in (1.0, v2.1)", "version = 1.*",
	"version.mcu >= 2.0-rc1", "version.mcu != 2.0", "version.nowhere > 0", "version > 99", "tag.region = eu",
	"tag.region != eu", "tag.region = eu*", "tag.region in (us, '\xC3\xB6st')", "tag.region = *", "tag.none = *",
	"tag.region = '\xC3\xB6st'", "percent < 10", "percent >= 33.3333", "percent <= 0", "seen < 500ms", "seen >= 10m",
	"seen > 365d",
};

static void expression_print(struct ota_bytes *out, int depth)
{
	if (depth == 0 || random() % 3 == 0) {
		ota_bytes_text(out, PICK(tests));
		return;
	}
	ota_bytes_text(out, random() % 4 ? "(" : "not (");
	expression_print(out, depth - 1);
	ota_bytes_text(out, random() % 2 ? " and " : " or ");
	expression_print(out, depth - 1);
	ota_bytes_text(out, ")");
}

static bool unit_is_online(const void *context, const struct ota_identity *identity)
{
	(void)context;
	for (size_t i = 0; i < DEVICES; i++)
		if (ota_identity_equals(&units[i].row.identity, identity))
			return units[i].online;
	return false;
}

static void expect_same_devices(const char *text)
{
	const struct ota_target_scope scope = {.target = &target, .product_key = "pk", .module = "default", .wall_ms = NOW,
					       .is_online = unit_is_online};
	struct ota_target_walk walk = {0};
	size_t expected = 0, found = 0;
	struct ota_prospect rows[7];

	cr_assert_eq(ota_target_parse(ota_span_from_text(text), &target, &fixture.error), 0, "%s: %s", text, fixture.error.text);
	for (size_t i = 0; i < DEVICES; i++)
		expected += unit_matches(&units[i], target.root);
	while (!walk.done) {
		size_t count = 0;
		MUST(ota_target_next(fixture.store, &scope, &walk, rows, 7, &count, &fixture.error));
		for (size_t i = 0; i < count; i++) {
			size_t at = 0;
			while (at < DEVICES && units[at].row.id != rows[i].device.id)
				at++;
			cr_assert(at < DEVICES && unit_matches(&units[at], target.root), "%s is not meant by %s",
				  rows[i].device.identity.device_name, text);
		}
		found += count;
	}
	cr_assert_eq(found, expected, "%s: %zu found, %zu meant", text, found, expected);
}

Test(store_target, finds_the_devices_that_the_rules_name)
{
	srandom(20261120);
	units_make();
	insert_device("other", "lab-01");
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		expect_same_devices(tests[i]);
	for (int i = 0; i < EXPRESSIONS; i++) {
		OTA_AUTO_BYTES struct ota_bytes text = {0};
		expression_print(&text, 4);
		expect_same_devices(text.data);
	}
}

/* However few match, a call looks at one window and says where the next begins. */
Test(store_target, a_walk_over_many_goes_in_windows)
{
	enum { MANY = 2 * OTA_TARGET_WINDOW + 500 };
	const struct ota_target_scope scope = {.target = &target, .product_key = "pk", .module = "default", .wall_ms = NOW};
	struct ota_target_walk walk = {0};
	struct ota_prospect rows[4];
	size_t calls = 0, found = 0;

	for (int i = 0; i < MANY; i++) {
		char name[OTA_DEVICE_NAME_MAX + 1];
		snprintf(name, sizeof(name), "d%06d", i);
		insert_device("pk", name);
	}
	MUST(ota_target_parse(ota_span_from_text("name in (d000001, d010000, d020499)"), &target, &fixture.error));
	for (; !walk.done; calls++) {
		size_t count = 0;
		MUST(ota_target_next(fixture.store, &scope, &walk, rows, 4, &count, &fixture.error));
		found += count;
	}
	cr_expect_eq(found, 3);
	cr_expect_eq(calls, 3);
}

/* Of a product larger than the sample, a tenth is told as a tenth. */
Test(store_target, many_are_told_from_a_sample)
{
	enum { MANY = 2 * OTA_TARGET_SAMPLE };
	const struct ota_target_scope scope = {.target = &target, .product_key = "pk", .module = "default", .wall_ms = NOW};
	struct ota_target_tally tally;

	for (int i = 0; i < MANY; i++) {
		struct ota_device row;
		char name[OTA_DEVICE_NAME_MAX + 1];
		snprintf(name, sizeof(name), "%s-%06d", i % 10 ? "most" : "few", i);
		row = sample_device("pk", name);
		row.bucket = (int64_t)(ota_identity_hash(&row.identity) % 1000000);
		MUST(ota_device_insert(fixture.store, &row, &fixture.error));
	}
	MUST(ota_target_parse(ota_span_from_text("name = few-*"), &target, &fixture.error));
	MUST(ota_target_count(fixture.store, &scope, MANY, &tally, &fixture.error));
	cr_expect(tally.estimated);
	cr_expect(tally.count > MANY / 10 * 9 / 10 && tally.count < MANY / 10 * 11 / 10, "%lld", (long long)tally.count);
	MUST(ota_target_parse(ota_span_from_text("name in (few-000010, few-000020)"), &target, &fixture.error));
	MUST(ota_target_count(fixture.store, &scope, OTA_TARGET_SAMPLE, &tally, &fixture.error));
	cr_expect_not(tally.estimated);
	cr_expect_eq(tally.count, 2);
}

/* A few of many: what a group leads to is counted, not guessed, and found without a walk over the product. */
Test(store_target, a_group_leads_to_its_members)
{
	enum { MANY = OTA_TARGET_WINDOW + 5 };
	struct ota_target_scope scope = {.target = &target, .product_key = "pk", .module = "default", .wall_ms = NOW};
	struct ota_target_walk walk = {0};
	struct ota_target_tally tally;
	struct ota_prospect rows[4];
	size_t count = 0;

	groups_make();
	for (int i = 0; i < MANY; i++) {
		char name[OTA_DEVICE_NAME_MAX + 1];
		snprintf(name, sizeof(name), "d%06d", i);
		struct ota_device row = sample_device("pk", name);
		bool changed;
		MUST(ota_device_insert(fixture.store, &row, &fixture.error));
		if (i % 5000 == 0)
			MUST(ota_group_add_member(fixture.store, &groups[0], &row, &changed, &fixture.error));
	}
	MUST(ota_target_parse(ota_span_from_text("percent >= 0 and (group = beta)"), &target, &fixture.error));
	MUST(ota_target_next(fixture.store, &scope, &walk, rows, 4, &count, &fixture.error));
	cr_expect_eq(count, 3);
	cr_expect(walk.done, "one look is enough");
	MUST(ota_target_count(fixture.store, &scope, 50 * OTA_TARGET_SAMPLE, &tally, &fixture.error));
	cr_expect_eq(tally.count, 3);
	cr_expect_not(tally.estimated);
	MUST(ota_target_parse(ota_span_from_text("group = nobody"), &target, &fixture.error));
	walk = (struct ota_target_walk){0};
	MUST(ota_target_next(fixture.store, &scope, &walk, rows, 4, &count, &fixture.error));
	cr_expect(walk.done && count == 0);
}

/* What a plan tells of those it means: barred, there already, at work for another batch, and the rest. */
Test(store_target, a_count_tells_what_would_come_of_each)
{
	struct ota_target_scope scope = {.target = &target, .product_key = "pk", .module = "default", .wall_ms = NOW,
					 .version = "2.0"};
	struct ota_target_tally tally;
	struct ota_package package = insert_package("pk", "3.0");
	struct ota_batch batch = insert_batch(&package);

	for (int i = 0; i < 4; i++) {
		static const char *const names[] = {"barred", "there", "busy", "free"};
		struct ota_device row = sample_device("pk", names[i]);
		struct ota_device_module module = sample_module(row.id, "default");
		row.barred = i == 0;
		row.disabled = false;
		ota_text_cut(module.version, sizeof(module.version), i < 2 ? "2.0" : "1.0");
		MUST(ota_device_insert(fixture.store, &row, &fixture.error));
		MUST(ota_device_module_save(fixture.store, "pk", &module, &fixture.error));
		if (i == 2)
			insert_task(&batch, row.id);
	}
	MUST(ota_target_parse(ota_span_from_text("name != free-*"), &target, &fixture.error));
	MUST(ota_target_count(fixture.store, &scope, 4, &tally, &fixture.error));
	for (size_t i = 0; i < OTA_TARGET_FATES; i++)
		cr_expect_eq(tally.fates[i], 1, "fate %zu: %lld", i, (long long)tally.fates[i]);
	cr_expect_eq(tally.count, 4);
	cr_expect_eq(tally.named, 1);
	cr_expect_str_eq(tally.conflicts[0], "busy");
}

Test(store_target, a_product_that_ends_with_its_window_is_done_there)
{
	const struct ota_target_scope scope = {.target = &target, .product_key = "other", .module = "default", .wall_ms = NOW};
	struct ota_target_walk walk = {0};
	struct ota_prospect rows[2];
	size_t count = 9;

	MUST(ota_target_parse(ota_span_from_text("name = *"), &target, &fixture.error));
	MUST(ota_target_next(fixture.store, &scope, &walk, rows, 2, &count, &fixture.error));
	cr_expect(walk.done);
	cr_expect_eq(count, 0);
}
