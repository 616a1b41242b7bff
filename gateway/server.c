#include "gateway/server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/file.h"
#include "common/text.h"
#include "common/time.h"

enum {
	THREADS = 4,                        /* one may sit in an fsync while the others serve */
	CONNECTION_MEMORY = 48 * 1024,      /* header, and what is left of it as the buffer of a body */
	IDLE_SECONDS = 60,                  /* a connection on which nothing moves; 2G devices stall for half a minute */
	DESCRIPTORS_PER_CONNECTION = 2,     /* the socket and a package */
	DESCRIPTORS_SPARE = 64,
	PEM_MAX = 256 * 1024,
};

struct ota_server {
	struct ota_gateway gateway;
	struct MHD_Daemon *daemon;
	struct ota_guests *guests;
	struct ota_figures figures;
	struct ota_bytes tls_cert, tls_key;
};

static const struct ota_resource *const resources[OTA_ROUTE_KINDS] = {
	[OTA_ROUTE_POST] = &ota_resource_api,
	[OTA_ROUTE_GET] = &ota_resource_api,
	[OTA_ROUTE_UPLOAD] = &ota_resource_upload,
	[OTA_ROUTE_MEMBERS] = &ota_resource_members,
	[OTA_ROUTE_DOWNLOAD] = &ota_resource_download,
	[OTA_ROUTE_HEALTH] = &ota_resource_health,
	[OTA_ROUTE_METRICS] = &ota_resource_metrics,
};

/* The raw request target, before anybody reads escapes into it. */
static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct ota_server *server = context;
	struct ota_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->gateway = &server->gateway;
	request->connection = connection;
	request->uri = strdup(uri);
	return request;
}

/* Escapes are undone by target.c alone. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

static struct ota_guest *guest_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void expect(struct ota_request *request, int64_t due_ms)
{
	ota_guests_expect(request->gateway->guests, guest_of(request->connection), due_ms);
}

static void expect_body(struct ota_request *request)
{
	uint64_t length = 0;

	(void)ota_request_length(request, &length);
	if (length > OTA_PACKAGE_SIZE_MAX)
		length = OTA_PACKAGE_SIZE_MAX;
	length -= length < request->body_bytes ? length : request->body_bytes;
	expect(request, ota_boot_ms() + OTA_GUESTS_HEADER_MS + (int64_t)(length * OTA_SECOND_MS / OTA_GUESTS_BODY_RATE));
}

static enum MHD_Result count_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	size_t *total = context;

	(void)kind;
	*total += strlen(name) + (value ? strlen(value) : 0) + 4;
	return MHD_YES;
}

static bool headers_fit(struct ota_request *request)
{
	size_t total = 0;

	(void)MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_header, &total);
	return total <= OTA_REQUEST_HEADER_MAX;
}

struct repeat {
	const char *name;
	size_t count;
};

static enum MHD_Result count_name(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct repeat *repeat = context;

	(void)kind;
	(void)value;
	repeat->count += strcasecmp(name, repeat->name) == 0;
	return MHD_YES;
}

/* Of two values a proxy in front might believe the one and we the other (RFC 9112, 11.2). NULL: none is there twice. */
static const char *header_twice(struct ota_request *request)
{
	static const char *const single[] = { MHD_HTTP_HEADER_HOST,          MHD_HTTP_HEADER_CONTENT_LENGTH,
					      MHD_HTTP_HEADER_TRANSFER_ENCODING, MHD_HTTP_HEADER_AUTHORIZATION,
					      MHD_HTTP_HEADER_RANGE,         MHD_HTTP_HEADER_IF_RANGE,
					      "Idempotency-Key",             NULL };

	for (const char *const *name = single; *name; name++) {
		struct repeat repeat = { .name = *name };

		(void)MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_name, &repeat);
		if (repeat.count > 1)
			return *name;
	}
	return NULL;
}

/* libmicrohttpd 0.9.75 takes a body of any coding but chunked to end with the connection, and would wait for that. */
static bool coding_is_known(const struct ota_request *request)
{
	const char *coding = ota_request_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING);

	return !coding || strcasecmp(coding, "chunked") == 0;
}

