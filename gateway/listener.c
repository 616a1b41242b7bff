#include "gateway/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/file.h"
#include "common/text.h"

enum { BACKLOG = 511 };

/* The last colon ends the host, so that "[::1]:8080" keeps its own. */
int ota_listener_parse(const char *listen, struct ota_listener_place *ret_place, struct ota_error *error)
{
	const char *colon = strrchr(listen, ':');
	struct ota_listener_place place = { 0 };
	struct ota_span host;
	int64_t port;

	if (!colon || !ota_text_parse_i64(ota_span_from_text(colon + 1), &port) || port < 0 || port > 65535)
		return ota_fail(error, OTA_EINVALID, "listen is \"%s\"; allowed: host:port with a port of 0..65535", listen);
	host = (struct ota_span){ listen, (size_t)(colon - listen) };
	if (host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']')
		host = (struct ota_span){ host.data + 1, host.size - 2 };
	if (!ota_text_copy(place.host, sizeof(place.host), host))
		return ota_fail(error, OTA_EINVALID, "listen is \"%s\"; the host is too long", listen);
	(void)snprintf(place.port, sizeof(place.port), "%d", (int)port);
	*ret_place = place;
	return 0;
}

static int bind_address(const struct addrinfo *address, const char *listen_text, int *ret_fd, struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd < 0)
		return ota_fail_errno(error, "listen on %s", listen_text);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
		return ota_fail_errno(error, "listen on %s", listen_text);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int ota_listener_open(const char *listen, int *ret_fd, struct ota_error *error)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	struct ota_listener_place place;
	int code = ota_listener_parse(listen, &place, error);
	int resolved;

	if (code < 0)
		return code;
	resolved = getaddrinfo(place.host[0] ? place.host : NULL, place.port, &hints, &found);
	if (resolved != 0)
		return ota_fail(error, OTA_EINVALID, "listen on %s: %s", listen, gai_strerror(resolved));
	code = bind_address(found, listen, ret_fd, error);
	freeaddrinfo(found);
	return code;
}

/* Host and port of the bound address as numbers. */
static bool describe(int fd, char *host, socklen_t host_size, char *port, socklen_t port_size)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return false;
	return getnameinfo((struct sockaddr *)&address, size, host, host_size, port, port_size,
			   NI_NUMERICHOST | NI_NUMERICSERV) == 0;
}

void ota_listener_url(int fd, const char *scheme, char target[OTA_LISTENER_URL_SIZE])
{
	char host[256] = "?", port[8] = "?";
	bool is_v6;

	(void)describe(fd, host, sizeof(host), port, sizeof(port));
	is_v6 = strchr(host, ':') != NULL;
	(void)snprintf(target, OTA_LISTENER_URL_SIZE, "%s://%s%s%s:%s", scheme, is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
}

int ota_listener_port(int fd)
{
	char host[256], port[8];
	int64_t number = 0;

	if (describe(fd, host, sizeof(host), port, sizeof(port)))
		(void)ota_text_parse_i64(ota_span_from_text(port), &number);
	return (int)number;
}
