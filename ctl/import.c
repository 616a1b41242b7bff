/*
 * device import: a table of devices. It is read twice: the first time to find every mistake before anything is asked of the
 * server, the second time to send it in pieces. So the size of the table does not matter, and nothing is done by half because
 * line 90 000 is wrong.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/nearest.h"
#include "common/text.h"
#include "common/topic.h"
#include "ctl/csv.h"
#include "ctl/input.h"
#include "ctl/meter.h"
#include "ctl/pieces.h"
#include "ctl/verbs.h"

enum {
	PIECE_BYTES_MAX = 48 * 1024, /* of a command, well under OTA_PAYLOAD_MAX */
	TAG_PREFIX = 4,              /* "tag:" */
};

enum role {
	ROLE_NAME,
	ROLE_PRODUCT,
	ROLE_SECRET,
	ROLE_TAGS, /* "KEY=VALUE;KEY=VALUE" */
	ROLE_TAG,  /* its header is "tag:KEY" */
};

/* A device's name and its place, to find doubles without keeping the names. */
struct seen {
	uint64_t hash;
	size_t line;
};

struct import {
	struct ota_invocation *invocation;
	struct ota_csv csv;
	const char *path;
	int64_t size;
	const char *product; /* of --product; NULL = each row says */
	size_t columns;
	enum role roles[OTA_CSV_COLUMNS_MAX];
	char tags[OTA_CSV_COLUMNS_MAX][OTA_DEVICE_TAG_KEY_MAX + 1];
	struct seen *seen;
	size_t devices, capacity;
	size_t secrets, tagged;
	cJSON *products; /* object of the keys met */
};

/* What a row says. */
struct row {
	const char *product;
	cJSON *device; /* an element of importDevices */
};

static int no_memory(struct ota_error *error)
{
	return ota_fail(error, OTA_ENOMEM, "out of memory");
}

static int wrong(const struct import *import, size_t column, int code, struct ota_error *error)
{
	return ota_error_prefix(error, code, "%s: line %zu, column %zu", import->path, import->csv.line, column + 1);
}

static bool header_parse(const char *text, enum role *ret_role)
{
	static const struct {
		const char *text;
		enum role role;
	} known[] = {
		{ "device_name", ROLE_NAME },     { "DeviceName", ROLE_NAME },     { "deviceName", ROLE_NAME },
		{ "product_key", ROLE_PRODUCT },  { "ProductKey", ROLE_PRODUCT },  { "productKey", ROLE_PRODUCT },
		{ "device_secret", ROLE_SECRET }, { "DeviceSecret", ROLE_SECRET }, { "deviceSecret", ROLE_SECRET },
		{ "tags", ROLE_TAGS },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(text, known[i].text) == 0) {
			*ret_role = known[i].role;
			return true;
		}
	}
	*ret_role = ROLE_TAG;
	return strncmp(text, "tag:", TAG_PREFIX) == 0;
}

static int unknown_header(const char *text, struct ota_error *error)
{
	static const char *const names[] = { "device_name", "product_key", "device_secret", "tags", NULL };
	const char *near = ota_nearest(text, names);

	if (strchr(text, ';') && !strchr(text, ','))
		return ota_fail(error, OTA_EINVALID, "the columns are parted by semicolons; save the table with commas");
	if (near)
		return ota_fail(error, OTA_EINVALID, "\"%.40s\" is no column of an import; perhaps \"%s\" is meant", text, near);
	return ota_fail(error, OTA_EINVALID,
			"\"%.40s\" is no column of an import; allowed: device_name, product_key, device_secret, tags, tag:NAME",
			text);
}

static int header_take(struct import *import, size_t column, struct ota_error *error)
{
	const char *text = import->csv.fields[column];

	if (!header_parse(text, &import->roles[column]))
		return unknown_header(text, error);
	if (import->roles[column] == ROLE_TAG) {
		if (!ota_text_copy(import->tags[column], sizeof(import->tags[column]), ota_span_from_text(text + TAG_PREFIX)))
			return ota_fail(error, OTA_EINVALID, "a tag has 1..%d letters, digits and _ . -", OTA_DEVICE_TAG_KEY_MAX);
	}
	for (size_t i = 0; i < column; i++) {
		if (import->roles[i] == import->roles[column] && strcmp(import->tags[i], import->tags[column]) == 0)
			return ota_fail(error, OTA_EINVALID, "the column \"%.40s\" stands twice", text);
	}
	return 0;
}

static bool has_role(const struct import *import, enum role role)
{
	for (size_t i = 0; i < import->columns; i++) {
		if (import->roles[i] == role)
			return true;
	}
	return false;
}

