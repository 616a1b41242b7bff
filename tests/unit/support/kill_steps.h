/*
 * Kill steps: a function in a child process that is killed (kill -9) when it is about to change a file for the n-th time: write,
 * sync, rename, link, unlink, truncate, make. So a test walks through every moment at which a crash leaves something else behind.
 */
#ifndef OTA_TESTS_KILL_STEPS_H
#define OTA_TESTS_KILL_STEPS_H

enum kill_steps_end {
	KILL_STEPS_KILLED,  /* at that step */
	KILL_STEPS_DONE,    /* it had fewer steps, and run() returned 0 */
	KILL_STEPS_FAILED,  /* run() returned something else, or died by itself */
	KILL_STEPS_REFUSED, /* this machine does not let a process trace its child */
};

enum kill_steps_end kill_at_step(int (*run)(void), int step);

#endif
