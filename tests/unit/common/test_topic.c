#include <criterion/criterion.h>
#include <stdio.h>

#include "common/topic.h"

static enum ota_topic_kind kind_of(const char *topic)
{
	struct ota_identity identity;
	return ota_topic_parse(ota_span_from_text(topic), &identity);
}

Test(topic, every_kind_is_read_and_written)
{
	static const struct {
		enum ota_topic_kind kind;
		const char *topic;
		bool from_device, to_device;
	} rows[] = {
		{OTA_TOPIC_INFORM, "/ota/device/inform/pk1/dn-1", true, false},
		{OTA_TOPIC_PROGRESS, "/ota/device/progress/pk1/dn-1", true, false},
		{OTA_TOPIC_REQUEST, "/ota/device/request/pk1/dn-1", true, true},
		{OTA_TOPIC_UPGRADE, "/ota/device/upgrade/pk1/dn-1", false, true},
		{OTA_TOPIC_CANCEL, "/ota/device/cancel/pk1/dn-1", false, true},
		{OTA_TOPIC_FIRMWARE_GET, "/sys/pk1/dn-1/thing/ota/firmware/get", true, false},
		{OTA_TOPIC_FIRMWARE_GET_REPLY, "/sys/pk1/dn-1/thing/ota/firmware/get_reply", false, true},
		{OTA_TOPIC_FILE_DOWNLOAD, "/sys/pk1/dn-1/thing/file/download", true, false},
		{OTA_TOPIC_FILE_DOWNLOAD_REPLY, "/sys/pk1/dn-1/thing/file/download_reply", false, true},
	};
	cr_assert_eq(sizeof(rows) / sizeof(rows[0]), OTA_TOPIC_BROKEN - 1, "a kind without a row here");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_identity identity = {0};
		char topic[OTA_TOPIC_SIZE];
		cr_expect_eq(ota_topic_parse(ota_span_from_text(rows[i].topic), &identity), rows[i].kind, "%s", rows[i].topic);
		cr_expect_str_eq(identity.product_key, "pk1");
		cr_expect_str_eq(identity.device_name, "dn-1");
		ota_topic_print(topic, rows[i].kind, &identity);
		cr_expect_str_eq(topic, rows[i].topic);
		cr_expect_eq(ota_topic_is_from_device(rows[i].kind), rows[i].from_device, "%s", rows[i].topic);
		cr_expect_eq(ota_topic_is_to_device(rows[i].kind), rows[i].to_device, "%s", rows[i].topic);
	}
}

Test(topic, others_are_foreign)
{
	static const char *const topics[] = {
		"",
		"/",
		"ota/device/inform/pk/dn",
		"/ota",
		"/ota/",
		"/ota/device",
		"/ota/other",
		"/ota/devices/inform/pk/dn",
		"/otaX/device/",
		"/sys/pk/dn/thing/config/get",
		"/sys/pk/dn/thing/event/property/post",
		"/sys/pk/dn/thing/deviceinfo/update",
		"/sys/pk/dn/thing/otax/firmware",
		"/sys/pk/dn/rrpc/request/+",
		"/sys/pk/dn/thing/event/+/post_reply",
		"/ext/session/pk/dn/combine/login",
		"$SYS/broker/version",
		"#",
		"+/ota/device/x",
		"/ota/+",
		"/sys",
		"/sys/",
		"/sys/pk",
		"/sys/pk/dn/thing/file",
	};
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		cr_expect_eq(kind_of(topics[i]), OTA_TOPIC_FOREIGN, "%s", topics[i]);
}