static int header_read(struct import *import, struct ota_error *error)
{
	int code = ota_csv_next(&import->csv, error);

	if (code == 0)
		return ota_fail(error, OTA_EINVALID, "%s: is empty; the first line names the columns", import->path);
	if (code < 0)
		return code;
	import->columns = import->csv.count;
	code = 0;
	for (size_t i = 0; code == 0 && i < import->columns; i++) {
		code = header_take(import, i, error);
		if (code < 0)
			return wrong(import, i, code, error);
	}
	if (!has_role(import, ROLE_NAME))
		return ota_fail(error, OTA_EINVALID, "%s: no column is device_name", import->path);
	if (!import->product && !has_role(import, ROLE_PRODUCT))
		return ota_fail(error, OTA_EINVALID, "%s: no column is product_key; name the product with --product",
				import->path);
	return 0;
}

static int set_tag(cJSON *device, const char *key, const char *value, struct ota_error *error)
{
	cJSON *tags = cJSON_GetObjectItemCaseSensitive(device, "tags");

	if (!tags)
		tags = cJSON_AddObjectToObject(device, "tags");
	if (ota_json_member(tags, key))
		return ota_fail(error, OTA_EINVALID, "tag %s is given twice", key);
	return tags && cJSON_AddStringToObject(tags, key, value) ? 0 : no_memory(error);
}

/* "KEY=VALUE;KEY=VALUE" */
static int set_tags(cJSON *device, const char *text, struct ota_error *error)
{
	char pair[OTA_DEVICE_TAG_KEY_MAX + OTA_DEVICE_TAG_VALUE_MAX + 2];
	int code = 0;

	while (code == 0 && *text) {
		size_t size = strcspn(text, ";");
		char *equals;

		if (!ota_text_copy(pair, sizeof(pair), (struct ota_span){ text, size }))
			return ota_fail(error, OTA_EINVALID, "a tag is too long");
		equals = strchr(pair, '=');
		if (!equals)
			return ota_fail(error, OTA_EINVALID, "tags are KEY=VALUE, parted by semicolons");
		*equals = '\0';
		code = set_tag(device, pair, equals + 1, error);
		text += size + (text[size] == ';');
	}
	return code;
}

static int set_product(const struct import *import, struct row *row, const char *text, struct ota_error *error)
{
	if (import->product && strcmp(import->product, text) != 0)
		return ota_fail(error, OTA_EINVALID, "product_key is \"%.40s\", but --product is \"%s\"", text, import->product);
	row->product = text;
	return 0;
}

static int set_text(cJSON *device, const char *key, const char *text, struct ota_error *error)
{
	return cJSON_AddStringToObject(device, key, text) ? 0 : no_memory(error);
}

static int field_take(const struct import *import, size_t column, struct row *row, struct ota_error *error)
{
	const char *text = import->csv.fields[column];

	if (*text == '\0')
		return 0;
	switch (import->roles[column]) {
	case ROLE_NAME:
		return set_text(row->device, "deviceName", text, error);
	case ROLE_PRODUCT:
		return set_product(import, row, text, error);
	case ROLE_SECRET:
		return set_text(row->device, "secret", text, error);
	case ROLE_TAGS:
		return set_tags(row->device, text, error);
	case ROLE_TAG:
		return set_tag(row->device, import->tags[column], text, error);
	}
	return 0;
}

/* The column whose content the path of a refused command means. */
static size_t column_of(const struct import *import, const char *path)
{
	enum role role = strstr(path, "secret") ? ROLE_SECRET : strstr(path, "tags") ? ROLE_TAG
			 : strstr(path, "productKey") ? ROLE_PRODUCT : ROLE_NAME;

	for (size_t i = 0; i < import->columns; i++) {
		if (import->roles[i] == role || (role == ROLE_TAG && import->roles[i] == ROLE_TAGS))
			return i;
	}
	return 0;
}

static cJSON *make_command(const char *product, cJSON *devices)
{
	cJSON *command = cJSON_CreateObject();

	if (cJSON_AddStringToObject(command, "command", "importDevices") &&
	    cJSON_AddStringToObject(command, "productKey", product) && cJSON_AddItemToObject(command, "devices", devices))
		return command;
	cJSON_Delete(command);
	return NULL;
}

/* By the server's own rules, so that nothing is refused in the middle of the work. */
static int row_check(const struct import *import, const struct row *row, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *devices = cJSON_CreateArray();
	OTA_AUTO_JSON cJSON *command = NULL;
	int code;

	if (!devices || !cJSON_AddItemReferenceToArray(devices, row->device))
		return no_memory(error);
	command = make_command(row->product, devices);
	if (!command)
		return no_memory(error);
	devices = NULL;
	code = ota_command_check(ota_command_find("importDevices"), command, "", error);
	return code < 0 ? wrong(import, column_of(import, error->path), code, error) : 0;
}

