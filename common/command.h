/*
 * Commands: the one table of what an operator may ask (docs/protocol.md section 2), for MQTT and HTTP alike.
 *
 * The gateway takes its routes and the types of query parameters from here, the plugin the role and the checks. Everything is
 * constant and pure: no I/O, no clock, any thread. Adding a command is one row here and one handler in the plugin.
 */
#ifndef OTA_COMMON_COMMAND_H
#define OTA_COMMON_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/json.h"

/* What a token may do. Each role may do what the ones before it may: compare with <. */
enum ota_role {
	OTA_ROLE_NONE, /* unknown token */
	OTA_ROLE_VIEWER,
	OTA_ROLE_OPERATOR,
	OTA_ROLE_ADMIN,
};
const char *ota_role_name(enum ota_role role); /* "viewer"; "none" for what is no role */
bool ota_role_parse(const char *name, enum ota_role *ret_role);

enum ota_parameter_type {
	OTA_PARAMETER_TEXT,     /* low..high bytes, or one of `choices` */
	OTA_PARAMETER_INTEGER,  /* low..high */
	OTA_PARAMETER_BOOL,
	OTA_PARAMETER_DURATION, /* text such as "90s", low..high milliseconds */
	OTA_PARAMETER_OBJECT,   /* of `members`; without members any, then `rule` must judge it */
	OTA_PARAMETER_NAMES,    /* array of low..high texts of is_valid (NULL: device names), each at most once */
	OTA_PARAMETER_OBJECTS,  /* array of low..high objects of `members` */
};

struct ota_parameter_list {
	const struct ota_parameter *rows;
	size_t count;
};

struct ota_parameter {
	const char *name;
	enum ota_parameter_type type;
	bool required;
	int64_t low, high;
	bool (*is_valid)(struct ota_span text); /* TEXT: all of its rule; NULL = low..high UTF-8 without control characters */
	const char *allowed;                    /* TEXT with is_valid: the rule in words, "1..32 letters and digits" */
	const char *const *choices;             /* TEXT: NULL-terminated */
	struct ota_parameter_list members;      /* OBJECT, OBJECTS */
	bool secret;                            /* never quoted in a sentence */
	/* OBJECT: what the members cannot say; the prefix is the object's own path. */
	int (*rule)(struct ota_json_place value, struct ota_error *error);
};

struct ota_command {
	const char *name;   /* "createBatch": MQTT's `command`, HTTP's last path segment */
	enum ota_role role; /* the least one that may; NONE: needs no token, asked over MQTT alone by the gateway itself */
	bool mutating;      /* may carry requestId, reason, dryRun and ifRev; what it did is remembered for a repeat */
	bool creates;       /* HTTP answers 201 */
	struct ota_parameter_list parameters;
	const char *get; /* GET alias, "/api/v1/batches/{batch}/tasks", {name} stands for a parameter; NULL = none */
	/* What no single parameter can say; NULL = nothing. */
	int (*rule)(struct ota_json_place command, struct ota_error *error);
};

size_t ota_command_count(void);
const struct ota_command *ota_command_at(size_t index);     /* in the order of docs/protocol.md */
const struct ota_command *ota_command_find(const char *name); /* exact; NULL if there is none */
const char *ota_command_nearest(const char *name);          /* for a hint; NULL if nothing is near */

/* The row of a parameter, also of those common to all commands, and of what is inside an object, "strategy.window.zone"; NULL if
 * the command has none of that name. */
const struct ota_parameter *ota_command_parameter(const struct ota_command *command, const char *name);

/* Members every command may carry besides its own: command, token, correlationData; mutating ones also requestId, reason,
 * dryRun (its answer and nothing else) and ifRev (only if the object it names was not changed since). */
struct ota_parameter_list ota_command_common(const struct ota_command *command);

/*
 * Checks a whole command against its rows: unknown member (with the nearest name), missing, wrong type, out of range, and the
 * command's rule. 0, or OTA_EINVALID or OTA_ELIMIT with the path of the member at fault, such as
 * "commands[0].strategy.pushTimeout". prefix may be "". What passed can be read with the typed readers of common/json.h, whose
 * only failure is then an absent member.
 */
int ota_command_check(const struct ota_command *command, const cJSON *object, const char *prefix, struct ota_error *error);
/* One member of an object against its row alone, so that a slip can be told before the rest is known. */
int ota_parameter_check(const struct ota_parameter *parameter, struct ota_json_place at, struct ota_error *error);

/* The JSON value a text stands for, from a query parameter or a command line: "7" for an INTEGER, "true" for a BOOL, text as is.
 * Only the type is judged, ota_command_check() does the rest. An OBJECT is JSON; arrays have no text form: OTA_EINVALID. */
int ota_parameter_value(const struct ota_parameter *parameter, const char *text, cJSON **ret_value, struct ota_error *error);

#endif
