#include <criterion/criterion.h>
#include <string.h>

#include "common/credential.h"

Test(credential, new_tokens_are_wellformed_and_differ)
{
	char a[OTA_TOKEN_SIZE], b[OTA_TOKEN_SIZE];
	cr_assert_eq(ota_token_new(a), 0);
	cr_assert_eq(ota_token_new(b), 0);
	cr_expect_eq(strlen(a), OTA_TOKEN_SIZE - 1);
	cr_expect_eq(strncmp(a, "ota_", 4), 0);
	cr_expect(ota_token_is_wellformed(ota_span_from_text(a)));
	cr_expect_str_neq(a, b);
}

Test(credential, anything_else_is_not_wellformed)
{
	static const char *const wrong[] = {
		"", "ota_", "ota_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ota_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"OTA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ota_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
		"ota_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A",
	};
	cr_expect(ota_token_is_wellformed(ota_span_from_text("ota_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(ota_token_is_wellformed(ota_span_from_text(wrong[i])), "%s", wrong[i]);
}

Test(credential, the_store_sees_the_sha256)
{
	char hash[OTA_SHA256_HEX + 1];
	ota_token_hash(ota_span_from_text("abc"), hash);
	cr_expect_str_eq(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