static int check_framing(struct ota_request *request, struct ota_error *error)
{
	const char *twice = header_twice(request);

	if (twice)
		return ota_fail_at(error, OTA_EINVALID, twice, "the header %s is given twice", twice);
	if (!coding_is_known(request))
		return ota_fail_at(error, OTA_EINVALID, MHD_HTTP_HEADER_TRANSFER_ENCODING,
				   "the Transfer-Encoding is unknown; chunked is known");
	/* Again two lengths, of which a proxy may believe the other one (RFC 9112, 6.3). */
	if (ota_request_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) &&
	    ota_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH))
		return ota_fail_at(error, OTA_EINVALID, MHD_HTTP_HEADER_TRANSFER_ENCODING,
				   "Transfer-Encoding and Content-Length are both given; give one of them");
	return 0;
}

static enum ota_next route(struct ota_request *request, const char *method)
{
	struct ota_error error = { 0 };
	const char *allow = NULL;
	int code;

	request->is_head = strcmp(method, "HEAD") == 0;
	if (check_framing(request, &error) < 0)
		return ota_request_refuse_as(request, MHD_HTTP_BAD_REQUEST, MHD_HTTP_HEADER_CONNECTION, "close", &error);
	if (!headers_fit(request)) {
		(void)ota_fail(&error, OTA_ELIMIT, "the headers have more than %d bytes", OTA_REQUEST_HEADER_MAX);
		return ota_request_refuse_as(request, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, NULL, NULL, &error);
	}
	code = ota_target_parse(request->uri, &request->target, &error);
	if (code == 0)
		code = ota_route_find(method, &request->target, &request->route, &allow, &error);
	if (allow)
		return ota_request_refuse_as(request, MHD_HTTP_METHOD_NOT_ALLOWED, MHD_HTTP_HEADER_ALLOW, allow, &error);
	if (code < 0)
		return ota_request_refuse(request, &error);
	request->resource = resources[request->route.kind];
	return request->resource->begin(request);
}

static enum ota_next end_body(struct ota_request *request)
{
	expect(request, INT64_MAX);
	if (request->refusal.code != 0)
		return ota_request_refuse(request, &request->refusal);
	return request->resource->end(request);
}

static enum MHD_Result advance(struct ota_request *request, enum ota_next next)
{
	static const enum ota_stage stages[] = {
		[OTA_NEXT_ANSWERED] = OTA_STAGE_ANSWERED,
		[OTA_NEXT_BODY] = OTA_STAGE_BODY,
		[OTA_NEXT_WAIT] = OTA_STAGE_WAIT,
		[OTA_NEXT_CLOSE] = OTA_STAGE_ANSWERED,
	};

	request->stage = stages[next];
	if (next == OTA_NEXT_BODY)
		expect_body(request);
	else
		expect(request, INT64_MAX);
	return next == OTA_NEXT_CLOSE ? MHD_NO : MHD_YES;
}

static enum MHD_Result drop_body(struct ota_request *request, size_t *data_size)
{
	*data_size = 0;
	request->stage = OTA_STAGE_HEADER;
	return MHD_YES;
}

/* Bytes of a body. After a refusal the rest is read and dropped: libmicrohttpd cannot answer in the middle of a body. What is
 * left while the request waits for the broker, libmicrohttpd keeps and brings again. */
static enum MHD_Result take_body(struct ota_request *request, const char *data, size_t *data_size)
{
	struct ota_span rest = { data, *data_size };
	enum ota_next next = OTA_NEXT_BODY;

	if (request->refusal.code == 0)
		next = request->resource->body(request, &rest);
	if (request->refusal.code != 0 && next == OTA_NEXT_BODY)
		rest.size = 0;
	request->body_bytes += *data_size - rest.size;
	*data_size = rest.size;
	return next == OTA_NEXT_BODY ? MHD_YES : advance(request, next);
}

/* The broker has answered. In the middle of a body libmicrohttpd calls with more of it, or at its end, and not once more. */
static enum MHD_Result wake(struct ota_request *request, const char *data, size_t *data_size)
{
	enum MHD_Result result = advance(request, request->resource->answered(request));

	if (result == MHD_NO || request->stage != OTA_STAGE_BODY || request->body_bytes == 0)
		return result;
	return *data_size > 0 ? take_body(request, data, data_size) : advance(request, end_body(request));
}

static bool takes_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
}

