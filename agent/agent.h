/*
 * libota-agent: the update agent as a library, for programs that want it inside.
 *
 * One agent is one device's connection to the server: it tells the running versions, takes pushes, downloads, verifies, and calls
 * the installers given to it. ota_agent_run() owns the calling thread until the end; installers and restarters are called from a
 * worker thread of the agent, one call at a time. Two agents may live in one process, each in its own thread and with its own
 * state directory.
 *
 * examples/device.c is a whole device in a hundred lines.
 */
#ifndef OTA_AGENT_AGENT_H
#define OTA_AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/ports/install.h"
#include "agent/ports/restart.h"
#include "common/error.h"
#include "common/log.h"

struct ota_agent_module {
	const char *name; /* OTA_MODULE_DEFAULT, or what packages call it */
	struct ota_installer installer;
};

/* What a service manager wants to hear (service/notify.h), or a display. Called from the agent's loop; members may be NULL. */
struct ota_agent_observer {
	void (*ready)(void *context); /* it is known what runs, and connecting begins */
	void (*status)(void *context, const char *text); /* what the agent does, in a line; when it changes */
	void (*alive)(void *context); /* from a turn of the loop, every alive_ms */
	int64_t alive_ms;             /* 0 = never */
	void (*stopping)(void *context);
	void *context;
};

/*
 * The device secret stands alone in a file of one line that only its owner may read; the login is signed with it as an Alibaba
 * Cloud device does (HMAC-SHA256). The file is read anew for each connection. Without one the broker has to know the device
 * otherwise: by a client certificate, or not at all in a laboratory.
 *
 * Everything pointed at is borrowed until ota_agent_free(). Zero and NULL give the default in brackets.
 *
 * A proxy is one that is named here, never one of the environment. The MQTT library beneath would follow http_proxy and
 * https_proxy all the same: unset them at the start of your program, before its first thread, or ota_agent_run() refuses to
 * begin.
 */
struct ota_agent_options {
	const char *broker;       /* "mqtts://host:8883" or "mqtt://host:1883" */
	const char *product_key;
	const char *device_name;
	const char *device_secret_file; /* the device secret by which it proves who it is, see below [it does not] */
	const char *state_dir;    /* a directory for this agent alone; made if it is not there */
	bool mqtt_5;              /* MQTT 5 [3.1.1] */
	const char *ca_file;      /* of broker and downloads, in place of the system's [the system's] */
	const char *cert_file, *key_file; /* client certificate, for broker and downloads [none] */
	const char *proxy;        /* "http://[user:password@]host:port", for broker and downloads [none] */
	const char *no_proxy;     /* hosts and domains that are reached without it, words [none] */
	int64_t keepalive_ms;     /* [60 s] */
	int64_t backoff_base_ms;  /* pause before connecting again, first and longest [1 s, 60 s] */
	int64_t backoff_cap_ms;

	const char *url_schemes;  /* of downloads, words [https] */
	const char *url_hosts;    /* hosts downloads may come from, words [any] */
	const char *pinned_key;   /* of downloads: "sha256//" and the Base64 SHA-256 of the server's public key [any] */
	int64_t connect_timeout_ms; /* of downloads [30 s] */
	uint64_t max_speed;       /* bytes per second [no limit] */
	uint64_t min_speed;       /* bytes per second [64] ... */
	int64_t min_speed_time_ms; /* ... held for so long, or the connection counts as cut [30 s] */
	int64_t download_tries;   /* in a row without a byte of progress [8] */
	int64_t download_deadline_ms; /* of one download, pauses included [1 h] */
	int64_t retry_base_ms;    /* pause before going on after a cut, first and longest [1 s, 5 min] */
	int64_t retry_cap_ms;

	const struct ota_agent_module *modules;
	size_t module_count;
	struct ota_restarter restarter; /* .restart NULL: ota_agent_run() returns OTA_AGENT_RESTART instead */
	const struct ota_log *log;      /* [none] */
	const struct ota_agent_observer *observer; /* [none] */

	bool once; /* end as soon as there is nothing to do; see ota_agent_run() [no] */
	int64_t once_settle_ms;  /* how long a push may take to come after we informed [10 s] */
	int64_t once_timeout_ms; /* for all of it; what is under way goes on with the next start [1 h] */

	int stop_fd; /* the agent ends when this becomes readable: a signalfd, an eventfd; 0 or -1 = never */
};

enum { OTA_AGENT_RESTART = 1, OTA_AGENT_FAILED = 2 };

struct ota_agent;

/* Checks the options and takes the lock on state_dir. OTA_EINVALID names the option at fault; OTA_ECONFLICT: another agent holds
 * state_dir. */
int ota_agent_new(const struct ota_agent_options *options, struct ota_agent **ret_agent, struct ota_error *error);

/*
 * Runs until stop_fd is readable (0), or until an installed version needs a restart that no restarter was given for
 * (OTA_AGENT_RESTART: free the agent, then start the program anew). Negative: it could not begin. Whatever is under way goes on
 * after the next start. Once per agent.
 *
 * With `once` it also ends when no push came in the settle time (0), when a task was canceled (0) or failed, or when the
 * timeout has passed (OTA_AGENT_FAILED; the log says why).
 */
int ota_agent_run(struct ota_agent *agent, struct ota_error *error);

/*
 * Instead of ota_agent_run(): forgets the packages that were found bad and are therefore refused (docs/agent.md), of one module
 * or, with NULL, of all. forgotten() hears of each and may be NULL.
 */
int ota_agent_forget(struct ota_agent *agent, const char *module,
		     void (*forgotten)(void *context, const char *module, const char *version, const char *reason),
		     void *context, struct ota_error *error);

struct ota_agent *ota_agent_free(struct ota_agent *agent); /* returns NULL */

#endif
