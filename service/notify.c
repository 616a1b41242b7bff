#include "service/notify.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"

enum { US_A_MS = 1000 };

/* "/run/systemd/notify", or "@name" in the abstract namespace, whose first byte is a NUL. */
static bool address_read(struct ota_notify *notify, const char *name)
{
	size_t size = name ? strlen(name) : 0;

	if (size < 2 || size >= sizeof(notify->address.sun_path) || (name[0] != '/' && name[0] != '@'))
		return false;
	notify->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(notify->address.sun_path, name, size);
	if (name[0] == '@')
		notify->address.sun_path[0] = '\0';
	notify->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (name[0] == '/'));
	return true;
}

/* Half of what is allowed, as sd_watchdog_enabled(3) asks for. WATCHDOG_PID is somebody else's when we are a child. */
static int64_t watchdog_read(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t allowed_us, meant;

	if (!usec || !ota_text_parse_u64(ota_span_from_text(usec), &allowed_us) || allowed_us > INT64_MAX)
		return 0;
	if (pid && (!ota_text_parse_u64(ota_span_from_text(pid), &meant) || meant != (uint64_t)getpid()))
		return 0;
	return allowed_us > 0 && allowed_us < 2 * US_A_MS ? 1 : (int64_t)(allowed_us / (2 * US_A_MS));
}

void ota_notify_open(struct ota_notify *notify)
{
	*notify = (struct ota_notify){.fd = -1};
	if (!address_read(notify, getenv("NOTIFY_SOCKET")))
		return;
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify->fd >= 0)
		notify->watchdog_ms = watchdog_read();
}

void ota_notify_close(struct ota_notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	*notify = (struct ota_notify){.fd = -1};
}

static void notify_send(const struct ota_notify *notify, const char *text)
{
	if (notify->fd >= 0)
		(void)sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&notify->address,
			     notify->address_size);
}

void ota_notify_ready(const struct ota_notify *notify)
{
	notify_send(notify, "READY=1");
}

void ota_notify_status(const struct ota_notify *notify, const char *text)
{
	static const char key[] = "STATUS=";
	char line[sizeof(key) + OTA_STATUS_MAX];

	memcpy(line, key, sizeof(key));
	ota_text_cut(line + sizeof(key) - 1, OTA_STATUS_MAX + 1, text);
	/* A line break would begin an assignment of its own. */
	for (char *at = line; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
	notify_send(notify, line);
}

void ota_notify_ping(const struct ota_notify *notify)
{
	if (notify->watchdog_ms > 0)
		notify_send(notify, "WATCHDOG=1");
}

void ota_notify_stopping(const struct ota_notify *notify)
{
	notify_send(notify, "STOPPING=1");
}