static int row_fill(const struct import *import, struct row *row, struct ota_error *error)
{
	if (import->csv.count != import->columns)
		return ota_fail(error, OTA_EINVALID, "%s: line %zu has %zu columns, the first line has %zu", import->path,
				import->csv.line, import->csv.count, import->columns);
	row->product = import->product;
	for (size_t i = 0; i < import->columns; i++) {
		int code = field_take(import, i, row, error);

		if (code < 0)
			return wrong(import, i, code, error);
	}
	if (!ota_json_member(row->device, "deviceName"))
		return ota_fail(error, OTA_EINVALID, "%s: line %zu names no device", import->path, import->csv.line);
	if (!row->product)
		return ota_fail(error, OTA_EINVALID, "%s: line %zu names no product", import->path, import->csv.line);
	return 0;
}

/* 1 a row (its device is the caller's), 0 the end. */
static int row_next(struct import *import, struct row *ret_row, struct ota_error *error)
{
	struct row row = { .device = NULL };
	int code = ota_csv_next(&import->csv, error);

	if (code <= 0)
		return code;
	row.device = cJSON_CreateObject();
	code = row.device ? row_fill(import, &row, error) : no_memory(error);
	if (code < 0) {
		cJSON_Delete(row.device);
		return code;
	}
	*ret_row = row;
	return 1;
}

static int remember(struct import *import, const struct row *row, struct ota_error *error)
{
	const char *name = ota_json_member(row->device, "deviceName")->valuestring;
	struct ota_identity identity;

	if (import->devices == import->capacity) {
		size_t capacity = import->capacity ? 2 * import->capacity : 1024;
		struct seen *seen = reallocarray(import->seen, capacity, sizeof(*seen));

		if (!seen)
			return no_memory(error);
		import->seen = seen;
		import->capacity = capacity;
	}
	ota_identity_make(ota_span_from_text(row->product), ota_span_from_text(name), &identity);
	import->seen[import->devices++] = (struct seen){ ota_identity_hash(&identity), import->csv.line };
	import->secrets += ota_json_member(row->device, "secret") != NULL;
	import->tagged += ota_json_member(row->device, "tags") != NULL;
	if (!ota_json_member(import->products, row->product) && !cJSON_AddTrueToObject(import->products, row->product))
		return no_memory(error);
	return 0;
}

static int compare_seen(const void *a, const void *b)
{
	const struct seen *left = a, *right = b;

	if (left->hash != right->hash)
		return left->hash < right->hash ? -1 : 1;
	return left->line < right->line ? -1 : left->line > right->line;
}

static int check_doubles(struct import *import, struct ota_error *error)
{
	if (import->devices > 0)
		qsort(import->seen, import->devices, sizeof(*import->seen), compare_seen);
	for (size_t i = 1; i < import->devices; i++) {
		if (import->seen[i - 1].hash == import->seen[i].hash)
			return ota_fail(error, OTA_EINVALID, "%s: lines %zu and %zu name the same device", import->path,
					import->seen[i - 1].line, import->seen[i].line);
	}
	return 0;
}

/* Everything that can be known without the server. */
static int read_all(struct import *import, struct ota_error *error)
{
	struct row row;
	int code = header_read(import, error);

	while (code == 0 && (code = row_next(import, &row, error)) > 0) {
		code = row_check(import, &row, error);
		if (code == 0)
			code = remember(import, &row, error);
		cJSON_Delete(row.device);
	}
	if (code == 0)
		code = check_doubles(import, error);
	if (code == 0 && import->devices == 0)
		code = ota_fail(error, OTA_EINVALID, "%s: holds no device", import->path);
	return code;
}

static int check_products(const struct import *import, struct ota_error *error)
{
	const cJSON *product;
	int code = 0;

	cJSON_ArrayForEach(product, import->products) {
		OTA_AUTO_JSON cJSON *command = cJSON_CreateObject();
		OTA_AUTO_JSON cJSON *data = NULL;

		if (!cJSON_AddStringToObject(command, "command", "getProduct") ||
		    !cJSON_AddStringToObject(command, "productKey", product->string))
			return no_memory(error);
		code = ota_client_call(import->invocation->client, command, &data, error);
		if (code < 0)
			return code;
	}
	return 0;
}

struct piece {
	cJSON *devices;
	char product[OTA_PRODUCT_KEY_MAX + 1];
	size_t bytes, count;
	int number;
	cJSON *sums;
};

