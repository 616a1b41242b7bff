/*
 * Fakes of the reader and of what it knows of streams: one stream, of the device "one" of product "pk". Guarded, because the
 * carrier's thread asks while a test changes it.
 */
#ifndef OTA_TESTS_FAKE_STREAM_H
#define OTA_TESTS_FAKE_STREAM_H

#include "plugin/store/stream.h"

#define FAKE_STREAM_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* There is a stream of that number and size; 0: none. Resets the count. */
void fake_stream_set(int64_t task_id, uint64_t size);
/* It is offered anew: that attempt. */
void fake_stream_attempt(int64_t attempt);
/* The store fails with that code, 0 = no longer. */
void fake_stream_fail(int code);
unsigned fake_stream_reads(void);

#endif
