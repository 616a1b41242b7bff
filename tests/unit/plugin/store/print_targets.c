/* Prints what target expressions become as statements PostgreSQL is to prepare: every field, over each part of a product. They
 * are put together by a store with a small world, in the directory that is given. */
#include <stdio.h>

#include "common/text.h"
#include "plugin/store/group.h"
#include "plugin/store/order.h"
#include "plugin/store/product.h"

static const char *const expressions[] = {
	"name = a", "name in (a, lab-*)", "product != pk", "group = lab", "group in (lab, none, l*)",
	"not group = none", "module = m*", "version < 2", "version = 1.*", "version.mcu > 99", "tag.region = eu",
	"tag.region = *", "percent < 12.5", "seen < 1h",
	"seen > 30d or (group = lab and not version >= 2 and tag.site != 'Hall 3')",
};

static const struct ota_order_part parts[] = {
	{.after = "a", .until = "b", .limit = 10},
	{.after = "", .limit = 10},
	{.after = "", .buckets = 20000, .limit = 10},
	{.group = 1, .after = "a", .until = "b", .limit = 10},
};
enum { EXPRESSIONS = sizeof(expressions) / sizeof(expressions[0]), PARTS = sizeof(parts) / sizeof(parts[0]) };

static int world_make(struct ota_store *store, struct ota_error *error)
{
	const struct ota_product product = {.product_key = "pk", .rev = 1};
	const struct ota_group group = {.id = 1, .rev = 1, .product_key = "pk", .name = "lab"};
	struct ota_device device = {.id = 2, .rev = 1};
	const struct ota_device_module module = {.device_id = 2, .module = "default", .version = "1.0"};
	int failed = ota_product_insert(store, &product, error);

	ota_identity_make(ota_span_from_text("pk"), ota_span_from_text("a"), &device.identity);
	if (!failed)
		failed = ota_device_insert(store, &device, error);
	if (!failed)
		failed = ota_device_module_save(store, "pk", &module, error);
	return failed ? failed : ota_group_insert(store, &group, error);
}

static int order_print(struct ota_store *store, size_t expression, size_t part, struct ota_error *error)
{
	static struct ota_target target;
	const struct ota_target_scope scope = {.target = &target, .product_key = "pk", .module = "default", .wall_ms = 1};
	struct ota_order order = {0};
	int failed = ota_target_parse(ota_span_from_text(expressions[expression]), &target, error);

	if (!failed)
		failed = ota_order_make(&order, store, &scope, &parts[part], error);
	if (!failed)
		printf("PREPARE expression_%zu_%zu AS %s;\n", expression, part, order.sql.data);
	ota_order_free(&order);
	return failed;
}

static int orders_print(struct ota_store *store, struct ota_error *error)
{
	int failed = ota_store_begin(store, error);

	if (!failed)
		failed = world_make(store, error);
	for (size_t i = 0; !failed && i < (size_t)EXPRESSIONS * PARTS; i++)
		failed = order_print(store, i / PARTS, i % PARTS, error);
	return failed;
}

int main(int argc, char **argv)
{
	struct ota_store *store = NULL;
	struct ota_error error = {0};
	int failed = argc == 2 ? ota_store_open(argv[1], &store, &error) : OTA_EINVALID;

	if (!failed)
		failed = orders_print(store, &error);
	(void)ota_store_free(store);
	if (failed)
		fprintf(stderr, "print-targets DIRECTORY: %s\n", error.text);
	return failed || fflush(stdout) ? 1 : 0;
}
