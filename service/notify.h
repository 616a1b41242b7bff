/*
 * Notify: what a program says to the service manager that started it (sd_notify(3)), over the datagram socket that NOTIFY_SOCKET
 * names, without libsystemd.
 *
 * Nobody there, which is the common case outside of systemd: every call does nothing. Nothing here fails or blocks: a manager
 * that does not read loses what it was told, and the program goes on. The variables stay in the environment, so that a program
 * that starts itself anew (exec) is still heard; children must be given an environment without them.
 *
 * The ping must come from the loop that does the work: ping at most watchdog_ms apart, from a turn of that loop. A thread that
 * only pings would vouch for a program that hangs.
 *
 * One thread at a time.
 */
#ifndef OTA_SERVICE_NOTIFY_H
#define OTA_SERVICE_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { OTA_STATUS_MAX = 200 }; /* bytes of a status line; a longer one is cut */

struct ota_notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un address;
	socklen_t address_size;
	int64_t watchdog_ms; /* ping at least that often; half of what the manager allows; 0 = it does not watch */
};

/* Fills notify from NOTIFY_SOCKET ("/path" or "@abstract"), WATCHDOG_USEC and WATCHDOG_PID. */
void ota_notify_open(struct ota_notify *notify);
void ota_notify_close(struct ota_notify *notify);

/* Type=notify: the program serves. */
void ota_notify_ready(const struct ota_notify *notify);
/* One line for `systemctl status`; cleaned of line breaks and other control bytes. */
void ota_notify_status(const struct ota_notify *notify, const char *text);
void ota_notify_ping(const struct ota_notify *notify);
/* The end has begun. */
void ota_notify_stopping(const struct ota_notify *notify);

#endif
