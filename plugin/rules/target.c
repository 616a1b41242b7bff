#include "plugin/rules/target.h"

#include <string.h>

#include "common/nearest.h"
#include "common/text.h"
#include "common/version.h"

enum { PERCENT_WHOLE = 100, PERCENT_DECIMALS = 4, PERCENT_UNIT = 10000 };

/* --- the one table of fields --- */

enum value_form { FORM_TEXT, FORM_PERCENT, FORM_DURATION };
enum { EQUALITY = 1, RANGE = 2 };

static const struct field_rule {
	const char *word;
	unsigned compares;
	enum value_form form;
	bool key, key_needed; /* word.KEY */
	const char *compares_text;
} field_rules[OTA_TARGET_FIELDS] = {
	[OTA_TARGET_NAME]    = {"name", EQUALITY, FORM_TEXT, false, false, "= != in"},
	[OTA_TARGET_PRODUCT] = {"product", EQUALITY, FORM_TEXT, false, false, "= != in"},
	[OTA_TARGET_GROUP]   = {"group", EQUALITY, FORM_TEXT, false, false, "= != in"},
	[OTA_TARGET_MODULE]  = {"module", EQUALITY, FORM_TEXT, false, false, "= != in"},
	[OTA_TARGET_VERSION] = {"version", EQUALITY | RANGE, FORM_TEXT, true, false, "= != in < <= > >="},
	[OTA_TARGET_TAG]     = {"tag", EQUALITY, FORM_TEXT, true, true, "= != in"},
	[OTA_TARGET_PERCENT] = {"percent", RANGE, FORM_PERCENT, false, false, "< <= > >="},
	[OTA_TARGET_SEEN]    = {"seen", RANGE, FORM_DURATION, false, false, "< <= > >="},
};

/* --- tokens --- */

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_SIGN, TOKEN_BROKEN };

struct token {
	enum token_kind kind;
	struct ota_span text; /* without quotes */
	size_t column;
};

struct parser {
	struct ota_target *target;
	const char *at;
	struct token token; /* the next one */
	unsigned depth;
	struct ota_error *error;
};

static bool is_word_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("_.:@+/-*", c));
}

static void token_quoted(struct parser *parser)
{
	char quote = *parser->at++;
	const char *end = strchr(parser->at, quote);
	parser->token.kind = end ? TOKEN_QUOTED : TOKEN_BROKEN;
	parser->token.text = (struct ota_span){parser->at, end ? (size_t)(end - parser->at) : 0};
	parser->at = end ? end + 1 : parser->at + strlen(parser->at);
}

/* ( ) , = != < <= > >= */
static size_t sign_size(const char *at)
{
	if ((*at == '!' || *at == '<' || *at == '>') && at[1] == '=')
		return 2;
	return strchr("(),=<>", *at) ? 1 : 0;
}

static void token_next(struct parser *parser)
{
	while (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\n' || *parser->at == '\r')
		parser->at++;
	const char *begin = parser->at;
	parser->token = (struct token){.kind = TOKEN_END, .column = (size_t)(begin - parser->target->text) + 1};
	if (*begin == '\0')
		return;
	if (*begin == '"' || *begin == '\'') {
		token_quoted(parser);
		return;
	}
	size_t size = sign_size(begin);
	parser->token.kind = size > 0 ? TOKEN_SIGN : TOKEN_WORD;
	while (parser->token.kind == TOKEN_WORD && is_word_character(begin[size]))
		size++;
	if (size == 0) {
		parser->token.kind = TOKEN_BROKEN;
		size = 1;
	}
	parser->token.text = (struct ota_span){begin, size};
	parser->at += size;
}

static bool token_is(const struct parser *parser, const char *text)
{
	const struct token *token = &parser->token;
	return (token->kind == TOKEN_WORD || token->kind == TOKEN_SIGN) && ota_span_equals(token->text, text);
}

static bool token_take(struct parser *parser, const char *text)
{
	bool is = token_is(parser, text);
	if (is)
		token_next(parser);
	return is;
}

/* "column 9: expected <what>, found <the token>" */
static int expected(const struct parser *parser, const char *what)
{
	const struct token *token = &parser->token;
	struct ota_error *error = parser->error;
	size_t column = token->column;
	int size = token->text.size > OTA_LABEL_MAX ? OTA_LABEL_MAX : (int)token->text.size;
	if (token->kind == TOKEN_END)
		return ota_fail(error, OTA_EINVALID, "column %zu: expected %s, but the expression ends", column, what);
	if (token->kind == TOKEN_BROKEN && token->text.size == 0)
		return ota_fail(error, OTA_EINVALID, "column %zu: the quote that opens here is never closed", column);
	if (token->kind == TOKEN_BROKEN)
		return ota_fail(error, OTA_EINVALID, "column %zu: expected %s; a value with such a character goes in quotes",
				column, what);
	return ota_fail(error, OTA_EINVALID, "column %zu: expected %s, found \"%.*s\"", column, what, size, token->text.data);
}

/* --- values --- */

static bool percent_parse(struct ota_span text, int64_t *ret_number)
{
	int64_t number = 0;
	size_t decimals = 0;
	bool point = false;
	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];
		if (c == '.' && !point && i > 0 && i + 1 < text.size) {
			point = true;
			continue;
		}
		if (c < '0' || c > '9' || (point && ++decimals > PERCENT_DECIMALS) || number > PERCENT_WHOLE * PERCENT_UNIT)
			return false;
		number = number * 10 + (c - '0');
	}
	for (; decimals < PERCENT_DECIMALS; decimals++)
		number *= 10;
	*ret_number = number;
	return text.size > 0 && number <= PERCENT_WHOLE * PERCENT_UNIT;
}

