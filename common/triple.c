#include "common/triple.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "common/error.h"

static const struct method {
	const char *word;
	size_t size; /* bytes of the MAC */
	const EVP_MD *(*digest)(void);
} methods[OTA_TRIPLE_METHODS] = {
	[OTA_TRIPLE_MD5] = {"hmacmd5", 16, EVP_md5},
	[OTA_TRIPLE_SHA1] = {"hmacsha1", 20, EVP_sha1},
	[OTA_TRIPLE_SHA256] = {"hmacsha256", 32, EVP_sha256},
};

const char *ota_triple_method_word(enum ota_triple_method method)
{
	return methods[method].word;
}

bool ota_triple_method_parse(struct ota_span word, enum ota_triple_method *ret_method)
{
	for (enum ota_triple_method method = 0; method < OTA_TRIPLE_METHODS; method++) {
		if (ota_span_equals(word, methods[method].word)) {
			*ret_method = method;
			return true;
		}
	}
	return false;
}

size_t ota_triple_mac_size(enum ota_triple_method method)
{
	return methods[method].size;
}

static void pair_print(struct ota_bytes *out, const char *name, struct ota_span value)
{
	if (value.size == 0)
		return;
	ota_bytes_text(out, name);
	ota_bytes_append(out, value.data, value.size);
}

/* Sorted by name. */
static void content_print(struct ota_bytes *out, const struct ota_triple_content *content)
{
	pair_print(out, "clientId", content->cid);
	pair_print(out, "deviceName", ota_span_from_text(content->identity->device_name));
	pair_print(out, "productKey", ota_span_from_text(content->identity->product_key));
	pair_print(out, "regionId", content->region);
	pair_print(out, "timestamp", content->timestamp);
}

int ota_triple_sign(const struct ota_triple_content *content, const char *secret, unsigned char ret_mac[OTA_TRIPLE_MAC_MAX])
{
	const struct method *method = &methods[content->method];
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	content_print(&text, content);
	if (text.failed)
		return OTA_ENOMEM;
	if (!HMAC(method->digest(), secret, (int)strlen(secret), (const unsigned char *)text.data, text.size, mac, &size) ||
	    size != method->size)
		return OTA_EIO;
	memcpy(ret_mac, mac, method->size);
	OPENSSL_cleanse(mac, sizeof(mac));
	return 0;
}
