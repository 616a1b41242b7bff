/*
 * Route: which request means what. The commands' routes come from common/command.h, so that a new command needs no line here.
 * Pure.
 */
#ifndef OTA_GATEWAY_ROUTE_H
#define OTA_GATEWAY_ROUTE_H

#include "common/command.h"
#include "gateway/target.h"

enum ota_route_kind {
	OTA_ROUTE_POST,     /* POST /api/v1/<command>, its members as JSON */
	OTA_ROUTE_GET,      /* GET of a command's alias, its members in path and query */
	OTA_ROUTE_UPLOAD,   /* PUT /api/v1/packages, or /api/v1/files for one of several */
	OTA_ROUTE_MEMBERS,  /* POST /api/v1/groups/<productKey>/<group>/members, a list of names */
	OTA_ROUTE_DOWNLOAD, /* GET /dl/<sha256> */
	OTA_ROUTE_HEALTH,   /* GET /healthz */
	OTA_ROUTE_METRICS,  /* GET /metrics */
	OTA_ROUTE_KINDS,
};

enum { OTA_ROUTE_VARIABLES_MAX = 2, OTA_ROUTE_NAME_SIZE = 24 };

struct ota_route {
	enum ota_route_kind kind;
	const struct ota_command *command; /* POST, GET, UPLOAD, MEMBERS, METRICS */
	struct {
		char name[OTA_ROUTE_NAME_SIZE];
		struct ota_span value;
	} variables[OTA_ROUTE_VARIABLES_MAX]; /* from the path; borrows the target */
	size_t variable_count;
};

/* HEAD goes where GET goes. OTA_ENOTFOUND: no such path. OTA_ECONFLICT: the path exists, but not with this method; ret_allow
 * then holds a static text for the Allow header. */
int ota_route_find(const char *method, const struct ota_target *target, struct ota_route *ret_route, const char **ret_allow,
		   struct ota_error *error);

/* The command a GET, UPLOAD or MEMBERS asks for: path and query as typed members. Not yet checked against the command's rules.
 * The caller owns the tree. */
int ota_route_command(const struct ota_route *route, const struct ota_target *target, cJSON **ret_command,
		      struct ota_error *error);

#endif