static bool duration_parse(struct ota_span text, int64_t *ret_ms)
{
	char copy[32];
	return ota_text_copy(copy, sizeof(copy), text) && ota_text_parse_duration(copy, ret_ms);
}

static int value_number(struct parser *parser, enum value_form form, struct ota_target_value *value)
{
	if (form == FORM_PERCENT && !percent_parse(parser->token.text, &value->number))
		return expected(parser, "a number from 0 to 100 with at most four decimals");
	if (form == FORM_DURATION && !duration_parse(parser->token.text, &value->number))
		return expected(parser, "a duration such as 90s, 10m, 24h or 30d");
	return 0;
}

static int value_parse(struct parser *parser, struct ota_target_test *test)
{
	const struct field_rule *rule = &field_rules[test->field];
	const struct token *token = &parser->token;
	struct ota_target *target = parser->target;
	if (token->kind != TOKEN_WORD && token->kind != TOKEN_QUOTED)
		return expected(parser, "a value");
	if (target->value_count == OTA_TARGET_VALUES_MAX)
		return ota_fail(parser->error, OTA_ELIMIT, "column %zu: an expression has at most %d values", token->column,
				OTA_TARGET_VALUES_MAX);
	struct ota_target_value *value = &target->values[target->value_count];
	*value = (struct ota_target_value){.text = token->text};
	bool star = token->kind == TOKEN_WORD && memchr(token->text.data, '*', token->text.size);
	if (star && (test->compare != OTA_TARGET_EQUAL || memchr(token->text.data, '*', token->text.size - 1)))
		return expected(parser, test->compare == OTA_TARGET_EQUAL ? "a * at the end of a value alone"
									  : "a value without *, which only = knows");
	value->prefix = star;
	value->text.size -= star;
	int code = value_number(parser, rule->form, value);
	if (code != 0)
		return code;
	target->value_count++;
	test->count++;
	token_next(parser);
	return 0;
}

static int values_parse(struct parser *parser, struct ota_target_test *test, bool list)
{
	test->first = parser->target->value_count;
	if (!list)
		return value_parse(parser, test);
	if (!token_take(parser, "("))
		return expected(parser, "( and values with commas between them");
	int code = value_parse(parser, test);
	while (code == 0 && token_take(parser, ","))
		code = value_parse(parser, test);
	if (code == 0 && !token_take(parser, ")"))
		code = expected(parser, ", or )");
	return code;
}

/* --- tests --- */

static int field_unknown(const struct parser *parser, struct ota_span word)
{
	const char *words[OTA_TARGET_FIELDS + 1] = {NULL};
	char text[OTA_LABEL_MAX + 1];
	for (size_t i = 0; i < OTA_TARGET_FIELDS; i++)
		words[i] = field_rules[i].word;
	const char *near = ota_text_copy(text, sizeof(text), word) ? ota_nearest(text, words) : NULL;
	if (near)
		return ota_fail(parser->error, OTA_EINVALID, "column %zu: there is no field \"%s\"; did you mean %s?",
				parser->token.column, text, near);
	return expected(parser, "not, ( or a field: name, product, group, module, version, tag.KEY, percent, seen");
}

