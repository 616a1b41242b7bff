/*
 * Thread: how a thread of ours begins inside a foreign process: with every signal blocked, because signals are the broker's, and
 * with a name that `top -H` shows.
 */
#ifndef OTA_PLUGIN_STORE_THREAD_H
#define OTA_PLUGIN_STORE_THREAD_H

#include <pthread.h>

#include "common/error.h"

/* name: at most 15 characters. The caller joins it. OTA_EIO when the system has no thread left. */
int ota_thread_start(const char *name, void *(*run)(void *context), void *context, pthread_t *ret_thread,
		     struct ota_error *error);

#endif
