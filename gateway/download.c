/*
 * GET and HEAD /dl/<sha256>: a signed download. Needs no broker: the signature is the right, the digest is the name.
 *
 * Link SDK C 4.x asks for "bytes=N-" always and needs 206, resumes after a cut, wants "Content-Length" in exactly this spelling
 * and suffers from chunked bodies (aliyun-ota.md 0.12): so the length is always known and ranges are always served.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/time.h"
#include "gateway/acked.h"
#include "gateway/range.h"
#include "gateway/request.h"

enum { ETAG_SIZE = OTA_SHA256_HEX + 3 };

struct package {
	int fd;
	uint64_t size;
	char etag[ETAG_SIZE];
	bool is_for_device; /* and not an operator's own look */
};

/* Exactly the four parameters of a signed URL, as they stood. */
static int read_query(const struct ota_target *target, struct ota_url_query *ret_query, struct ota_error *error)
{
	static const char *const names[] = { "e", "d", "k", "s" };
	struct ota_url_query query = { .path = target->path };
	struct ota_span *values[] = { &query.e, &query.d, &query.k, &query.s };

	for (size_t i = 0; i < 4; i++) {
		const struct ota_target_parameter *parameter = ota_target_find(target, names[i]);

		if (!parameter)
			return ota_fail_at(error, OTA_EDENIED, names[i], "a download needs a signed URL; parameter %s is missing",
					   names[i]);
		*values[i] = parameter->value;
	}
	if (target->count != 4)
		return ota_fail(error, OTA_EDENIED, "the URL holds parameters that its signature does not cover");
	*ret_query = query;
	return 0;
}

static int open_package(struct ota_request *request, struct package *ret_package, struct ota_error *error)
{
	struct ota_url_query *query = &request->passage.query;
	struct ota_url_claim claim;
	int code = read_query(&request->target, query, error);

	if (code == 0)
		code = ota_url_verify(request->gateway->keys, query, ota_wall_ms() / OTA_SECOND_MS, &claim, error);
	if (code == 0)
		code = ota_depot_fetch(request->gateway->depot, claim.sha256, &ret_package->fd, &ret_package->size, error);
	if (code < 0)
		return code;
	(void)snprintf(ret_package->etag, ETAG_SIZE, "\"%s\"", claim.sha256);
	ret_package->is_for_device = claim.device != 0;
	return 0;
}

static void describe(struct MHD_Response *response, const struct package *package)
{
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, package->etag);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, "attachment");
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "private, no-transform");
}

static enum ota_next refuse_range(struct ota_request *request, struct package *package)
{
	struct ota_error error = { 0 };
	char range[40];

	(void)close(package->fd);
	(void)snprintf(range, sizeof(range), "bytes */%" PRIu64, package->size);
	(void)ota_fail_at(&error, OTA_EINVALID, MHD_HTTP_HEADER_RANGE,
			  "the range lies outside the %" PRIu64 " bytes of the package", package->size);
	return ota_request_refuse_as(request, MHD_HTTP_RANGE_NOT_SATISFIABLE, MHD_HTTP_HEADER_CONTENT_RANGE, range, &error);
}

static enum MHD_Result add_up(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	size_t *total = context;

	(void)kind;
	*total += strlen(name) + strlen(value) + sizeof(": \r\n") - 1;
	return MHD_YES;
}

/* Where in all that is written to the connection the body will begin. libmicrohttpd adds a status line, Date and Content-Length
 * to our headers; a few bytes more or less do not matter to anybody who reads how far a download came. */
static void passage_begin(struct ota_request *request, struct MHD_Response *response, const struct package *package,
			  const struct ota_range *range)
{
	static const char own[] = "HTTP/1.1 206 Partial Content\r\nDate: Fri, 20 Nov 2026 10:39:42 GMT\r\n"
				  "Content-Length: 10000000\r\n\r\n";
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	size_t header = sizeof(own) - 1;

	if (request->is_head)
		return;
	(void)MHD_get_response_headers(response, add_up, &header);
	request->passage.is_for_device = package->is_for_device;
	request->passage.first = range->first;
	request->passage.size = range->size;
	request->passage.file_size = package->size;
	request->passage.begins_at = (info ? ota_written_bytes(info->connect_fd) : 0) + header;
}

/* What is whole went whole. Of what broke off that counts which the other end has. */
static void download_over(struct ota_request *request, bool is_whole)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const struct ota_passage *passage = &request->passage;
	uint64_t acked = info ? ota_acked_bytes(info->connect_fd) : 0;
	uint64_t bytes = acked > passage->begins_at ? acked - passage->begins_at : 0;

	if (passage->size == 0)
		return;
	if (is_whole || bytes > passage->size)
		bytes = passage->size;
	request->sent_bytes = bytes;
	if (bytes > 0 && passage->is_for_device)
		ota_transfers_add(request->gateway->transfers, &passage->query, bytes,
				  is_whole && passage->first + passage->size == passage->file_size);
}

/* The response closes the descriptor, also when it could not be queued. */
static enum ota_next send_range(struct ota_request *request, struct package *package, enum ota_range_kind kind,
				const struct ota_range *range)
{
	struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(range->size, package->fd, range->first);
	char text[80];

	if (!response) {
		(void)close(package->fd);
		return OTA_NEXT_CLOSE;
	}
	describe(response, package);
	if (kind == OTA_RANGE_PART) {
		(void)snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first,
			       range->first + range->size - 1, package->size);
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
	}
	passage_begin(request, response, package, range);
	return ota_request_respond(request, kind == OTA_RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
}

/* RFC 9110, 14.2: Range has a meaning for GET only, and If-Range decides whether it holds. */
static const char *range_header(const struct ota_request *request, const char *etag)
{
	if (request->is_head || !ota_range_is_valid_if(ota_request_header(request, MHD_HTTP_HEADER_IF_RANGE), etag))
		return NULL;
	return ota_request_header(request, MHD_HTTP_HEADER_RANGE);
}

static enum ota_next download_begin(struct ota_request *request)
{
	struct package package = { .fd = -1 };
	struct ota_error error = { 0 };
	struct ota_range range;
	enum ota_range_kind kind;

	if (open_package(request, &package, &error) < 0)
		return ota_request_refuse(request, &error);
	kind = ota_range_parse(range_header(request, package.etag), package.size, &range);
	if (kind == OTA_RANGE_UNSATISFIABLE)
		return refuse_range(request, &package);
	return send_range(request, &package, kind, &range);
}

const struct ota_resource ota_resource_download = {
	.begin = download_begin,
	.over = download_over,
	.level = OTA_LOG_INFO,
};