/* libmicrohttpd calls this with the header, again for each piece of the body, at its end, and after each wake-up. An answer
 * at the first of these calls spares us the body and costs the connection; so what has no body is answered at the second. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *data, size_t *data_size, void **place)
{
	struct ota_request *request = *place;

	(void)context;
	(void)connection;
	(void)url;
	(void)version;
	if (!request || !request->uri)
		return MHD_NO;
	switch (request->stage) {
	case OTA_STAGE_NEW:
		request->started_us = ota_stopwatch_now_us();
		ota_text_cut(request->method, sizeof(request->method), method);
		ota_figures_begin(request->gateway->figures);
		return takes_body(method) || !coding_is_known(request) ? advance(request, route(request, method))
								       : drop_body(request, data_size);
	case OTA_STAGE_HEADER:
		return *data_size > 0 ? drop_body(request, data_size) : advance(request, route(request, method));
	case OTA_STAGE_BODY:
		return *data_size > 0 ? take_body(request, data, data_size) : advance(request, end_body(request));
	case OTA_STAGE_WAIT:
		return wake(request, data, data_size);
	case OTA_STAGE_ANSWERED:
		break;
	}
	*data_size = 0;
	return MHD_YES;
}

static void count_request(const struct ota_request *request, bool is_whole)
{
	struct ota_figures_request ended = {
		.route = request->resource ? request->route.kind : OTA_ROUTE_KINDS,
		.status = is_whole ? request->status : 0,
		.took_us = ota_stopwatch_now_us() - request->started_us,
		.sent_bytes = request->sent_bytes,
		.stored_bytes = request->status == MHD_HTTP_CREATED ? request->digests.size : 0,
	};

	if (request->started_us > 0)
		ota_figures_end(request->gateway->figures, &ended);
}

static void log_request(const struct ota_request *request)
{
	const struct ota_log *log = request->gateway->log;
	enum ota_log_level level = request->resource ? request->resource->level : OTA_LOG_INFO;
	char path[OTA_LABEL_MAX + 1];
	bool is_probe = request->resource && request->resource->is_probe;
	struct ota_log_line line;

	if (request->status >= MHD_HTTP_INTERNAL_SERVER_ERROR && !is_probe)
		level = OTA_LOG_WARNING;
	/* The query stays out: it holds signatures. */
	ota_text_cut(path, sizeof(path), request->uri ? request->uri : "");
	path[strcspn(path, "?")] = '\0';
	ota_log_begin(&line, level, request->status ? "request" : "request_cut");
	ota_log_text(&line, "method", request->method);
	ota_log_text(&line, "path", path);
	ota_log_integer(&line, "status", (int64_t)request->status);
	ota_log_integer(&line, "ms", request->started_us ? (int64_t)(ota_stopwatch_now_us() - request->started_us) / 1000 : 0);
	ota_log_end(log, &line);
}

static void request_free(struct ota_request *request)
{
	(void)ota_deposit_free(request->deposit);
	ota_enrolment_free(request->enrolment);
	ota_bytes_free(&request->body);
	cJSON_Delete(request->command);
	cJSON_Delete(request->data);
	free(request->uri);
	free(request);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **place, enum MHD_RequestTerminationCode code)
{
	struct ota_server *server = context;
	struct ota_request *request = *place;

	if (!request)
		return;
	if (request->resource && request->resource->over)
		request->resource->over(request, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	count_request(request, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	log_request(request);
	request_free(request);
	*place = NULL;
	ota_guests_expect(server->guests, guest_of(connection), ota_boot_ms() + OTA_GUESTS_HEADER_MS);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct ota_server *server = context;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		ota_guests_leave(server->guests, *socket_context);
		*socket_context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	*socket_context = info ? ota_guests_enter(server->guests, info->connect_fd, ota_boot_ms()) : NULL;
}

/* As many connections as the settings want, or as descriptors allow. */
static unsigned connection_limit(const struct ota_server *server)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)server->gateway.settings->connections;
	rlim_t most;
	struct ota_log_line line;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return (unsigned)wanted;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	most = limit.rlim_cur > DESCRIPTORS_SPARE ? (limit.rlim_cur - DESCRIPTORS_SPARE) / DESCRIPTORS_PER_CONNECTION : 1;
	if (wanted <= most)
		return (unsigned)wanted;
	ota_log_begin(&line, OTA_LOG_WARNING, "connections_lowered");
	ota_log_integer(&line, "wanted", (int64_t)wanted);
	ota_log_integer(&line, "possible", (int64_t)most);
	ota_log_end(server->gateway.log, &line);
	return (unsigned)most;
}

