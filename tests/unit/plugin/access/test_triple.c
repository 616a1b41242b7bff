#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "plugin/access/triple.h"

/* The test vectors of aliyun-ota.md section 3: read from real clients' CONNECT packets. */
#define SECRET "0123456789abcdef0123456789abcdef"
#define C3_TAIL "timestamp=2524608000000,_v=sdk-c-3.0.1,securemode=3,signmethod=%s,lan=C,gw=0,ext=0|"
#define SHA256_UPPER "5936E05CCA8B2065A9329282A4F06CCD941C73F8E91F7C7E2AB86479528B2273"
#define SHA256_LOWER "5936e05cca8b2065a9329282a4f06ccd941c73f8e91f7c7e2ab86479528b2273"
#define SHA1_LOWER "6aa41b397da2877392ccdac3d06582dcd5639b76"
#define MD5_LOWER "8508f41209ff3f3ded25992c124a638b"
#define NPM_ID "00000000-0000-4000-8000-000000000001|securemode=3,signmethod=hmacsha1,timestamp=1617773607348|"

static const struct ota_identity sensor = {.product_key = "a1B2c3D4e5F", .device_name = "sensor-01"};
static const struct ota_triple_policy standard = {.region = ""};
static const struct ota_triple_policy loose = {.md5 = true, .region = "cn-shanghai"};

static void expect_verify(const struct ota_triple_login *login, const char *secret, const struct ota_triple_policy *policy,
			  const char *why)
{
	struct ota_triple_login whole = *login;

	whole.identity = login->identity ? login->identity : &sensor;
	cr_expect_str_eq(ota_triple_verify(&whole, secret, policy), why, "%s with %s", login->client_id, login->password);
}

static void expect_c3(const char *method, const char *password, const struct ota_triple_policy *policy, const char *why)
{
	char id[256];

	snprintf(id, sizeof(id), "a1B2c3D4e5F.sensor-01|" C3_TAIL, method);
	expect_verify(&(struct ota_triple_login){.client_id = id, .password = password}, SECRET, policy, why);
}

Test(triple, aliyun_0_15_the_passwords_of_both_c_sdks_are_accepted_in_either_case)
{
	expect_c3("hmacsha256", SHA256_UPPER, &standard, "");
	expect_c3("hmacsha256", SHA256_LOWER, &standard, "");
	expect_c3("hmacsha256", "5936E05CCA8B2065A9329282A4F06CCD941c73f8e91f7c7e2ab86479528b2273", &standard, "");
	expect_c3("hmacsha1", SHA1_LOWER, &standard, "");
	expect_verify(&(struct ota_triple_login){.client_id = "a1B2c3D4e5F.sensor-01|timestamp=2524608000000,_ss=1,"
							      "_v=sdk-c-4.2.0,securemode=3,signmethod=hmacsha256,ext=3,"
							      "_conn=tcp_18f|",
						 .password = SHA256_UPPER},
		      SECRET, &standard, "");
}

Test(triple, md5_needs_its_switch)
{
	expect_c3("hmacmd5", MD5_LOWER, &standard, "sign_method_refused");
	expect_c3("hmacmd5", MD5_LOWER, &loose, "");
	/* None named: md5. */
	const struct ota_triple_login unnamed = {.client_id = "a1B2c3D4e5F.sensor-01|timestamp=2524608000000|",
						 .password = MD5_LOWER};
	expect_verify(&unnamed, SECRET, &loose, "");
	expect_verify(&unnamed, SECRET, &standard, "sign_method_refused");
}

/* With signAlgorithm 'sha256' alibabacloud-iot-device-sdk names a method that it does not compute; the platform refuses that. */
Test(triple, aliyun_0_15_a_sha_1_signature_under_the_name_of_sha_256_is_refused)
{
	expect_verify(&(struct ota_triple_login){.client_id = "a1B2c3D4e5F&sensor-01|securemode=3,signmethod=hmacsha256,"
							      "timestamp=1617773607348,lan=NodeJS,_v=1.2.8|",
						 .password = "7213e582320cff5cdce8a8d5c4de6f49b3ccad14"},
		      SECRET, &standard, "password_wrong");
}

