#include <criterion/criterion.h>

#include "common/limits.h"
#include "plugin/access/admission.h"

struct expected {
	enum ota_admission admission;
	const char *why;
};

static void expect_admission(const struct ota_applicant *applicant, struct expected expected)
{
	struct ota_identity identity;
	const char *why = NULL;
	enum ota_admission admission = ota_admission_decide(applicant, &identity, &why);
	cr_expect_eq(admission, expected.admission, "%s as %s: %d (%s)", applicant->username, applicant->client_id, admission,
		     why);
	cr_expect_str_eq(why, expected.why);
	if (admission == OTA_ADMISSION_DEVICE) {
		cr_expect_str_eq(identity.product_key, "pk1");
		cr_expect_str_eq(identity.device_name, "dn1");
	}
}

Test(admission, a_device_comes_in_under_an_id_with_a_bar)
{
	expect_admission(&(struct ota_applicant){.username = "dn1&pk1", .client_id = "pk1.dn1|securemode=3|"},
			 (struct expected){OTA_ADMISSION_DEVICE, ""});
	expect_admission(&(struct ota_applicant){.username = "dn1&pk1", .client_id = "|"},
			 (struct expected){OTA_ADMISSION_DEVICE, ""});
}

Test(admission, a_device_without_a_proper_id_is_refused)
{
	expect_admission(&(struct ota_applicant){.username = "dn1&pk1", .client_id = "pk1.dn1"},
			 (struct expected){OTA_ADMISSION_REFUSED, "client_id_without_bar"});
	expect_admission(&(struct ota_applicant){.username = "dn1&pk1", .client_id = ""},
			 (struct expected){OTA_ADMISSION_REFUSED, "client_id_missing"});
	expect_admission(&(struct ota_applicant){.username = "dn1&pk1"},
			 (struct expected){OTA_ADMISSION_REFUSED, "client_id_missing"});
}

Test(admission, an_id_may_be_as_long_as_its_limit)
{
	char id[OTA_CLIENT_ID_MAX + 2];
	memset(id, '|', sizeof(id));
	id[OTA_CLIENT_ID_MAX] = '\0';
	expect_admission(&(struct ota_applicant){.username = "dn1&pk1", .client_id = id},
			 (struct expected){OTA_ADMISSION_DEVICE, ""});
	id[OTA_CLIENT_ID_MAX] = '|';
	id[OTA_CLIENT_ID_MAX + 1] = '\0';
	expect_admission(&(struct ota_applicant){.username = "dn1&pk1", .client_id = id},
			 (struct expected){OTA_ADMISSION_REFUSED, "client_id_too_long"});
}

Test(admission, an_id_is_not_taken_from_another_live_device)
{
	struct ota_identity same = {"pk1", "dn1"}, name = {"pk1", "dn2"}, product = {"pk2", "dn1"};
	struct ota_applicant applicant = {.username = "dn1&pk1", .client_id = "x|"};
	applicant.holder = &same;
	expect_admission(&applicant, (struct expected){OTA_ADMISSION_DEVICE, ""});
	applicant.holder = &name;
	expect_admission(&applicant, (struct expected){OTA_ADMISSION_REFUSED, "client_id_taken"});
	applicant.holder = &product;
	expect_admission(&applicant, (struct expected){OTA_ADMISSION_REFUSED, "client_id_taken"});
}

Test(admission, devices_wait_outside_while_the_server_cannot_follow)
{
	struct ota_applicant device = {.username = "dn1&pk1", .client_id = "x|", .overloaded = true};
	struct ota_applicant other = {.username = "operator", .client_id = "x", .overloaded = true};
	expect_admission(&device, (struct expected){OTA_ADMISSION_REFUSED, "overloaded"});
	expect_admission(&other, (struct expected){OTA_ADMISSION_OTHER, ""});
}

Test(admission, others_keep_out_of_the_ids_of_devices)
{
	static const char *const usernames[] = {"operator", "", NULL, "dn1&", "&pk1", "dn1&pk1&x", "dn 1&pk1", "dn1&pk_1"};
	for (size_t i = 0; i < sizeof(usernames) / sizeof(usernames[0]); i++) {
		expect_admission(&(struct ota_applicant){.username = usernames[i], .client_id = "console"},
				 (struct expected){OTA_ADMISSION_OTHER, ""});
		expect_admission(&(struct ota_applicant){.username = usernames[i]}, (struct expected){OTA_ADMISSION_OTHER, ""});
		expect_admission(&(struct ota_applicant){.username = usernames[i], .client_id = "pk1.dn1|x|"},
				 (struct expected){OTA_ADMISSION_REFUSED, usernames[i] && strchr(usernames[i], '&')
											  ? "username_names_no_device"
											  : "client_id_with_bar"});
	}
}