static int read_pem(struct ota_server *server, struct ota_error *error)
{
	const struct ota_settings *settings = server->gateway.settings;
	int code;

	if (settings->tls_cert[0] == '\0')
		return 0;
	code = ota_file_read(settings->tls_cert, PEM_MAX, &server->tls_cert, error);
	if (code < 0)
		return ota_error_prefix(error, code, "tls_cert");
	code = ota_file_read(settings->tls_key, PEM_MAX, &server->tls_key, error);
	return code < 0 ? ota_error_prefix(error, code, "tls_key") : 0;
}

/* What libmicrohttpd has to say about connections: any client can make it talk, so it is for who looks closely. */
__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format, va_list arguments)
{
	struct ota_server *server = context;
	char text[OTA_ERROR_TEXT_MAX];
	struct ota_log_line line;

	(void)vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	ota_log_begin(&line, OTA_LOG_DEBUG, "http");
	ota_log_text(&line, "said", text);
	ota_log_end(server->gateway.log, &line);
}

static struct MHD_Daemon *start_daemon(struct ota_server *server, int listen_fd)
{
	/* Not epoll: libmicrohttpd 0.9.75 uses it edge-triggered and misses an end of stream that comes together with bytes,
	 * so that a cut upload would be held until the idle time is over. */
	unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	unsigned limit = connection_limit(server);
	bool is_tls = server->tls_cert.size > 0;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, server->tls_cert.data },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, server->tls_key.data },
		{ MHD_OPTION_END, 0, NULL },
	};

	return MHD_start_daemon(flags | (is_tls ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, server,
				MHD_OPTION_EXTERNAL_LOGGER, on_log, server,
				MHD_OPTION_LISTEN_SOCKET, listen_fd,
				MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
				MHD_OPTION_CONNECTION_LIMIT, limit,
				MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)server->gateway.settings->connections_per_address,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				MHD_OPTION_STRICT_FOR_CLIENT, 1,
				MHD_OPTION_URI_LOG_CALLBACK, on_uri, server,
				MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
				MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
				MHD_OPTION_ARRAY, is_tls ? tls : &tls[2],
				MHD_OPTION_END);
}

int ota_server_start(const struct ota_gateway *gateway, int listen_fd, struct ota_server **ret_server, struct ota_error *error)
{
	struct ota_server *server = calloc(1, sizeof(*server));
	int code;

	if (!server)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	server->gateway = *gateway;
	server->guests = ota_guests_new();
	server->gateway.guests = server->guests;
	server->gateway.figures = &server->figures;
	server->figures.started_ms = ota_wall_ms();
	code = server->guests ? read_pem(server, error) : ota_fail(error, OTA_ENOMEM, "out of memory");
	if (code == 0) {
		server->daemon = start_daemon(server, listen_fd);
		if (!server->daemon)
			code = ota_fail(error, OTA_EINVALID, "the HTTP server does not start%s",
					server->tls_cert.size ? "; do tls_cert and tls_key belong together?" : "");
	}
	if (code < 0) {
		(void)ota_server_stop(server);
		return code;
	}
	*ret_server = server;
	return 0;
}

void ota_server_sweep(struct ota_server *server, int64_t now_ms)
{
	size_t count = ota_guests_sweep(server->guests, now_ms);
	struct ota_log_line line;

	if (count == 0)
		return;
	ota_log_begin(&line, OTA_LOG_WARNING, "slow_connections_closed");
	ota_log_integer(&line, "count", (int64_t)count);
	ota_log_end(server->gateway.log, &line);
}

struct ota_server *ota_server_stop(struct ota_server *server)
{
	if (server) {
		if (server->daemon)
			MHD_stop_daemon(server->daemon);
		(void)ota_guests_free(server->guests);
		ota_bytes_free(&server->tls_cert);
		ota_bytes_free(&server->tls_key);
		free(server);
	}
	return NULL;
}