static int piece_send(struct import *import, struct piece *piece, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *data = NULL;
	int code;

	if (piece->count == 0)
		return 0;
	command = make_command(piece->product, piece->devices);
	if (!command)
		return no_memory(error);
	piece->devices = NULL;
	code = ota_pieces_label(import->invocation, command, piece->number++, error);
	if (code == 0)
		code = ota_client_call(import->invocation->client, command, &data, error);
	if (code == 0)
		ota_pieces_add_up(piece->sums, data);
	piece->count = piece->bytes = 0;
	return code;
}

static int piece_add(struct import *import, struct piece *piece, struct row *row, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };
	int code = ota_json_write(row->device, &text) < 0 ? no_memory(error) : 0;
	bool is_full = piece->count == OTA_IMPORT_MAX || piece->bytes + text.size + 1 > PIECE_BYTES_MAX;

	if (text.data)
		explicit_bzero(text.data, text.size);
	if (code == 0 && piece->count > 0 && (is_full || strcmp(piece->product, row->product) != 0))
		code = piece_send(import, piece, error);
	if (code == 0 && !piece->devices)
		piece->devices = cJSON_CreateArray();
	if (code == 0 && !cJSON_AddItemToArray(piece->devices, row->device))
		code = no_memory(error);
	if (code < 0) {
		cJSON_Delete(row->device);
		return code;
	}
	ota_text_cut(piece->product, sizeof(piece->product), row->product);
	piece->bytes += text.size + 1;
	piece->count++;
	return 0;
}

static int send_all(struct import *import, cJSON *sums, struct ota_error *error)
{
	struct piece piece = { .sums = sums };
	const char *quiet = ota_invocation_value(import->invocation, "quiet");
	struct ota_meter meter;
	struct row row;
	int code = header_read(import, error);

	ota_meter_begin(&meter, ota_meter_stream(import->invocation->messages, quiet), import->path, (uint64_t)import->size);
	while (code == 0 && (code = row_next(import, &row, error)) > 0) {
		code = piece_add(import, &piece, &row, error);
		ota_meter_show(&meter, (uint64_t)ftello(import->csv.stream), (uint64_t)import->size);
	}
	if (code == 0)
		code = piece_send(import, &piece, error);
	ota_meter_end(&meter);
	cJSON_Delete(piece.devices);
	return code < 0 ? ota_pieces_blame(sums, code, error) : 0;
}

static int show_plan(const struct import *import, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *plan = cJSON_CreateObject();
	bool made = cJSON_AddNumberToObject(plan, "devices", (double)import->devices) &&
		    cJSON_AddNumberToObject(plan, "products", cJSON_GetArraySize(import->products)) &&
		    cJSON_AddNumberToObject(plan, "secrets", (double)import->secrets) &&
		    cJSON_AddNumberToObject(plan, "tagged", (double)import->tagged);

	if (!made)
		return no_memory(error);
	ota_output_one(&import->invocation->output, &ota_view_import, plan);
	return 0;
}

static int run(struct import *import, FILE *stream, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *sums = ota_pieces_sums("registered changed already");
	struct stat status = { 0 };
	int code;

	ota_csv_begin(&import->csv, stream, import->path);
	(void)fstat(fileno(stream), &status);
	import->size = status.st_size;
	if (!S_ISREG(status.st_mode))
		return ota_fail(error, OTA_EINVALID, "%s is no regular file; for a pipe give -", import->path);
	code = read_all(import, error);
	if (code == 0)
		code = check_products(import, error);
	if (code < 0)
		return code;
	if (ota_invocation_value(import->invocation, "dry-run"))
		return show_plan(import, error);
	rewind(stream);
	ota_csv_end(&import->csv);
	ota_csv_begin(&import->csv, stream, import->path);
	code = sums ? send_all(import, sums, error) : no_memory(error);
	if (code == 0)
		ota_output_one(&import->invocation->output, import->invocation->verb->view, sums);
	return code;
}

int ota_device_import(struct ota_invocation *invocation, struct ota_error *error)
{
	const char *path = invocation->arguments[0];
	FILE *stream = ota_input_open(path, error);
	struct import *import;
	int code;

	if (!stream)
		return error->code;
	import = calloc(1, sizeof(*import));
	if (import) {
		import->invocation = invocation;
		import->path = ota_input_name(path);
		import->product = ota_invocation_value(invocation, "product");
		import->products = cJSON_CreateObject();
		code = run(import, stream, error);
		ota_csv_end(&import->csv);
		cJSON_Delete(import->products);
		free(import->seen);
	} else {
		code = no_memory(error);
	}
	free(import);
	(void)fclose(stream);
	return code;
}
