/*
 * Fetch by libcurl: the one file that includes curl. Downloads into a part (agent/adapters/part.h), hashing on the way.
 *
 * Which URLs may be fetched is decided here, by the same parser that then fetches them: two parsers could disagree about where a
 * host ends.
 */
#ifndef OTA_AGENT_ADAPTERS_FETCH_CURL_H
#define OTA_AGENT_ADAPTERS_FETCH_CURL_H

#include "agent/ports/fetch.h"

struct agent_curl_options {
	const char *state_dir;
	const char *url_schemes; /* words, "https" or "http https" */
	const char *url_hosts;   /* words; "" = any. With a list, redirects are not followed, for they lead past it */
	const char *ca_file;     /* in place of the system's; "" = the system's */
	const char *cert_file, *key_file; /* shown to servers that ask for one; "" = none */
	const char *pinned_key;  /* "sha256//..."; "" = any key of a good certificate */
	const char *proxy;       /* "" = none; nothing comes from the environment */
	const char *no_proxy;    /* words */
	int64_t connect_timeout_ms;
	uint64_t min_speed;        /* bytes per second; 0 = none */
	int64_t min_speed_time_ms; /* slower than that for so long is a cut connection */
	uint64_t max_speed;        /* bytes per second; 0 = no limit */
};

struct agent_curl;

/* Options are borrowed and must outlive it. Call once per process before threads: curl_global_init() by ota_agent_new(). */
struct agent_curl *agent_curl_new(const struct agent_curl_options *options, struct ota_error *error);
struct agent_curl *agent_curl_free(struct agent_curl *curl);
struct agent_fetch agent_curl_port(struct agent_curl *curl);

#endif
