/*
 * Child: runs one program to its end, with a deadline. Hooks of every kind go through here.
 *
 * No shell. The child gets its own process group, /dev/null as input, a pipe as output, our standard error, and nothing else that
 * we hold open; its environment is exactly what is given. It dies with us (PR_SET_PDEATHSIG): a hook that outlived a killed agent
 * would write into the same slot as the hook of the next one.
 *
 * Blocks; one call per thread at a time.
 */
#ifndef OTA_AGENT_ADAPTERS_CHILD_H
#define OTA_AGENT_ADAPTERS_CHILD_H

#include "agent/ports/watch.h"
#include "common/bytes.h"
#include "common/error.h"
#include "common/limits.h"

enum {
	AGENT_CHILD_IMAGE_FD = 3,      /* the descriptor a child finds the image on */
	AGENT_CHILD_LINE_MAX = 512,  /* longer lines are cut */
	AGENT_CHILD_GRACE_MS = 2000, /* between SIGTERM and SIGKILL */
};

struct agent_child {
	const char *const *arguments; /* [0] is the path of the program; NULL-terminated */
	const char *const *environment;
	int image_fd;       /* -1 = none */
	int64_t timeout_ms; /* 0 = none */
	/* Every line of its output, as raw as it came. NULL: nobody listens. */
	void (*line)(void *context, struct ota_span line);
	void *context;
};

struct agent_child_end {
	int exit_code;
	int signal; /* that ended it; 0 = it ended by itself */
};

/* 0: it ran to its end, however that was. OTA_ETIMEOUT, OTA_ECANCELED (the watch): it was ended with its whole process group.
 * OTA_EUNAVAILABLE: it could not be started. */
int agent_child_run(const struct agent_child *child, const struct agent_watch *watch, struct agent_child_end *ret_end,
		    struct ota_error *error);

#endif
