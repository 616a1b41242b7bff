/*
 * Acked: how much of what was written to a connection its other end has. For downloads that broke off: what was handed to the
 * kernel is no measure, megabytes of it may lie in buffers when a device goes away.
 */
#ifndef OTA_GATEWAY_ACKED_H
#define OTA_GATEWAY_ACKED_H

#include <stdint.h>

/* Bytes acknowledged since the connection began; 0 where the system does not tell. */
uint64_t ota_acked_bytes(int fd);
/* The same with what is written but not acknowledged yet: where the next byte written will stand. */
uint64_t ota_written_bytes(int fd);

#endif
