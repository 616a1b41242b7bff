#include "gateway/malformed.h"

#include <dlfcn.h>
#include <stdio.h>
#include <sys/socket.h>

#include "common/error.h"
#include "common/json.h"
#include "common/text.h"
#include "gateway/request.h"

struct words {
	unsigned status; /* of the library */
	unsigned answer; /* what is sent */
	int code;
	const char *sentence;
	int limit; /* in bytes, told behind the sentence; 0 = none */
};

/* clang-format off */
static const struct words table[] = {
	{ MHD_HTTP_LENGTH_REQUIRED,                 MHD_HTTP_LENGTH_REQUIRED,                 OTA_EINVALID, "the request needs a Content-Length" },
	{ MHD_HTTP_CONTENT_TOO_LARGE,               MHD_HTTP_CONTENT_TOO_LARGE,               OTA_ELIMIT,   "the body, or a piece of it, is larger than this server takes" },
	{ MHD_HTTP_URI_TOO_LONG,                    MHD_HTTP_URI_TOO_LONG,                    OTA_ELIMIT,   "path and query are too long", OTA_TARGET_MAX },
	{ MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, OTA_ELIMIT,   "the headers are too long", OTA_REQUEST_HEADER_MAX },
	{ MHD_HTTP_NOT_IMPLEMENTED,                 MHD_HTTP_BAD_REQUEST,                     OTA_EINVALID, "the Transfer-Encoding is unknown; chunked is known" },
	{ MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED,      MHD_HTTP_BAD_REQUEST,                     OTA_EINVALID, "this server speaks HTTP/1.1 and HTTP/1.0 only" },
	{ MHD_HTTP_BAD_REQUEST,                     MHD_HTTP_BAD_REQUEST,                     OTA_EINVALID, "this is no well-formed HTTP request: look at its first line, Host, Content-Length and the other headers" },
};
/* clang-format on */

enum { WORDS = sizeof(table) / sizeof(table[0]), DRAIN_MAX = 64 * 4096 };

static const struct words *words_of(unsigned status)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (table[i].status == status)
			return &table[i];
	}
	return &table[WORDS - 1];
}

unsigned ota_malformed_body(unsigned status, struct ota_bytes *out)
{
	const struct words *words = words_of(status);
	char sentence[OTA_ERROR_TEXT_MAX];

	if (words->limit)
		(void)snprintf(sentence, sizeof(sentence), "%s; at most %d bytes are read", words->sentence, words->limit);
	else
		(void)snprintf(sentence, sizeof(sentence), "%s", words->sentence);
	ota_bytes_text(out, "{\"error\":{\"code\":");
	ota_json_quote(out, ota_code_name(words->code));
	ota_bytes_text(out, ",\"message\":");
	ota_json_quote(out, sentence);
	ota_bytes_text(out, "}}\n");
	return words->answer;
}

typedef enum MHD_Result queue_function(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response);

static queue_function *library_queue(void)
{
	queue_function *queue;

	/* POSIX has no other way to make a function of what dlsym() gives. */
	*(void **)&queue = dlsym(RTLD_NEXT, "MHD_queue_response");
	return queue;
}

static bool is_tls(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION) != NULL;
}

/* After a missing Host or a Content-Length that is no number libmicrohttpd 0.9.75 forgets that it has an answer, and sends its
 * header twice. */
static bool is_forgotten(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t number;

	return !MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST) ||
	       (length && !ota_text_parse_u64(ota_span_from_text(length), &number));
}

/* What has come and is not read makes the kernel end the connection at once, and the answer is lost on its way. */
static void drain(int fd)
{
	char room[4096];

	for (size_t left = DRAIN_MAX; left > 0; left -= sizeof(room)) {
		if (recv(fd, room, sizeof(room), MSG_DONTWAIT) <= 0)
			return;
	}
}

/* Past the library, so that it cannot forget; it closes the connection when nothing is queued. */
static void send_plain(struct MHD_Connection *connection, unsigned status, const struct ota_bytes *body)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	OTA_AUTO_BYTES struct ota_bytes answer = { 0 };

	ota_bytes_format(&answer, "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Type: application/json\r\n"
				  "Cache-Control: no-store\r\n" OTA_OWN_HEADER ": nosniff\r\nContent-Length: %zu\r\n\r\n",
			 status, MHD_get_reason_phrase_for(status), body->size);
	ota_bytes_append(&answer, body->data, body->size);
	if (!info || answer.failed)
		return;
	drain(info->connect_fd);
	(void)send(info->connect_fd, answer.data, answer.size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static enum MHD_Result queue_tls(struct MHD_Connection *connection, unsigned status, struct ota_bytes *body)
{
	size_t size = body->size;
	struct MHD_Response *response;
	enum MHD_Result queued;

	if (is_forgotten(connection))
		return MHD_NO;
	response = MHD_create_response_from_buffer(size, ota_bytes_steal(body), MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	(void)MHD_add_response_header(response, OTA_OWN_HEADER, "nosniff");
	queued = library_queue()(connection, status, response);
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status)
{
	OTA_AUTO_BYTES struct ota_bytes body = { 0 };
	unsigned answer = ota_malformed_body(status, &body);

	if (body.failed)
		return MHD_NO;
	if (is_tls(connection))
		return queue_tls(connection, answer, &body);
	send_plain(connection, answer, &body);
	return MHD_NO;
}

/* Before the library's own: see malformed.h. */
__attribute__((visibility("default"))) enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned status,
									  struct MHD_Response *response)
{
	if (status < MHD_HTTP_BAD_REQUEST || MHD_get_response_header(response, OTA_OWN_HEADER))
		return library_queue()(connection, status, response);
	return refuse(connection, status);
}
