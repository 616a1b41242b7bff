#include "plugin/access/triple.h"

#include <openssl/crypto.h>
#include <string.h>

#include "common/text.h"

#define SPACE " \t\r\n"

/* Signs for a device we do not know, so that it waits as long as one we know. Never accepted. */
static const char nobody[] = "00000000000000000000000000000000";

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

const char *ota_triple_parse(const char *client_id, struct ota_triple_content *ret_content)
{
	struct ota_span rest = ota_span_from_text(client_id);
	struct ota_triple_content content = {.cid = next_part(&rest, '|'), .method = OTA_TRIPLE_MD5};
	struct items items = {{NULL, 0}, {NULL, 0}};
	struct ota_span tail = next_part(&rest, '|');

	if (content.cid.size == 0 || content.cid.size > OTA_TRIPLE_CID_MAX || rest.size > 0)
		return "client_id_malformed";
	while (tail.size > 0) {
		if (!item_take(next_part(&tail, ','), &items))
			return "client_id_malformed";
	}
	if (items.timestamp.size > OTA_TRIPLE_TIMESTAMP_MAX)
		return "client_id_malformed";
	if (items.method.data && !ota_triple_method_parse(items.method, &content.method))
		return "sign_method_unknown";
	content.timestamp = items.timestamp;
	*ret_content = content;
	return "";
}

static bool mac_matches(const struct ota_triple_content *content, const char *secret,
			const unsigned char given[OTA_TRIPLE_MAC_MAX])
{
	unsigned char mac[OTA_TRIPLE_MAC_MAX];

	if (ota_triple_sign(content, secret, mac) < 0)
		return false;
	bool same = CRYPTO_memcmp(mac, given, ota_triple_mac_size(content->method)) == 0;
	OPENSSL_cleanse(mac, sizeof(mac));
	return same;
}

/* With a region both contents are always tried, so that the time says nothing of which one was right. */
static bool any_matches(const struct ota_triple_content *content, const char *secret, const char *region,
			const unsigned char given[OTA_TRIPLE_MAC_MAX])
{
	struct ota_triple_content regional = *content;
	bool matches = mac_matches(content, secret, given);

	if (region[0] == '\0')
		return matches;
	regional.region = ota_span_from_text(region);
	bool matches_regional = mac_matches(&regional, secret, given);
	return matches || matches_regional;
}

/* What is no signature is compared as well, to no avail. */
static const char *password_refusal(const struct ota_triple_content *content, const struct ota_triple_login *login,
				    const char *secret, const struct ota_triple_policy *policy)
{
	unsigned char given[OTA_TRIPLE_MAC_MAX] = {0};
	struct ota_span text = ota_span_from_text(login->password);
	bool is_hex = ota_text_unhex(text, given, ota_triple_mac_size(content->method));
	bool matches = any_matches(content, secret ? secret : nobody, policy->region, given);

	if (text.size == 0)
		return "password_missing";
	if (!secret)
		return "device_unknown";
	return is_hex && matches ? "" : "password_wrong";
}

const char *ota_triple_verify(const struct ota_triple_login *login, const char *secret, const struct ota_triple_policy *policy)
{
	/* Signed in place of what cannot be read. */
	struct ota_triple_content content = {.cid = ota_span_from_text(nobody), .method = OTA_TRIPLE_SHA256};
	const char *why = ota_triple_parse(login->client_id, &content);

	if (why[0] == '\0' && content.method == OTA_TRIPLE_MD5 && !policy->md5)
		why = "sign_method_refused";
	content.identity = login->identity;
	const char *wrong = password_refusal(&content, login, secret, policy);
	return why[0] != '\0' ? why : wrong;
}
