#include "link/proxy.h"

#include <string.h>
#include <strings.h>

#include "common/text.h"

static const char scheme[] = "http://";

static bool port_is_good(const char *port)
{
	uint64_t number;

	return ota_text_parse_u64(ota_span_from_text(port), &number) && number >= 1 && number <= 65535;
}

int ota_proxy_check(const char *proxy, struct ota_error *error)
{
	const char *host, *at, *port;

	if (strncmp(proxy, scheme, sizeof(scheme) - 1))
		goto wrong;
	host = proxy + sizeof(scheme) - 1;
	at = strrchr(host, '@');
	if (at && (at == host || strcspn(host, "@/") != (size_t)(at - host)))
		goto wrong;
	host = at ? at + 1 : host;
	port = strrchr(host, ':');
	if (!port || port == host || !port_is_good(port + 1) || strpbrk(host, "/?# \t"))
		goto wrong;
	return 0;
wrong:
	return ota_fail_at(error, OTA_EINVALID, "proxy", "proxy must be http://host:port or http://user:password@host:port");
}

/* "*", "host", "domain" and ".domain". */
static bool word_spares(const char *word, size_t size, const char *host, size_t host_size)
{
	if (size == 1 && word[0] == '*')
		return true;
	if (size > 1 && word[0] == '.')
		word++, size--;
	if (size == 0 || size > host_size || strncasecmp(word, host + host_size - size, size))
		return false;
	return size == host_size || host[host_size - size - 1] == '.';
}

bool ota_proxy_spares(const char *no_proxy, const char *host)
{
	static const char gaps[] = " \t,";
	size_t host_size = strlen(host);

	for (const char *word = no_proxy ? no_proxy : ""; *word;) {
		size_t size;

		word += strspn(word, gaps);
		size = strcspn(word, gaps);
		if (word_spares(word, size, host, host_size))
			return true;
		word += size;
	}
	return false;
}