/* "version.mcu": the field and its key. */
static int field_parse(struct parser *parser, struct ota_target_test *test)
{
	struct ota_span word = parser->token.text;
	if (parser->token.kind != TOKEN_WORD)
		return field_unknown(parser, (struct ota_span){NULL, 0});
	const char *point = memchr(word.data, '.', word.size);
	struct ota_span head = {word.data, point ? (size_t)(point - word.data) : word.size};
	for (size_t i = 0; i < OTA_TARGET_FIELDS; i++) {
		const struct field_rule *rule = &field_rules[i];
		if (!ota_span_equals(head, rule->word))
			continue;
		test->field = (enum ota_target_field)i;
		if (point)
			test->key = (struct ota_span){point + 1, word.size - head.size - 1};
		if (test->key.size > 0 ? !rule->key : rule->key_needed || point)
			return expected(parser, rule->key ? "a key behind the point, such as tag.region"
							  : "no point behind this field");
		token_next(parser);
		return 0;
	}
	return field_unknown(parser, head);
}

static const struct {
	const char *word;
	enum ota_target_compare compare;
	unsigned kind;
	bool negated, list;
} compares[] = {
	{"=", OTA_TARGET_EQUAL, EQUALITY, false, false},
	{"!=", OTA_TARGET_EQUAL, EQUALITY, true, false},
	{"in", OTA_TARGET_EQUAL, EQUALITY, false, true},
	{"<", OTA_TARGET_LESS, RANGE, false, false},
	{"<=", OTA_TARGET_LESS_OR_EQUAL, RANGE, false, false},
	{">", OTA_TARGET_GREATER, RANGE, false, false},
	{">=", OTA_TARGET_GREATER_OR_EQUAL, RANGE, false, false},
};
enum { COMPARES = sizeof(compares) / sizeof(compares[0]) };

static int node_add(struct parser *parser, struct ota_target_node node, size_t *ret_index)
{
	struct ota_target *target = parser->target;
	if (target->node_count == OTA_TARGET_NODES_MAX)
		return ota_fail(parser->error, OTA_ELIMIT, "column %zu: an expression has at most %d tests, ands, ors and nots",
				parser->token.column, OTA_TARGET_NODES_MAX);
	*ret_index = target->node_count++;
	target->nodes[*ret_index] = node;
	return 0;
}

static int node_negate(struct parser *parser, size_t *index)
{
	return node_add(parser, (struct ota_target_node){.kind = OTA_TARGET_NOT, .left = *index}, index);
}

static int compare_parse(struct parser *parser, struct ota_target_test *test, size_t *ret_row)
{
	const struct field_rule *rule = &field_rules[test->field];
	OTA_AUTO_BYTES struct ota_bytes what = {0};
	size_t i = 0;
	while (i < COMPARES && !(rule->compares & compares[i].kind && token_is(parser, compares[i].word)))
		i++;
	if (i == COMPARES) {
		ota_bytes_format(&what, "one of %s behind %s", rule->compares_text, rule->word);
		return expected(parser, what.failed ? rule->compares_text : what.data);
	}
	token_next(parser);
	test->compare = compares[i].compare;
	*ret_row = i;
	return 0;
}

static int test_parse(struct parser *parser, size_t *ret_index)
{
	struct ota_target_node node = {.kind = OTA_TARGET_TEST};
	size_t row = 0;
	int code = field_parse(parser, &node.test);
	if (code == 0)
		code = compare_parse(parser, &node.test, &row);
	if (code == 0)
		code = values_parse(parser, &node.test, compares[row].list);
	if (code == 0)
		code = node_add(parser, node, ret_index);
	return code == 0 && compares[row].negated ? node_negate(parser, ret_index) : code;
}

/* --- and, or, not --- */

static int or_parse(struct parser *parser, size_t *ret_index);

/* not ..., ( ... ), or a test */
static int factor_parse(struct parser *parser, size_t *ret_index)
{
	bool is_not = token_is(parser, "not");
	if (!is_not && !token_is(parser, "("))
		return test_parse(parser, ret_index);
	if (++parser->depth > OTA_TARGET_DEPTH_MAX)
		return ota_fail(parser->error, OTA_ELIMIT, "column %zu: at most %d parentheses and nots inside one another",
				parser->token.column, OTA_TARGET_DEPTH_MAX);
	token_next(parser);
	int code = is_not ? factor_parse(parser, ret_index) : or_parse(parser, ret_index);
	if (code == 0 && is_not)
		code = node_negate(parser, ret_index);
	else if (code == 0 && !token_take(parser, ")"))
		code = expected(parser, "and, or, or the ) of a ( before");
	parser->depth--;
	return code;
}

