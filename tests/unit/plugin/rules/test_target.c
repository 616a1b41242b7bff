/* Target expressions (plugin/rules/target.h): what is understood, and what a wrong one is told. */
#include <criterion/criterion.h>
#include <string.h>

#include "common/text.h"
#include "common/time.h"
#include "plugin/rules/target.h"

static struct ota_target target;
static struct ota_error error;

static int parse(const char *text)
{
	error = (struct ota_error){0};
	return ota_target_parse(ota_span_from_text(text), &target, &error);
}

/* The tree with every parenthesis written; tests by the first letter of their field. */
static void tree_print(size_t index, struct ota_bytes *out)
{
	const struct ota_target_node *node = &target.nodes[index];
	static const char letters[OTA_TARGET_FIELDS] = "npgmvt%s";
	if (node->kind == OTA_TARGET_TEST) {
		ota_bytes_u8(out, (uint8_t)letters[node->test.field]);
		return;
	}
	ota_bytes_text(out, node->kind == OTA_TARGET_NOT ? "!(" : "(");
	tree_print(node->left, out);
	if (node->kind != OTA_TARGET_NOT) {
		ota_bytes_text(out, node->kind == OTA_TARGET_AND ? "&" : "|");
		tree_print(node->right, out);
	}
	ota_bytes_text(out, ")");
}

static void expect_tree(const char *text, const char *tree)
{
	OTA_AUTO_BYTES struct ota_bytes out = {0};
	cr_assert_eq(parse(text), 0, "%s: %s", text, error.text);
	tree_print(target.root, &out);
	cr_expect_str_eq(out.data, tree, "%s gave %s", text, out.data);
}

Test(target, not_binds_before_and_and_before_or)
{
	expect_tree("name = a or module = b and not version = 1", "(n|(m&!(v)))");
	expect_tree("(name = a or module = b) and version = 1", "((n|m)&v)");
	expect_tree("not not name = a", "!(!(n))");
	expect_tree("not (name = a or seen < 1d)", "!((n|s))");
	expect_tree("name = a or name = b or name = c", "((n|n)|n)");
}

Test(target, white_space_and_quotes_are_free)
{
	expect_tree("name=a and\n\tpercent<10", "(n&%)");
	expect_tree("tag.site = \"Hall 3, \xC3\x96st\" or tag.site='x \"y\"'", "(t|t)");
	expect_tree("name != a", "!(n)");
	expect_tree("name in (and, or, not, in)", "n");
	expect_tree("product = pk1", "p");
}

static const struct ota_target_test *only_test(const char *text)
{
	cr_assert_eq(parse(text), 0, "%s: %s", text, error.text);
	cr_assert_eq(target.nodes[target.root].kind, OTA_TARGET_TEST);
	return &target.nodes[target.root].test;
}

static bool text_passes(const char *expression, const char *text)
{
	return ota_target_test_text(&target, only_test(expression), ota_span_from_text(text));
}

Test(target, values_mean_what_they_say)
{
	cr_expect(text_passes("name = lab-1", "lab-1"));
	cr_expect_not(text_passes("name = lab-1", "lab-10"));
	cr_expect(text_passes("name = lab-*", "lab-10"));
	cr_expect(text_passes("name = lab-*", "lab-"));
	cr_expect_not(text_passes("name = lab-*", "lab"));
	cr_expect_not(text_passes("name = 'lab-*'", "lab-1"), "a star in quotes is a star");
	cr_expect(text_passes("name in (a, b, c*)", "cc"));
	cr_expect(text_passes("tag.site = *", ""), "a star alone is anything");
	cr_expect(text_passes("version < 1.10", "1.9"));
	cr_expect(text_passes("version >= 1.10", "1.10.0"));
	cr_expect_not(text_passes("version < 2.0", "2.0"));
	cr_expect(text_passes("version < 2.0", "2.0-rc1"));
}

static bool number_passes(const char *expression, int64_t number)
{
	return ota_target_test_number(&target, only_test(expression), number);
}

Test(target, percent_counts_in_millionths_and_seen_in_milliseconds)
{
	cr_expect(number_passes("percent < 10", 99999));
	cr_expect_not(number_passes("percent < 10", 100000));
	cr_expect(number_passes("percent >= 0.0001", 1));
	cr_expect(number_passes("percent <= 100", 999999));
	cr_expect(number_passes("seen < 10m", 10 * OTA_MINUTE_MS - 1));
	cr_expect_not(number_passes("seen < 10m", 10 * OTA_MINUTE_MS));
	cr_expect(number_passes("seen > 30d", (int64_t)31 * OTA_DAY_MS));
}

Test(target, keys_stand_behind_the_point)
{
	const struct ota_target_test *test = only_test("tag.a.b = 1");
	cr_expect(ota_span_equals(test->key, "a.b"));
	test = only_test("version.mcu = 1");
	cr_expect(ota_span_equals(test->key, "mcu"));
	cr_expect_eq(only_test("version = 1")->key.size, 0);
}

#define BEGINNING "expected not, ( or a field: name, product, group, module, version, tag.KEY, percent, seen"

