#include "link/server.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"

enum { PORT_SIZE = 6 }; /* with its colon */

static const char paho_plain[] = "tcp://", paho_tls[] = "ssl://";

/* "host:port" or "[address]:port", the port may be missing. */
static bool server_take_host(struct link_server *server, const char *host, const char **ret_port)
{
	const char *bracket = host[0] == '[' ? strchr(host, ']') : NULL;
	/* In "[::1]:1883" only a colon behind the bracket begins a port. */
	const char *port = strchr(bracket ? bracket : host, ':');
	const char *first = bracket ? host + 1 : host;
	size_t size = bracket ? (size_t)(bracket - first) : port ? (size_t)(port - host) : strlen(host);

	if (size == 0 || strpbrk(host, "/@?# ") || (port && (!port[1] || strlen(port) > PORT_SIZE)))
		return false;
	*ret_port = port;
	return ota_text_copy(server->host, sizeof(server->host), (struct ota_span){first, size});
}

int link_server_parse(const char *url, struct link_server *ret_server, struct ota_error *error)
{
	static const char plain[] = "mqtt://", tls[] = "mqtts://";
	struct link_server server = {.tls = url && !strncmp(url, tls, sizeof(tls) - 1)};
	const char *address, *port;
	int size;

	if (!url || (!server.tls && strncmp(url, plain, sizeof(plain) - 1)))
		return ota_fail(error, OTA_EINVALID, "broker url must be mqtt://host:port or mqtts://host:port");
	address = url + (server.tls ? sizeof(tls) : sizeof(plain)) - 1;
	if (strlen(address) >= LINK_SERVER_SIZE)
		return ota_fail(error, OTA_EINVALID, "broker url is too long");
	if (!server_take_host(&server, address, &port))
		return ota_fail(error, OTA_EINVALID, "broker url must be mqtt://host:port or mqtts://host:port");
	size = snprintf(server.url, sizeof(server.url), "%s%s%s", server.tls ? paho_tls : paho_plain, address,
			port	     ? ""
			: server.tls ? ":8883"
				     : ":1883");
	if (size < 0 || (size_t)size >= sizeof(server.url))
		return ota_fail(error, OTA_EINVALID, "broker url is too long");
	*ret_server = server;
	return 0;
}

const char *link_server_address(const struct link_server *server)
{
	return server->url + sizeof(paho_plain) - 1;
}
