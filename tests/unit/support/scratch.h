/*
 * Scratch: a directory of a test's own, below $TMPDIR or /tmp, gone with everything in it afterwards.
 */
#ifndef OTA_TESTS_SCRATCH_H
#define OTA_TESTS_SCRATCH_H

enum { SCRATCH_SIZE = 256 };

void scratch_make(char target[SCRATCH_SIZE]);
void scratch_remove(const char *directory);
/* "<directory>/<name>" in a buffer of the caller, who wants no error handling. */
void scratch_path(char target[SCRATCH_SIZE], const char *directory, const char *name);
/* Writes a file of the scratch directory; the test fails when it cannot. */
void scratch_write(const char *directory, const char *name, const char *text);

#endif
