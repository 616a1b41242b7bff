#include "gateway/acked.h"

#include <linux/sockios.h>
#include <linux/tcp.h> /* and not netinet/tcp.h, whose struct tcp_info ends before tcpi_bytes_acked */
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

uint64_t ota_acked_bytes(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
	    size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
		return 0;
	return info.tcpi_bytes_acked;
}

uint64_t ota_written_bytes(int fd)
{
	int waiting = 0;

	return ioctl(fd, SIOCOUTQ, &waiting) == 0 && waiting > 0 ? ota_acked_bytes(fd) + (uint64_t)waiting : ota_acked_bytes(fd);
}
