#include "tests/unit/plugin/broker/fake_stream.h"

#include <pthread.h>
#include <string.h>

static struct {
	pthread_mutex_t mutex;
	struct ota_stream stream;
	int code;
	unsigned reads;
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void fake_stream_set(int64_t task_id, uint64_t size)
{
	pthread_mutex_lock(&state.mutex);
	state.stream = (struct ota_stream){.task_id = task_id, .attempt = 1, .size = size, .sha256 = FAKE_STREAM_SHA256};
	state.code = 0;
	state.reads = 0;
	pthread_mutex_unlock(&state.mutex);
}

void fake_stream_attempt(int64_t attempt)
{
	pthread_mutex_lock(&state.mutex);
	state.stream.attempt = attempt;
	pthread_mutex_unlock(&state.mutex);
}

void fake_stream_fail(int code)
{
	pthread_mutex_lock(&state.mutex);
	state.code = code;
	pthread_mutex_unlock(&state.mutex);
}

unsigned fake_stream_reads(void)
{
	pthread_mutex_lock(&state.mutex);
	unsigned reads = state.reads;
	pthread_mutex_unlock(&state.mutex);
	return reads;
}

int ota_reader_open(const char *directory, struct ota_reader **ret_reader, struct ota_error *error)
{
	(void)directory, (void)error;
	*ret_reader = NULL;
	return 0;
}

struct ota_reader *ota_reader_free(struct ota_reader *reader)
{
	return reader;
}

int ota_stream_read(struct ota_reader *reader, const struct ota_identity *identity, int64_t stream_id,
		    struct ota_stream *ret_stream, struct ota_error *error)
{
	(void)reader;
	pthread_mutex_lock(&state.mutex);
	bool found = state.stream.task_id > 0 && stream_id == state.stream.task_id && strcmp(identity->device_name, "one") == 0;
	int code = state.code != 0 ? ota_fail(error, state.code, "the store fails") : found ? 0 : OTA_ENOTFOUND;
	state.reads++;
	if (code == 0)
		*ret_stream = state.stream;
	pthread_mutex_unlock(&state.mutex);
	return code;
}
