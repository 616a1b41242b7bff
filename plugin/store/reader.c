#include "plugin/store/reader.h"

#include <limits.h>
#include <stdlib.h>

#include "common/file.h"
#include "plugin/store/handle.h"

int ota_reader_open(const char *directory, struct ota_reader **ret_reader, struct ota_error *error)
{
	char path[PATH_MAX];
	struct ota_reader *reader = calloc(1, sizeof(*reader));
	int status = 0;

	if (!reader)
		return ota_fail(error, OTA_ENOMEM, "no memory for the reader");
	if (!ota_file_join(path, sizeof(path), directory, OTA_STORE_FILE))
		status = ota_fail(error, OTA_ELIMIT, "the store directory's name is too long");
	else
		status = ota_db_open_beside(path, &reader->db, error);
	if (status < 0) {
		ota_reader_free(reader);
		return ota_error_prefix(error, status, "reader");
	}
	*ret_reader = reader;
	return 0;
}

struct ota_reader *ota_reader_free(struct ota_reader *reader)
{
	if (reader)
		ota_db_free(reader->db);
	free(reader);
	return NULL;
}