struct chain {
	const char *word;
	enum ota_target_kind kind;
	int (*operand)(struct parser *parser, size_t *ret_index);
};

/* operand {word operand}, joined from the left */
static int chain_parse(struct parser *parser, const struct chain *chain, size_t *ret_index)
{
	int code = chain->operand(parser, ret_index);
	while (code == 0 && token_take(parser, chain->word)) {
		struct ota_target_node node = {.kind = chain->kind, .left = *ret_index};
		code = chain->operand(parser, &node.right);
		if (code == 0)
			code = node_add(parser, node, ret_index);
	}
	return code;
}

static int and_parse(struct parser *parser, size_t *ret_index)
{
	return chain_parse(parser, &(struct chain){"and", OTA_TARGET_AND, factor_parse}, ret_index);
}

static int or_parse(struct parser *parser, size_t *ret_index)
{
	return chain_parse(parser, &(struct chain){"or", OTA_TARGET_OR, and_parse}, ret_index);
}

int ota_target_parse(struct ota_span text, struct ota_target *ret_target, struct ota_error *error)
{
	struct parser parser = {.target = ret_target, .at = ret_target->text, .error = error};
	ret_target->node_count = ret_target->value_count = 0;
	if (text.size > OTA_TARGET_TEXT_MAX)
		return ota_fail(error, OTA_ELIMIT, "an expression has at most %d bytes", OTA_TARGET_TEXT_MAX);
	if (!ota_text_is_utf8(text) || !ota_text_copy(ret_target->text, sizeof(ret_target->text), text))
		return ota_fail(error, OTA_EINVALID, "an expression is UTF-8 text without NUL");
	token_next(&parser);
	int code = or_parse(&parser, &ret_target->root);
	return code == 0 && parser.token.kind != TOKEN_END ? expected(&parser, "and, or, or the end") : code;
}

static const struct ota_target_value *lead_at(const struct ota_target *target, size_t index)
{
	const struct ota_target_node *node = &target->nodes[index];
	const struct ota_target_value *lead = NULL;

	if (node->kind == OTA_TARGET_AND) {
		lead = lead_at(target, node->left);
		return lead ? lead : lead_at(target, node->right);
	}
	if (node->kind == OTA_TARGET_TEST && node->test.field == OTA_TARGET_GROUP && node->test.count == 1)
		lead = &target->values[node->test.first];
	return lead && !lead->prefix ? lead : NULL;
}

const struct ota_target_value *ota_target_lead(const struct ota_target *target)
{
	return lead_at(target, target->root);
}

/* --- what holds --- */

static bool compare_holds(enum ota_target_compare compare, int order)
{
	switch (compare) {
	case OTA_TARGET_LESS:
		return order < 0;
	case OTA_TARGET_LESS_OR_EQUAL:
		return order <= 0;
	case OTA_TARGET_GREATER:
		return order > 0;
	case OTA_TARGET_GREATER_OR_EQUAL:
		return order >= 0;
	case OTA_TARGET_EQUAL:
	default:
		return order == 0;
	}
}

static bool value_is(const struct ota_target_value *value, struct ota_span text)
{
	bool fits = value->prefix ? text.size >= value->text.size : text.size == value->text.size;
	return fits && (value->text.size == 0 || memcmp(text.data, value->text.data, value->text.size) == 0);
}

bool ota_target_test_text(const struct ota_target *target, const struct ota_target_test *test, struct ota_span text)
{
	const struct ota_target_value *values = &target->values[test->first];
	if (test->compare != OTA_TARGET_EQUAL)
		return compare_holds(test->compare, ota_version_compare(text, values[0].text));
	for (size_t i = 0; i < test->count; i++)
		if (value_is(&values[i], text))
			return true;
	return false;
}

bool ota_target_test_number(const struct ota_target *target, const struct ota_target_test *test, int64_t number)
{
	int64_t value = target->values[test->first].number;
	return compare_holds(test->compare, (number > value) - (number < value));
}

bool ota_target_names_group(const struct ota_target *target, const char *group)
{
	for (size_t i = 0; i < target->node_count; i++) {
		const struct ota_target_node *node = &target->nodes[i];

		if (node->kind == OTA_TARGET_TEST && node->test.field == OTA_TARGET_GROUP &&
		    ota_target_test_text(target, &node->test, ota_span_from_text(group)))
			return true;
	}
	return false;
}