Test(triple, without_a_timestamp_none_is_signed)
{
	static const char password[] = "04284e2b474cdf2621c5f4f413f5b56690ac36a43b57a4aaa0b3da72eeea7555";

	expect_verify(&(struct ota_triple_login){.client_id = "a1B2c3D4e5F.sensor-01|signmethod=hmacsha256|",
						 .password = password},
		      SECRET, &standard, "");
	expect_verify(&(struct ota_triple_login){.client_id = "a1B2c3D4e5F.sensor-01|signmethod=hmacsha256,timestamp=1|",
						 .password = password},
		      SECRET, &standard, "password_wrong");
}

Test(triple, items_come_in_any_order_with_any_others)
{
	static const char *const tails[] = {
		"signmethod=hmacsha256,timestamp=2524608000000",
		"timestamp=2524608000000,signmethod=hmacsha256",
		"ext=3,timestamp=2524608000000,_conn=tcp_1f_-2,signmethod=hmacsha256,lan=C,gw=0",
		"x,=,y=,signmethod=hmacsha256,,timestamp=2524608000000,Timestamp=1,signMethod=hmacmd5",
	};
	char id[OTA_CLIENT_ID_MAX + 1];

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		snprintf(id, sizeof(id), "a1B2c3D4e5F.sensor-01|%s|", tails[i]);
		expect_verify(&(struct ota_triple_login){.client_id = id, .password = SHA256_LOWER}, SECRET, &standard, "");
	}
}

/* The client id changes from one connect to the next and may say anything: only what it is signed with proves the username. */
Test(triple, aliyun_0_08_the_cid_is_signed_and_names_nobody)
{
	static const struct ota_identity other = {.product_key = "a1B2c3D4e5F", .device_name = "sensor-02"};
	struct ota_triple_content content = {.identity = &other, .cid = ota_span_from_text("a1B2c3D4e5F.sensor-01"),
					     .method = OTA_TRIPLE_SHA256};
	unsigned char mac[OTA_TRIPLE_MAC_MAX];
	char password[2 * OTA_TRIPLE_MAC_MAX + 1];

	cr_assert_eq(ota_triple_sign(&content, SECRET, mac), 0);
	ota_text_hex(password, mac, sizeof(mac));
	struct ota_triple_login login = {
		.identity = &other, .client_id = "a1B2c3D4e5F.sensor-01|signmethod=hmacsha256|", .password = password};
	expect_verify(&login, SECRET, &standard, "");
	login.identity = &sensor;
	expect_verify(&login, SECRET, &standard, "password_wrong");
}

Test(triple, the_npm_clients_of_document_004_are_accepted)
{
	expect_verify(&(struct ota_triple_login){.client_id = NPM_ID, .password = "7DC437091A4F131E1E04054611FE3FE206DA2446"},
		      SECRET, &standard, "");
	expect_verify(&(struct ota_triple_login){.client_id = "a1B2c3D4e5F&sensor-01|securemode=3,signmethod=hmacsha1,"
							      "timestamp=1617773607348,lan=NodeJS,_v=1.2.8|",
						 .password = "7213e582320cff5cdce8a8d5c4de6f49b3ccad14"},
		      SECRET, &standard, "");
}

Test(triple, aliyun_0_14_the_region_that_document_004_signs_needs_its_option)
{
	struct ota_triple_login login = {.client_id = NPM_ID, .password = "ED61B8DB306DA833E855943C701D19D8D9854415"};

	expect_verify(&login, SECRET, &standard, "password_wrong");
	expect_verify(&login, SECRET, &loose, "");
	/* With the option those that do not sign it are still let in. */
	login.password = "7DC437091A4F131E1E04054611FE3FE206DA2446";
	expect_verify(&login, SECRET, &loose, "");
}

Test(triple, white_space_around_items_does_not_count)
{
	expect_verify(&(struct ota_triple_login){.client_id = "a1B2c3D4e5F.sensor-01|securemode=3,\n   "
							      "signmethod = hmacsha256,\r\n\ttimestamp=2524608000000 |",
						 .password = SHA256_LOWER},
		      SECRET, &standard, "");
}

Test(triple, every_wrong_digit_is_refused)
{
	char password[] = SHA256_UPPER;

	for (size_t i = 0; i < sizeof(password) - 1; i++) {
		char right = password[i];

		password[i] = right == '0' ? '1' : '0';
		expect_c3("hmacsha256", password, &standard, "password_wrong");
		password[i] = right;
	}
	expect_c3("hmacsha256", password, &standard, "");
}

