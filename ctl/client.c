#include "ctl/client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/json.h"
#include "common/version.h"

enum {
	CONNECT_TIMEOUT_S = 10,
	ANSWER_TIMEOUT_S = 30,          /* the gateway itself gives up after 5 */
	STALL_TIMEOUT_S = 60,           /* of an upload: not a byte in this time */
	CONTINUE_TIMEOUT_MS = 15 * 1000, /* the gateway asks the broker before it lets the body come */
	ANSWER_MAX = 1024 * 1024,
};

struct ota_client {
	CURL *curl;
	struct curl_slist *headers, *upload_headers;
	struct ota_access access;
	char trouble[CURL_ERROR_SIZE];
};

static bool add_header(struct curl_slist **headers, const char *text)
{
	struct curl_slist *longer = curl_slist_append(*headers, text);

	if (longer)
		*headers = longer;
	return longer != NULL;
}

/* Expect is asked for at any size: whoever sends a body that nobody wants may lose the refusal with the connection. */
static bool add_headers(struct ota_client *client)
{
	OTA_AUTO_BYTES struct ota_bytes bearer = { 0 };
	bool added;

	ota_bytes_format(&bearer, "Authorization: Bearer %s", client->access.token);
	added = !bearer.failed && add_header(&client->headers, bearer.data) && add_header(&client->upload_headers, bearer.data) &&
		add_header(&client->headers, "Content-Type: application/json") &&
		add_header(&client->upload_headers, "Content-Type: application/octet-stream") &&
		add_header(&client->upload_headers, "Expect: 100-continue");
	if (bearer.data)
		explicit_bzero(bearer.data, bearer.size);
	return added;
}

int ota_client_open(const struct ota_access *access, struct ota_client **ret_client, struct ota_error *error)
{
	struct ota_client *client = calloc(1, sizeof(*client));

	if (!client || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(client);
		return ota_fail(error, OTA_ENOMEM, "libcurl does not start");
	}
	client->access = *access;
	client->curl = curl_easy_init();
	if (!client->curl || !add_headers(client)) {
		(void)ota_client_free(client);
		return ota_fail(error, OTA_ENOMEM, "libcurl does not start");
	}
	*ret_client = client;
	return 0;
}

struct ota_client *ota_client_free(struct ota_client *client)
{
	if (client) {
		curl_slist_free_all(client->headers);
		curl_slist_free_all(client->upload_headers);
		curl_easy_cleanup(client->curl);
		explicit_bzero(&client->access, sizeof(client->access));
		free(client);
		curl_global_cleanup();
	}
	return NULL;
}

bool ota_client_may_recover(int code)
{
	return code == OTA_EUNAVAILABLE || code == OTA_EIO || code == OTA_ETIMEOUT;
}

const char *ota_client_ca_file(const struct ota_client *client)
{
	return client->access.ca_file;
}

static size_t take_answer(char *data, size_t size, size_t count, void *context)
{
	struct ota_bytes *answer = context;

	ota_bytes_append(answer, data, size * count);
	return answer->failed ? 0 : size * count;
}

static void prepare(struct ota_client *client, struct ota_bytes *answer)
{
	CURL *curl = client->curl;

	curl_easy_reset(curl);
	client->trouble[0] = '\0';
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->trouble);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "otactl/" OTA_SOFTWARE_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (client->access.ca_file[0])
		curl_easy_setopt(curl, CURLOPT_CAINFO, client->access.ca_file);
}

/* A refusal of ours has the one shape; anything else is a proxy's or a stranger's page. */
static int read_refusal(const struct ota_client *client, long status, const cJSON *tree, struct ota_error *error)
{
	const cJSON *object = ota_json_member(tree, "error");
	const cJSON *code = ota_json_member(object, "code");
	const cJSON *message = ota_json_member(object, "message");
	const cJSON *path = ota_json_member(object, "path");
	int number = cJSON_IsString(code) ? ota_code_from_name(code->valuestring) : OTA_OK;

	if (number == OTA_OK || !cJSON_IsString(message))
		return ota_fail(error, OTA_EIO, "%s answered %ld, and not as an ota-gateway does", client->access.url, status);
	return ota_fail_at(error, number, cJSON_IsString(path) ? path->valuestring : "", "%s", message->valuestring);
}

static int read_answer(const struct ota_client *client, const struct ota_bytes *answer, cJSON **ret_data, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *tree = NULL;
	struct ota_span text = { answer->data, answer->size };
	long status = 0;

	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (ota_json_read(text, OTA_JSON_STRICT, ANSWER_MAX, &tree, NULL, NULL) < 0)
		return read_refusal(client, status, NULL, error);
	if (status < 200 || status > 299)
		return read_refusal(client, status, tree, error);
	*ret_data = tree;
	tree = NULL;
	return 0;
}

static int perform(struct ota_client *client, struct ota_bytes *answer, cJSON **ret_data, struct ota_error *error)
{
	CURLcode result = curl_easy_perform(client->curl);
	const char *trouble = client->trouble[0] ? client->trouble : curl_easy_strerror(result);

	if (result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST)
		return ota_fail(error, OTA_EUNAVAILABLE, "there is no gateway at %s (%s); does it run, and is OTA_URL right?",
				client->access.url, trouble);
	if (result != CURLE_OK)
		return ota_fail(error, OTA_EUNAVAILABLE, "%s: %s", client->access.url, trouble);
	return read_answer(client, answer, ret_data, error);
}

static int print_body(const cJSON *members, struct ota_bytes *out, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *body = cJSON_Duplicate(members, true);

	cJSON_DeleteItemFromObjectCaseSensitive(body, "command");
	if (!body || ota_json_write(body, out) < 0)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	return 0;
}

