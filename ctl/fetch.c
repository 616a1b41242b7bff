#include "ctl/fetch.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "common/version.h"

enum {
	CONNECT_TIMEOUT_S = 10,
	STALL_TIMEOUT_S = 60, /* not a byte in this time */
};

struct stream {
	const struct ota_fetch *fetch;
	CURL *curl;
	struct ota_digest *digest;
	uint64_t got;
	bool too_long;
	char trouble[CURL_ERROR_SIZE];
};

static size_t take_bytes(char *data, size_t size, size_t count, void *context)
{
	struct stream *stream = context;
	curl_off_t announced = -1;

	size *= count;
	stream->got += size;
	stream->too_long = stream->got > OTA_PACKAGE_SIZE_MAX;
	if (stream->too_long || ota_digest_update(stream->digest, data, size) < 0)
		return CURL_WRITEFUNC_ERROR;
	(void)curl_easy_getinfo(stream->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
	if (stream->fetch->progress)
		stream->fetch->progress(stream->fetch->context, stream->got, announced > 0 ? (uint64_t)announced : 0);
	return size;
}

static void prepare(struct stream *stream)
{
	const struct ota_fetch *fetch = stream->fetch;
	CURL *curl = stream->curl;
	bool is_secure = strncmp(fetch->url, "https://", 8) == 0;

	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, stream->trouble);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, is_secure ? "https" : "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)OTA_FETCH_REDIRECTS_MAX);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)OTA_PACKAGE_SIZE_MAX);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "otactl/" OTA_SOFTWARE_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, stream);
	if (fetch->ca_file && fetch->ca_file[0])
		curl_easy_setopt(curl, CURLOPT_CAINFO, fetch->ca_file);
}

static int judge(const struct stream *stream, CURLcode result, struct ota_error *error)
{
	const char *url = stream->fetch->url;
	long status = 0;

	(void)curl_easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &status);
	if (stream->too_long || result == CURLE_FILESIZE_EXCEEDED)
		return ota_fail(error, OTA_ELIMIT, "%s: has more than %" PRIu64 " bytes, the most a package may have", url,
				OTA_PACKAGE_SIZE_MAX);
	if (result == CURLE_TOO_MANY_REDIRECTS)
		return ota_fail(error, OTA_EUNAVAILABLE, "%s: leads on more than %d times", url, OTA_FETCH_REDIRECTS_MAX);
	if (result == CURLE_UNSUPPORTED_PROTOCOL)
		return ota_fail(error, OTA_EUNAVAILABLE, "%s: leads to a URL that is not %s", url,
				strncmp(url, "https://", 8) == 0 ? "https" : "http or https");
	if (result == CURLE_PARTIAL_FILE)
		return ota_fail(error, OTA_EUNAVAILABLE, "%s: was cut off after %" PRIu64 " bytes", url, stream->got);
	if (result != CURLE_OK)
		return ota_fail(error, OTA_EUNAVAILABLE, "%s: %s", url,
				stream->trouble[0] ? stream->trouble : curl_easy_strerror(result));
	if (status != 200)
		return ota_fail(error, OTA_EUNAVAILABLE, "%s: answers %ld instead of 200", url, status);
	return stream->got > 0 ? 0 : ota_fail(error, OTA_EINVALID, "%s: is empty", url);
}

static int run(struct stream *stream, struct ota_fetch_result *ret_result, struct ota_error *error)
{
	struct ota_fetch_result result = { 0 };
	int code;

	prepare(stream);
	code = judge(stream, curl_easy_perform(stream->curl), error);
	if (code < 0)
		return code;
	(void)curl_easy_getinfo(stream->curl, CURLINFO_REDIRECT_COUNT, &result.redirects);
	if (ota_digest_finish(stream->digest, &result.digests) < 0)
		return ota_fail(error, OTA_EIO, "the digest library refused the bytes of %s", stream->fetch->url);
	*ret_result = result;
	return 0;
}

int ota_fetch_run(const struct ota_fetch *fetch, struct ota_fetch_result *ret_result, struct ota_error *error)
{
	struct stream stream = { .fetch = fetch, .curl = curl_easy_init(), .digest = ota_digest_new() };
	int code = OTA_ENOMEM;

	if (stream.curl && stream.digest)
		code = run(&stream, ret_result, error);
	else
		(void)ota_fail(error, code, "out of memory");
	(void)ota_digest_free(stream.digest);
	curl_easy_cleanup(stream.curl);
	return code;
}