Test(triple, a_password_of_another_length_method_or_device_is_refused)
{
	static const struct ota_identity other = {.product_key = "a1B2c3D4e5F", .device_name = "sensor-02"};

	expect_c3("hmacsha256", SHA256_UPPER "0", &standard, "password_wrong");
	expect_c3("hmacsha256", "5936E05C", &standard, "password_wrong");
	expect_c3("hmacsha256", SHA1_LOWER, &standard, "password_wrong");
	expect_c3("hmacsha1", SHA256_UPPER, &standard, "password_wrong");
	expect_c3("hmacsha256", "", &standard, "password_missing");
	expect_c3("hmacsha256", NULL, &standard, "password_missing");
	expect_verify(&(struct ota_triple_login){.identity = &other,
						 .client_id = "a1B2c3D4e5F.sensor-01|timestamp=2524608000000,"
							      "signmethod=hmacsha256|",
						 .password = SHA256_UPPER},
		      SECRET, &standard, "password_wrong");
}

Test(triple, a_device_without_a_secret_is_refused_even_with_the_password_of_nobody)
{
	expect_verify(&(struct ota_triple_login){.client_id = "a1B2c3D4e5F.sensor-01|timestamp=2524608000000,"
							      "signmethod=hmacsha256|",
						 .password = SHA256_UPPER},
		      NULL, &standard, "device_unknown");
	/* HMAC-SHA256 under 32 times '0', which a reader of the source can compute, too. */
	expect_verify(&(struct ota_triple_login){.client_id = "a1B2c3D4e5F.sensor-01|timestamp=2524608000000,"
							      "signmethod=hmacsha256|",
						 .password = "bec23685a1680213e04ebaa6982db59546be05ff0ff6dc3a4b30847e77505ef1"},
		      NULL, &standard, "device_unknown");
}

Test(triple, a_malformed_client_id_is_refused)
{
	static const struct {
		const char *id, *why;
	} rows[] = {
		{"", "client_id_malformed"},
		{"|", "client_id_malformed"},
		{"cid||x", "client_id_malformed"},
		{"cid|timestamp=1|x", "client_id_malformed"},
		{"cid|timestamp=1,timestamp=1|", "client_id_malformed"},
		{"cid|signmethod=hmacsha1,signmethod=hmacsha1|", "client_id_malformed"},
		{"cid|timestamp=|", "client_id_malformed"},
		{"cid|signmethod|", "client_id_malformed"},
		{"cid|timestamp=123456789012345678901234567890123|", "client_id_malformed"},
		{"cid|signmethod=hmacsha512|", "sign_method_unknown"},
		{"cid|signmethod=HMACSHA256|", "sign_method_unknown"},
	};
	struct ota_triple_content content;
	char id[OTA_TRIPLE_CID_MAX + 3];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(ota_triple_parse(rows[i].id, &content), rows[i].why, "%s", rows[i].id);
	memset(id, 'c', sizeof(id));
	id[OTA_TRIPLE_CID_MAX] = '|';
	id[OTA_TRIPLE_CID_MAX + 1] = '\0';
	cr_expect_str_eq(ota_triple_parse(id, &content), "", "a cid at its limit");
	id[OTA_TRIPLE_CID_MAX] = 'c';
	id[OTA_TRIPLE_CID_MAX + 1] = '|';
	id[OTA_TRIPLE_CID_MAX + 2] = '\0';
	cr_expect_str_eq(ota_triple_parse(id, &content), "client_id_malformed", "a cid one past its limit");
}

Test(triple, a_client_id_gives_its_parts)
{
	struct ota_triple_content content;

	cr_assert_str_eq(ota_triple_parse("cid|x=1,signmethod=hmacsha1,timestamp=7,,y|", &content), "");
	cr_expect(ota_span_equals(content.cid, "cid"));
	cr_expect(ota_span_equals(content.timestamp, "7"));
	cr_expect_eq(content.method, OTA_TRIPLE_SHA1);
	cr_assert_str_eq(ota_triple_parse("cid|", &content), "");
	cr_expect_eq(content.timestamp.size, 0);
	cr_expect_eq(content.method, OTA_TRIPLE_MD5);
}
