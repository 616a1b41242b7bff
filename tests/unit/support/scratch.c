#include "tests/unit/support/scratch.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/file.h"

void scratch_make(char target[SCRATCH_SIZE])
{
	const char *parent = getenv("TMPDIR");
	snprintf(target, SCRATCH_SIZE, "%s/ota-unit-XXXXXX", parent ? parent : "/tmp");
	cr_assert_not_null(mkdtemp(target), "cannot make %s", target);
}

static int entry_remove(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status, (void)type, (void)place;
	return remove(path);
}

void scratch_remove(const char *directory)
{
	nftw(directory, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

void scratch_path(char target[SCRATCH_SIZE], const char *directory, const char *name)
{
	cr_assert(ota_file_join(target, SCRATCH_SIZE, directory, name));
}

void scratch_write(const char *directory, const char *name, const char *text)
{
	char path[SCRATCH_SIZE];
	scratch_path(path, directory, name);
	cr_assert_eq(ota_file_replace(path, ota_span_from_text(text), 0600, NULL), 0);
}
