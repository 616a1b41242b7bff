#include "gateway/route.h"

#include <stdio.h>
#include <string.h>

#include "common/nearest.h"
#include "common/text.h"

#define API "/api/v1/"

enum { METHOD_GET = 1, METHOD_POST = 2, METHOD_PUT = 4 };

static unsigned method_parse(const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return METHOD_GET;
	if (strcmp(method, "POST") == 0)
		return METHOD_POST;
	return strcmp(method, "PUT") == 0 ? METHOD_PUT : 0;
}

static const char *method_allow(unsigned methods)
{
	static const char *const texts[] = {
		[METHOD_GET] = "GET, HEAD",
		[METHOD_POST] = "POST",
		[METHOD_GET | METHOD_POST] = "GET, HEAD, POST",
		[METHOD_PUT] = "PUT",
		[METHOD_GET | METHOD_PUT] = "GET, HEAD, PUT",
	};

	return texts[methods];
}

static struct ota_span take_segment(struct ota_span *rest)
{
	const char *slash = rest->size ? memchr(rest->data, '/', rest->size) : NULL;
	struct ota_span segment = { rest->data, slash ? (size_t)(slash - rest->data) : rest->size };
	size_t skip = slash ? segment.size + 1 : segment.size;

	*rest = (struct ota_span){ rest->data + skip, rest->size - skip };
	return segment;
}

static bool take_variable(struct ota_route *route, struct ota_span name, struct ota_span value)
{
	if (name.size < 3 || name.data[0] != '{' || route->variable_count == OTA_ROUTE_VARIABLES_MAX)
		return false;
	name = (struct ota_span){ name.data + 1, name.size - 2 };
	if (!ota_text_copy(route->variables[route->variable_count].name, OTA_ROUTE_NAME_SIZE, name))
		return false;
	route->variables[route->variable_count++].value = value;
	return true;
}

/* "/api/v1/batches/{batch}/tasks" against a path, segment by segment. */
static bool match(const char *pattern, struct ota_span path, struct ota_route *ret_route)
{
	struct ota_span wanted = ota_span_from_text(pattern);
	struct ota_route route = { 0 };

	while (wanted.size > 0 && path.size > 0) {
		struct ota_span name = take_segment(&wanted);
		struct ota_span value = take_segment(&path);
		bool same = name.size == value.size && memcmp(name.data, value.data, name.size) == 0;

		if (!same && !take_variable(&route, name, value))
			return false;
	}
	if (wanted.size > 0 || path.size > 0)
		return false;
	*ret_route = route;
	return true;
}

static const struct ota_command *command_of_path(struct ota_span path)
{
	char name[OTA_ROUTE_NAME_SIZE];
	size_t skip = sizeof(API) - 1;

	if (path.size <= skip || memcmp(path.data, API, skip) != 0)
		return NULL;
	if (!ota_text_copy(name, sizeof(name), (struct ota_span){ path.data + skip, path.size - skip }))
		return NULL;
	return ota_command_find(name);
}

/* Each candidate adds its method to the ones the path knows, and is the route if it is the asked one. */
struct search {
	unsigned asked;
	unsigned known;
	struct ota_route *route;
};

static void offer(struct search *search, unsigned method, enum ota_route_kind kind, struct ota_route route)
{
	search->known |= method;
	if (search->asked != method)
		return;
	route.kind = kind;
	*search->route = route;
}

static void search_commands(struct search *search, struct ota_span path)
{
	const struct ota_command *named = command_of_path(path);
	struct ota_route route;

	if (named && named->role != OTA_ROLE_NONE)
		offer(search, METHOD_POST, OTA_ROUTE_POST, (struct ota_route){ .command = named });
	for (size_t i = 0; i < ota_command_count(); i++) {
		const struct ota_command *command = ota_command_at(i);

		if (!command->get || !match(command->get, path, &route))
			continue;
		route.command = command;
		offer(search, METHOD_GET, OTA_ROUTE_GET, route);
	}
}

static void search_own(struct search *search, struct ota_span path)
{
	static const struct {
		const char *path, *command;
	} uploads[] = { { API "packages", "addPackage" }, { API "files", "addFile" } };
	struct ota_route route = { 0 };

	for (size_t i = 0; i < sizeof(uploads) / sizeof(uploads[0]); i++) {
		if (!ota_span_equals(path, uploads[i].path))
			continue;
		route.command = ota_command_find(uploads[i].command);
		offer(search, METHOD_PUT, OTA_ROUTE_UPLOAD, route);
	}
	if (match(API "groups/{productKey}/{group}/members", path, &route)) {
		route.command = ota_command_find("addToGroup");
		offer(search, METHOD_POST, OTA_ROUTE_MEMBERS, route);
	}
	if (match("/dl/{sha256}", path, &route))
		offer(search, METHOD_GET, OTA_ROUTE_DOWNLOAD, route);
	if (ota_span_equals(path, "/healthz"))
		offer(search, METHOD_GET, OTA_ROUTE_HEALTH, (struct ota_route){ 0 });
	if (ota_span_equals(path, "/metrics")) {
		route.command = ota_command_find("getServer");
		offer(search, METHOD_GET, OTA_ROUTE_METRICS, route);
	}
}