int ota_client_call(struct ota_client *client, const cJSON *members, cJSON **ret_data, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes answer = { .limit = ANSWER_MAX };
	OTA_AUTO_BYTES struct ota_bytes url = { 0 };
	OTA_AUTO_BYTES struct ota_bytes body = { 0 };
	int code = print_body(members, &body, error);

	if (code < 0)
		return code;
	ota_bytes_format(&url, "%s/api/v1/%s", client->access.url, ota_json_member(members, "command")->valuestring);
	prepare(client, &answer);
	curl_easy_setopt(client->curl, CURLOPT_URL, url.data);
	curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, (long)ANSWER_TIMEOUT_S);
	curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
	curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body.data);
	return perform(client, &answer, ret_data, error);
}

/* Where the body of a command goes, and by which method. Members that stand in the path are not in the query. */
static const struct upload_place {
	const char *command, *method;
	const char *path;      /* "groups" */
	const char *inside[2]; /* members behind it, "PRODUCT/GROUP" */
	const char *tail;      /* and what ends it */
} upload_places[] = {
	{ "addPackage", "PUT", "packages", { NULL }, "" },
	{ "addFile", "PUT", "files", { NULL }, "" },
	{ "addToGroup", "POST", "groups", { "productKey", "group" }, "/members" },
};

static const struct upload_place *place_of(const cJSON *members)
{
	const struct upload_place *place = upload_places;

	while (strcmp(place->command, ota_json_member(members, "command")->valuestring) != 0)
		place++;
	return place;
}

static bool is_inside(const struct upload_place *place, const char *member)
{
	for (size_t i = 0; i < 2 && place->inside[i]; i++) {
		if (strcmp(place->inside[i], member) == 0)
			return true;
	}
	return false;
}

static void print_path(const struct upload_place *place, const cJSON *members, struct ota_bytes *out)
{
	ota_bytes_text(out, place->path);
	for (size_t i = 0; i < 2 && place->inside[i]; i++)
		ota_bytes_format(out, "/%s", ota_json_member(members, place->inside[i])->valuestring);
	ota_bytes_text(out, place->tail);
}

static int print_upload_url(const struct ota_client *client, const cJSON *members, struct ota_bytes *out, struct ota_error *error)
{
	const struct upload_place *place = place_of(members);
	const cJSON *member;
	char mark = '?';

	ota_bytes_format(out, "%s/api/v1/", client->access.url);
	print_path(place, members, out);
	cJSON_ArrayForEach(member, members) {
		OTA_AUTO_BYTES struct ota_bytes json = { 0 };
		char *value;

		if (strcmp(member->string, "command") == 0 || strcmp(member->string, "requestId") == 0 ||
		    is_inside(place, member->string))
			continue;
		if (!cJSON_IsString(member) && ota_json_write(member, &json) < 0)
			return ota_fail(error, OTA_ENOMEM, "out of memory");
		value = curl_easy_escape(client->curl, json.data ? json.data : member->valuestring, 0);
		ota_bytes_format(out, "%c%s=%s", mark, member->string, value ? value : "");
		curl_free(value);
		mark = '&';
	}
	return out->failed ? ota_fail(error, OTA_ENOMEM, "out of memory") : 0;
}

struct source {
	const struct ota_client_upload *upload;
	uint64_t sent;
};

static size_t give_body(char *target, size_t size, size_t count, void *context)
{
	struct source *source = context;
	ssize_t got = pread(source->upload->fd, target, size * count, (off_t)source->sent);

	if (got < 0)
		return CURL_READFUNC_ABORT;
	source->sent += (uint64_t)got;
	if (source->upload->progress)
		source->upload->progress(source->upload->context, source->sent);
	return (size_t)got;
}

/* The headers of every upload, and the request id of this one. NULL without memory; to be freed. */
static struct curl_slist *headers_of(const struct ota_client *client, const cJSON *members)
{
	OTA_AUTO_BYTES struct ota_bytes key = { 0 };
	const cJSON *id = ota_json_member(members, "requestId");
	struct curl_slist *headers = NULL;
	bool added = true;

	for (const struct curl_slist *each = client->upload_headers; added && each; each = each->next)
		added = add_header(&headers, each->data);
	if (cJSON_IsString(id)) {
		ota_bytes_format(&key, "Idempotency-Key: %s", id->valuestring);
		added = added && !key.failed && add_header(&headers, key.data);
	}
	if (added)
		return headers;
	curl_slist_free_all(headers);
	return NULL;
}

int ota_client_upload(struct ota_client *client, const struct ota_client_upload *upload, cJSON **ret_data,
		      struct ota_error *error)
{
	struct curl_slist *headers;
	OTA_AUTO_BYTES struct ota_bytes answer = { .limit = ANSWER_MAX };
	OTA_AUTO_BYTES struct ota_bytes url = { 0 };
	struct source source = { upload, 0 };
	CURL *curl = client->curl;
	int code = print_upload_url(client, upload->members, &url, error);

	if (code < 0)
		return code;
	headers = headers_of(client, upload->members);
	if (!headers)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	prepare(client, &answer);
	curl_easy_setopt(curl, CURLOPT_URL, url.data);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, place_of(upload->members)->method);
	curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload->size);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(curl, CURLOPT_READDATA, &source);
	curl_easy_setopt(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, (long)CONTINUE_TIMEOUT_MS);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_TIMEOUT_S);
	code = perform(client, &answer, ret_data, error);
	curl_slist_free_all(headers);
	return code;
}
