/*
 * Verbs: the one table of what otactl can do. Help, parsing and the building of commands come from it.
 *
 * Most verbs need no code: their arguments and options name the members of a command (common/command.h), their view says how
 * the answer is shown.
 */
#ifndef OTA_CTL_VERB_H
#define OTA_CTL_VERB_H

#include "common/command.h"
#include "ctl/client.h"
#include "ctl/output.h"
#include "ctl/phrase.h"

struct ota_option {
	const char *name;   /* without the dashes */
	char letter;        /* 0 = none */
	const char *value;  /* what help calls its value; NULL = a flag */
	const char *member; /* of the command, "strategy.retries"; a flag sets true. NULL = the verb's own business */
	bool repeats;       /* may be given more than once */
	const char *help;
	/* The value's own form; NULL: that of the member's type. The lists of an option that repeats become one list. */
	ota_phrase_reader *read;
};

struct ota_option_list {
	const struct ota_option *rows;
	size_t count;
};

struct ota_invocation;

struct ota_verb {
	const char *noun;
	const char *name;      /* NULL: the noun alone is the verb */
	const char *arguments; /* as help shows them, "PRODUCT NAME" */
	const char *members;   /* members of the command they fill, "productKey deviceName"; "" = the verb's own business */
	int least, most;       /* how many arguments; most -1 = any number */
	const char *command;   /* of common/command.h; NULL = none of its own */
	struct ota_option_list options;
	const struct ota_view *view;
	int (*run)(struct ota_invocation *invocation, struct ota_error *error); /* NULL: ask the command and show the answer */
	const char *help;
};

/* One run of the program. */
struct ota_invocation {
	const struct ota_verb *verb;
	const char **arguments;
	int argument_count;
	struct ota_given {
		const struct ota_option *option;
		const char *value; /* NULL for flags */
	} *given;
	int given_count;
	struct ota_output output;
	struct ota_client *client; /* opened before run */
	FILE *messages;            /* what is for people and not for pipes */
	int status;                /* exit code of a run that returned 0 */
};

/* The table. */
size_t ota_verb_count(void);
const struct ota_verb *ota_verb_at(size_t index);
struct ota_option_list ota_verb_globals(void);

/* OTA_EINVALID with a hint when there is no such noun or verb. argc and argv begin at the noun; *ret_used is how many words
 * named the verb. */
int ota_verb_find(int argc, char *const *argv, const struct ota_verb **ret_verb, int *ret_used, struct ota_error *error);

/* Options and arguments in any order, "--" ends options. Fills verb, arguments, given; ota_invocation_release() frees them. */
int ota_invocation_parse(const struct ota_verb *verb, int argc, char *const *argv, struct ota_invocation *ret_invocation,
			 struct ota_error *error);
void ota_invocation_release(struct ota_invocation *invocation);

/* The last value of an option, "" for a flag, NULL when it was not given. */
const char *ota_invocation_value(const struct ota_invocation *invocation, const char *option);

/* The command that arguments and options make, not yet checked. The caller owns it. */
int ota_invocation_command(const struct ota_invocation *invocation, cJSON **ret_command, struct ota_error *error);

/* The sentence speaks of what was typed, --product or PRODUCT, instead of the member of the command. Returns code. */
int ota_invocation_blame(const struct ota_invocation *invocation, int code, struct ota_error *error);

/* Checks, sends. A refusal names the option that was meant. */
int ota_invocation_ask(const struct ota_invocation *invocation, const cJSON *command, cJSON **ret_data, struct ota_error *error);

/* Shows all pages of a list, up to --limit. Changes the command. */
int ota_invocation_list(struct ota_invocation *invocation, cJSON *command, struct ota_error *error);

/* What a verb without code of its own does. */
int ota_invocation_run(struct ota_invocation *invocation, struct ota_error *error);

/* Help: of everything, of a noun, of a verb. */
void ota_help_all(FILE *stream);
bool ota_help_noun(FILE *stream, const char *noun); /* false if there is no such noun */
void ota_help_verb(FILE *stream, const struct ota_verb *verb);

#endif