/* Each names the column and what belongs there. */
static const struct {
	const char *text, *sentence;
} wrong[] = {
	{"", "column 1: " BEGINNING ", but the expression ends"},
	{"nmae = a", "column 1: there is no field \"nmae\"; did you mean name?"},
	{"color = a", "column 1: " BEGINNING ", found \"color\""},
	{"name", "column 5: expected one of = != in behind name, but the expression ends"},
	{"name < a", "column 6: expected one of = != in behind name, found \"<\""},
	{"name ==a", "column 7: expected a value, found \"=\""},
	{"name = ", "column 8: expected a value, but the expression ends"},
	{"name = a b", "column 10: expected and, or, or the end, found \"b\""},
	{"(name = a", "column 10: expected and, or, or the ) of a ( before, but the expression ends"},
	{"name = a)", "column 9: expected and, or, or the end, found \")\""},
	{"name = a and", "column 13: " BEGINNING ", but the expression ends"},
	{"name = 'a", "column 8: the quote that opens here is never closed"},
	{"name = a&b", "column 9: expected and, or, or the end; a value with such a character goes in quotes"},
	{"name in a", "column 9: expected ( and values with commas between them, found \"a\""},
	{"name in (a b)", "column 12: expected , or ), found \"b\""},
	{"name in ()", "column 10: expected a value, found \")\""},
	{"name = a*b", "column 8: expected a * at the end of a value alone, found \"a*b\""},
	{"version < 1*", "column 11: expected a value without *, which only = knows, found \"1*\""},
	{"tag = a", "column 1: expected a key behind the point, such as tag.region, found \"tag\""},
	{"tag. = a", "column 1: expected a key behind the point, such as tag.region, found \"tag.\""},
	{"name.x = a", "column 1: expected no point behind this field, found \"name.x\""},
	{"percent = 5", "column 9: expected one of < <= > >= behind percent, found \"=\""},
	{"percent < 100.1", "column 11: expected a number from 0 to 100 with at most four decimals, found \"100.1\""},
	{"percent < 0.00001", "column 11: expected a number from 0 to 100 with at most four decimals, found \"0.00001\""},
	{"percent < -1", "column 11: expected a number from 0 to 100 with at most four decimals, found \"-1\""},
	{"percent < 1e1", "column 11: expected a number from 0 to 100 with at most four decimals, found \"1e1\""},
	{"seen < 5", "column 8: expected a duration such as 90s, 10m, 24h or 30d, found \"5\""},
	{"seen < never", "column 8: expected a duration such as 90s, 10m, 24h or 30d, found \"never\""},
};

Test(target, a_wrong_expression_is_told_where_and_what_belongs_there)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect_eq(parse(wrong[i].text), OTA_EINVALID, "%s", wrong[i].text);
		cr_expect_str_eq(error.text, wrong[i].sentence, "%s: %s", wrong[i].text, error.text);
	}
}

static int repeated(const char *head, const char *part, int times, const char *tail)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	ota_bytes_text(&text, head);
	for (int i = 0; i < times; i++)
		ota_bytes_text(&text, part);
	ota_bytes_text(&text, tail);
	return parse(text.data);
}

Test(target, limits_hold_at_the_limit_and_one_past_it)
{
	cr_expect_eq(repeated("name in (a", ",a", OTA_TARGET_VALUES_MAX - 1, ")"), 0, "%s", error.text);
	cr_expect_eq(repeated("name in (a", ",a", OTA_TARGET_VALUES_MAX, ")"), OTA_ELIMIT);
	cr_expect(strstr(error.text, "at most 256 values"), "%s", error.text);
	cr_expect_eq(repeated("name=a", " or name=a", OTA_TARGET_NODES_MAX / 2 - 1, ""), 0, "%s", error.text);
	cr_expect_eq(repeated("name=a", " or name=a", OTA_TARGET_NODES_MAX / 2, ""), OTA_ELIMIT);
	cr_expect_eq(repeated("", "(", OTA_TARGET_DEPTH_MAX, "name=a"), OTA_EINVALID);
	cr_expect_eq(repeated("", "(", OTA_TARGET_DEPTH_MAX + 1, "name=a"), OTA_ELIMIT);
	cr_expect_eq(repeated("", "not ", OTA_TARGET_DEPTH_MAX + 1, "name=a"), OTA_ELIMIT);
	cr_expect_eq(repeated("name=", "a", OTA_TARGET_TEXT_MAX - 5, ""), 0, "%s", error.text);
	cr_expect_eq(repeated("name=", "a", OTA_TARGET_TEXT_MAX - 4, ""), OTA_ELIMIT);
	cr_expect_eq(parse("name = '\xFF'"), OTA_EINVALID);
	cr_expect_eq(ota_target_parse((struct ota_span){"name\0=a", 7}, &target, &error), OTA_EINVALID);
}

static const char *lead_of(const char *text)
{
	static char name[OTA_GROUP_NAME_MAX + 1];
	cr_assert_eq(parse(text), 0, "%s: %s", text, error.text);
	const struct ota_target_value *lead = ota_target_lead(&target);
	return lead && ota_text_copy(name, sizeof(name), lead->text) ? name : "none";
}

/* Only where nobody else can be meant. */
Test(target, a_group_leads_that_all_must_be_in)
{
	cr_expect_str_eq(lead_of("group = a"), "a");
	cr_expect_str_eq(lead_of("version < 2 and (percent < 1 and group = a)"), "a");
	cr_expect_str_eq(lead_of("group = a and group = b"), "a");
	cr_expect_str_eq(lead_of("(group = a or name = x) and group = b"), "b");
	cr_expect_str_eq(lead_of("group = a or name = x"), "none");
	cr_expect_str_eq(lead_of("group != a"), "none");
	cr_expect_str_eq(lead_of("group in (a, b)"), "none");
	cr_expect_str_eq(lead_of("group = a*"), "none");
	cr_expect_str_eq(lead_of("group = 'a*'"), "a*");
}

Test(target, it_tells_which_groups_it_names)
{
	cr_assert_eq(parse("version < 2 or not (group in (a, b*) and name = c)"), 0);
	cr_expect(ota_target_names_group(&target, "a"));
	cr_expect(ota_target_names_group(&target, "beta"));
	cr_expect_not(ota_target_names_group(&target, "aa"));
	cr_expect_not(ota_target_names_group(&target, "c"));
}
