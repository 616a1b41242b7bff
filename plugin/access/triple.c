#include "plugin/access/triple.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "common/text.h"

#define SPACE " \t\r\n"

enum { MAC_MAX = 32 };

/* Signs for a device we do not know, so that it waits as long as one we know. Never accepted. */
static const char nobody[] = "00000000000000000000000000000000";

static const struct method {
	const char *word;
	size_t size; /* bytes of the MAC */
	const EVP_MD *(*digest)(void);
} methods[OTA_TRIPLE_METHODS] = {
	[OTA_TRIPLE_MD5] = {"hmacmd5", 16, EVP_md5},
	[OTA_TRIPLE_SHA1] = {"hmacsha1", 20, EVP_sha1},
	[OTA_TRIPLE_SHA256] = {"hmacsha256", 32, EVP_sha256},
};

static bool method_parse(struct ota_span word, enum ota_triple_method *ret_method)
{
	for (enum ota_triple_method method = 0; method < OTA_TRIPLE_METHODS; method++) {
		if (ota_span_equals(word, methods[method].word)) {
			*ret_method = method;
			return true;
		}
	}
	return false;
}

/* The Node SDK's ids have new lines and spaces behind their commas. */
static struct ota_span trimmed(struct ota_span text)
{
	while (text.size > 0 && strchr(SPACE, text.data[0])) {
		text.data++;
		text.size--;
	}
	while (text.size > 0 && strchr(SPACE, text.data[text.size - 1]))
		text.size--;
	return text;
}

/* Cuts the text before the next separator off *rest. */
static struct ota_span next_part(struct ota_span *rest, char separator)
{
	const char *end = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
	struct ota_span part = {rest->data, end ? (size_t)(end - rest->data) : rest->size};
	size_t used = part.size + (end != NULL);

	*rest = (struct ota_span){rest->data + used, rest->size - used};
	return part;
}

/* The items of a client id that count; NULL data = not given. */
struct items {
	struct ota_span method, timestamp;
};

static bool item_take(struct ota_span item, struct items *items)
{
	struct ota_span key = trimmed(next_part(&item, '='));
	struct ota_span value = trimmed(item);
	struct ota_span *target = NULL;

	if (ota_span_equals(key, "signmethod"))
		target = &items->method;
	else if (ota_span_equals(key, "timestamp"))
		target = &items->timestamp;
	if (!target)
		return true;
	if (target->data || value.size == 0)
		return false;
	*target = value;
	return true;
}

const char *ota_triple_parse(const char *client_id, struct ota_triple_parameters *ret_parameters)
{
	struct ota_span rest = ota_span_from_text(client_id);
	struct ota_triple_parameters parameters = {.cid = next_part(&rest, '|'), .method = OTA_TRIPLE_MD5};
	struct items items = {{NULL, 0}, {NULL, 0}};
	struct ota_span tail = next_part(&rest, '|');

	if (parameters.cid.size == 0 || parameters.cid.size > OTA_TRIPLE_CID_MAX || rest.size > 0)
		return "client_id_malformed";
	while (tail.size > 0) {
		if (!item_take(next_part(&tail, ','), &items))
			return "client_id_malformed";
	}
	if (items.timestamp.size > OTA_TRIPLE_TIMESTAMP_MAX)
		return "client_id_malformed";
	if (items.method.data && !method_parse(items.method, &parameters.method))
		return "sign_method_unknown";
	parameters.timestamp = items.timestamp;
	*ret_parameters = parameters;
	return "";
}

/* The names and values that were signed, sorted by name. */
static void content_print(struct ota_bytes *out, const struct ota_identity *identity,
			  const struct ota_triple_parameters *parameters, const char *region)
{
	ota_bytes_text(out, "clientId");
	ota_bytes_append(out, parameters->cid.data, parameters->cid.size);
	ota_bytes_format(out, "deviceName%sproductKey%s", identity->device_name, identity->product_key);
	if (region[0] != '\0')
		ota_bytes_format(out, "regionId%s", region);
	if (parameters->timestamp.size > 0) {
		ota_bytes_text(out, "timestamp");
		ota_bytes_append(out, parameters->timestamp.data, parameters->timestamp.size);
	}
}

/* Is this the MAC of that content? */
static bool mac_matches(const struct method *method, const char *secret, const struct ota_bytes *content,
			const unsigned char given[MAC_MAX])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (content->failed || !HMAC(method->digest(), secret, (int)strlen(secret), (const unsigned char *)content->data,
				     content->size, mac, &size))
		return false;
	bool same = size == method->size && CRYPTO_memcmp(mac, given, method->size) == 0;
	OPENSSL_cleanse(mac, sizeof(mac));
	return same;
}

/* Both contents are always tried, so that the time says nothing of which one was right. */
static bool password_matches(const struct ota_triple_login *login, const struct ota_triple_parameters *parameters,
			     const char *secret, const struct ota_triple_policy *policy)
{
	const struct method *method = &methods[parameters->method];
	OTA_AUTO_BYTES struct ota_bytes plain = {0};
	OTA_AUTO_BYTES struct ota_bytes regional = {0};
	unsigned char given[MAC_MAX];

	if (!ota_text_unhex(ota_span_from_text(login->password), given, method->size))
		return false;
	content_print(&plain, login->identity, parameters, "");
	content_print(&regional, login->identity, parameters, policy->region);
	bool matches = mac_matches(method, secret, &plain, given);
	bool matches_regional = mac_matches(method, secret, &regional, given);
	return matches || matches_regional;
}

const char *ota_triple_verify(const struct ota_triple_login *login, const char *secret, const struct ota_triple_policy *policy)
{
	struct ota_triple_parameters parameters;
	const char *why = ota_triple_parse(login->client_id, &parameters);

	if (why[0] != '\0')
		return why;
	if (parameters.method == OTA_TRIPLE_MD5 && !policy->md5)
		return "sign_method_refused";
	if (!login->password || login->password[0] == '\0')
		return "password_missing";
	bool matches = password_matches(login, &parameters, secret ? secret : nobody, policy);
	if (!secret)
		return "device_unknown";
	return matches ? "" : "password_wrong";
}