Test(topic, what_begins_like_ours_and_is_not_is_broken)
{
	static const char *const topics[] = {
		"/ota/device/",
		"/ota/device/inform",
		"/ota/device/inform/",
		"/ota/device/inform/pk",
		"/ota/device/inform/pk/",
		"/ota/device/inform//dn",
		"/ota/device/inform/pk/dn/",
		"/ota/device/inform/pk/dn/x",
		"/ota/device/unknown/pk/dn",
		"/ota/device/inform/p-k/dn",
		"/ota/device/inform/pk/d n",
		"/ota/device/Inform/pk/dn",
		"/sys/pk/dn/thing/ota/",
		"/sys/pk/dn/thing/ota/firmware/put",
		"/sys/pk/dn/thing/file/upload",
		"/sys/p-k/dn/thing/ota/firmware/get",
		"/sys/pk/dn/thing/ota/firmware/get/",
		"/sys//dn/thing/file/download",
		"/sys/pk//thing/file/download",
		"/sys/pk/dn/thing/file/thing/file/download",
	};
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		cr_expect_eq(kind_of(topics[i]), OTA_TOPIC_BROKEN, "%s", topics[i]);
	struct ota_span nul = {"/ota/device/inform/pk/d\0n", 25};
	struct ota_identity identity;
	cr_expect_eq(ota_topic_parse(nul, &identity), OTA_TOPIC_BROKEN);
}

Test(topic, filters_that_could_cover_ours_are_broken)
{
	static const char *const filters[] = {
		"/ota/#",
		"/ota/device/#",
		"/ota/device/+/pk/dn",
		"/ota/device/inform/+/+",
		"/ota/device/inform/pk/#",
		"/ota/+/upgrade/pk/dn",
		"/ota/+/#",
		"/sys/#",
		"/sys/pk/#",
		"/sys/pk/dn/#",
		"/sys/+/+/thing/ota/firmware/get_reply",
		"/sys/pk/dn/thing/#",
		"/sys/pk/dn/+/file/download_reply",
		"/sys/pk/dn/thing/+/#",
		"/sys/pk/dn/thing/ota/#",
	};
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		cr_expect_eq(kind_of(filters[i]), OTA_TOPIC_BROKEN, "%s", filters[i]);
}

static struct ota_identity longest(void)
{
	struct ota_identity identity = {0};
	memset(identity.product_key, 'P', OTA_PRODUCT_KEY_MAX);
	memset(identity.device_name, 'd', OTA_DEVICE_NAME_MAX);
	return identity;
}

Test(topic, the_longest_names_fit_and_longer_ones_are_refused)
{
	struct ota_identity identity = longest(), back;
	char topic[OTA_TOPIC_SIZE], wrong[OTA_TOPIC_SIZE + 1];
	for (int kind = OTA_TOPIC_INFORM; kind < OTA_TOPIC_BROKEN; kind++) {
		ota_topic_print(topic, (enum ota_topic_kind)kind, &identity);
		cr_expect_eq(ota_topic_parse(ota_span_from_text(topic), &back), kind);
		cr_expect(ota_identity_equals(&identity, &back));
	}
	ota_topic_print(topic, OTA_TOPIC_INFORM, &identity);
	snprintf(wrong, sizeof(wrong), "%sd", topic);
	cr_expect_eq(kind_of(wrong), OTA_TOPIC_BROKEN);
	ota_topic_print(topic, OTA_TOPIC_FOREIGN, &identity);
	cr_expect_str_eq(topic, "");
}

Test(topic, usernames_name_the_device_first)
{
	struct ota_identity identity = {0}, most = longest();
	char username[OTA_USERNAME_SIZE];
	cr_assert(ota_identity_parse(ota_span_from_text("dn&pk"), &identity));
	cr_expect_str_eq(identity.device_name, "dn");
	cr_expect_str_eq(identity.product_key, "pk");
	ota_identity_print(username, &most);
	cr_expect_eq(strlen(username), OTA_USERNAME_SIZE - 1);
	cr_expect(ota_identity_parse(ota_span_from_text(username), &identity) && ota_identity_equals(&identity, &most));
	static const char *const wrong[] = {"", "&", "dn", "dn&", "&pk", "dn&p&k", "d/n&pk", "dn&p k", " dn&pk"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(ota_identity_parse(ota_span_from_text(wrong[i]), &identity), "%s", wrong[i]);
	cr_expect(ota_identity_equals(&identity, &most), "a refused name leaves the target alone");
}

Test(topic, the_hash_of_an_identity_never_changes)
{
	struct ota_identity a = {"a1B2c3D4e5F", "sensor-01"}, b = {"a1B2c3D4e5F", "sensor-02"};
	cr_expect_eq(ota_identity_hash(&a), UINT64_C(0xd7fec714d8999a9d));
	cr_expect_neq(ota_identity_hash(&a), ota_identity_hash(&b));
}