static int unknown_path(struct ota_span path, struct ota_error *error)
{
	char word[OTA_ROUTE_NAME_SIZE];
	struct ota_span last = path;
	const char *near = NULL;

	for (size_t i = 0; i < path.size; i++) {
		if (path.data[i] == '/')
			last = (struct ota_span){ path.data + i + 1, path.size - i - 1 };
	}
	if (ota_text_copy(word, sizeof(word), last))
		near = ota_command_nearest(word);
	if (near && ota_command_find(near)->role != OTA_ROLE_NONE)
		return ota_fail(error, OTA_ENOTFOUND, "there is no such path; did you mean %s%s?", API, near);
	return ota_fail(error, OTA_ENOTFOUND, "there is no such path");
}

int ota_route_find(const char *method, const struct ota_target *target, struct ota_route *ret_route, const char **ret_allow,
		   struct ota_error *error)
{
	struct ota_route route = { 0 };
	struct search search = { .asked = method_parse(method), .route = &route };

	search_commands(&search, target->path);
	search_own(&search, target->path);
	if (!search.known)
		return unknown_path(target->path, error);
	if (!(search.known & search.asked)) {
		*ret_allow = method_allow(search.known);
		return ota_fail(error, OTA_ECONFLICT, "this path takes %s, not %.16s", *ret_allow, method);
	}
	*ret_route = route;
	return 0;
}

static const struct ota_parameter *own_parameter(const struct ota_command *command, const char *name)
{
	for (size_t i = 0; i < command->parameters.count; i++) {
		if (strcmp(command->parameters.rows[i].name, name) == 0)
			return &command->parameters.rows[i];
	}
	/* Why something is changed may stand in the query of an upload. What else all commands share stands in headers. */
	return command->mutating && strcmp(name, "reason") == 0 ? ota_command_parameter(command, name) : NULL;
}

static int unknown_parameter(const struct ota_command *command, const char *name, struct ota_error *error)
{
	const char *names[OTA_TARGET_PARAMETERS_MAX + 1] = { NULL };
	const char *near;

	for (size_t i = 0; i < command->parameters.count && i < OTA_TARGET_PARAMETERS_MAX; i++)
		names[i] = command->parameters.rows[i].name;
	near = ota_nearest(name, names);
	return ota_fail_at(error, OTA_EINVALID, name, "there is no query parameter \"%s\"%s%s%s", name,
			   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int add_member(cJSON *object, const struct ota_command *command, const char *name, const char *text,
		      struct ota_error *error)
{
	const struct ota_parameter *parameter = own_parameter(command, name);
	cJSON *value;
	int code;

	if (!parameter)
		return unknown_parameter(command, name, error);
	if (ota_json_member(object, name))
		return ota_fail_at(error, OTA_EINVALID, name, "%s stands in the path already", name);
	code = ota_parameter_value(parameter, text, &value, error);
	if (code < 0)
		return code;
	if (!cJSON_AddItemToObject(object, name, value)) {
		cJSON_Delete(value);
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	}
	return 0;
}

static int add_query(cJSON *object, const struct ota_command *command, const struct ota_target_parameter *parameter,
		     struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };
	char name[OTA_ERROR_PATH_MAX];
	int code;

	(void)snprintf(name, sizeof(name), "%.*s", (int)parameter->name.size, parameter->name.data);
	code = ota_target_decode(parameter, &text, error);
	return code < 0 ? code : add_member(object, command, name, text.data, error);
}

static int add_variable(cJSON *object, const struct ota_route *route, size_t index, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };

	ota_bytes_append(&text, route->variables[index].value.data, route->variables[index].value.size);
	if (text.failed)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	return add_member(object, route->command, route->variables[index].name, text.data, error);
}

int ota_route_command(const struct ota_route *route, const struct ota_target *target, cJSON **ret_command,
		      struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *object = cJSON_CreateObject();
	int code = 0;

	if (!object || !cJSON_AddStringToObject(object, "command", route->command->name))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	for (size_t i = 0; code == 0 && i < route->variable_count; i++)
		code = add_variable(object, route, i, error);
	for (size_t i = 0; code == 0 && i < target->count; i++)
		code = add_query(object, route->command, &target->parameters[i], error);
	if (code == 0) {
		*ret_command = object;
		object = NULL;
	}
	return code;
}
