/*
 * Golden messages: the exact bytes of tests/golden/<name>, one message a file. The files end in a newline for editors' sake; it
 * is no part of the message. The same files are validated against schemas/.
 */
#ifndef OTA_TESTS_GOLDEN_H
#define OTA_TESTS_GOLDEN_H

#include "common/bytes.h"

/* Appends the message to out; the test fails when there is no such file. */
void golden_read(const char *name, struct ota_bytes *out);

#endif
