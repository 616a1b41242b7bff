#include "plugin/store/thread.h"

#include <signal.h>
#include <string.h>

int ota_thread_start(const char *name, void *(*run)(void *context), void *context, pthread_t *ret_thread,
		     struct ota_error *error)
{
	sigset_t all, before;
	int number = 0;

	sigfillset(&all);
	/* The mask is inherited: a signal between the start of the thread and a mask of its own would find it open. */
	number = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (number == 0) {
		number = pthread_create(ret_thread, NULL, run, context);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (number != 0)
		return ota_fail(error, OTA_EIO, "cannot start the thread %s: %s", name, strerrordesc_np(number));
	pthread_setname_np(*ret_thread, name);
	return 0;
}
