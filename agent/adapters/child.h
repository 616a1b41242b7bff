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
#include "common/error.h"
#include "common/limits.h"

enum {
	AGENT_CHILD_IMAGE_FD = 3,      /* the descriptor a child finds the image on */
	AGENT_CHILD_LINE_MAX = 512,    /* longer lines are cut */
	AGENT_CHILD_LINES_MAX = 10000, /* later ones are read and dropped */
	AGENT_CHILD_GRACE_MS = 2000,   /* between SIGTERM and SIGKILL */
};

struct agent_child {
	const char *const *arguments; /* [0] is the path of the program; NULL-terminated */
	const char *const *environment;
	int image_fd;       /* -1 = none */
	int64_t timeout_ms; /* 0 = none */
	/* Every line of its output, cleaned of control bytes and broken UTF-8. NULL: nobody listens. */
	void (*line)(void *context, const char *line);
	void *context;
};

/* 0: it ran to its end, *ret_status is its exit code, or 128 + the signal that ended it. OTA_ETIMEOUT, OTA_ECANCELED (the watch):
 * it was ended with its whole process group. OTA_EIO, OTA_ENOTFOUND: it could not be started. */
int agent_child_run(const struct agent_child *child, const struct agent_watch *watch, int *ret_status, struct ota_error *error);

#endif
