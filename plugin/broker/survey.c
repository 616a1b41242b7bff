#include "plugin/broker/survey.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <zlib.h>

#include "common/file.h"
#include "common/signature.h"
#include "plugin/broker/inwork.h"
#include "plugin/broker/record.h"
#include "plugin/broker/segment.h"

enum { QUARANTINED_TOLD = 10, SCAN_TRIES = 3 };

/* --- reports that were set aside --- */

static int entry_is_quarantined(const struct dirent *entry)
{
	return !strncmp(entry->d_name, OTA_QUARANTINE_PREFIX, strlen(OTA_QUARANTINE_PREFIX));
}

static bool quarantined_read(const char *path, struct ota_bytes *storage, struct ota_record *ret_record)
{
	if (ota_file_read(path, OTA_RECORD_BODY_MAX, storage, NULL) != 0 || !storage->data)
		return false;
	struct ota_span body = {.data = storage->data, .size = storage->size};
	uint32_t crc = (uint32_t)crc32_z(crc32_z(0, NULL, 0), (const unsigned char *)body.data, body.size);
	return ota_record_read_body(body, crc, ret_record);
}

static void quarantined_tell(const char *directory, const char *name, struct ota_findings *findings)
{
	char path[PATH_MAX], time[OTA_TIME_SIZE];
	OTA_AUTO_BYTES struct ota_bytes storage = {0};
	struct ota_record record;
	if (!ota_file_join(path, sizeof(path), directory, name))
		return;
	if (!quarantined_read(path, &storage, &record)) {
		ota_findings_add(findings, OTA_FINDING_ERROR, "quarantine", "%s holds a report that cannot be read",
				 path);
		return;
	}
	ota_time_print(time, record.at.wall_ms);
	ota_findings_add(findings, OTA_FINDING_ERROR, "quarantine",
			 "a report of device %s of product %s from %s was set aside because it brought the server down or "
			 "could not be applied; its payload: tail -c %zu %s; report it, then remove the file",
			 record.identity.device_name, record.identity.product_key, time, record.payload.size, path);
}

static void quarantine_survey(const struct ota_survey *survey, struct ota_findings *findings)
{
	struct dirent **entries = NULL;
	int count = scandir(survey->journal_dir, &entries, entry_is_quarantined, alphasort);
	for (int i = 0; i < count; i++) {
		if (i < QUARANTINED_TOLD)
			quarantined_tell(survey->journal_dir, entries[i]->d_name, findings);
		free(entries[i]);
	}
	free(entries);
	if (count > QUARANTINED_TOLD)
		ota_findings_add(findings, OTA_FINDING_ERROR, "quarantine",
				 "%d more reports were set aside, see %s/" OTA_QUARANTINE_PREFIX "*", count - QUARANTINED_TOLD,
				 survey->journal_dir);
}

/* --- the journal --- */

static int segment_check(const struct ota_survey *survey, const char *path, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes file = {0};
	struct ota_segment_content content;
	int code = ota_file_read(path, survey->segment_bytes * 2, &file, error);
	/* The worker was done with it meanwhile. */
	if (code == OTA_ENOTFOUND)
		return 0;
	struct ota_span span = {.data = file.data, .size = file.size};
	return code != 0 ? code : ota_segment_scan(span, survey->store_uuid, 0, &content, error);
}

/* The broker's thread may write while this reads, so that a record is seen whose predecessor was not yet there. What is damaged
 * stays. */
static void segment_survey(const struct ota_survey *survey, const char *name, struct ota_findings *findings)
{
	char path[PATH_MAX];
	struct ota_error error = {0};
	int code = -1;
	if (!ota_file_join(path, sizeof(path), survey->journal_dir, name))
		return;
	for (int tries = 0; code != 0 && tries < SCAN_TRIES; tries++)
		code = segment_check(survey, path, &error);
	if (code != 0)
		ota_findings_add(findings, OTA_FINDING_ERROR, "journal",
				 "%s %s: reports in it may be lost at the next start; stop the broker in peace, so that it "
				 "applies what it can",
				 path, error.text);
}

static int entry_is_segment(const struct dirent *entry)
{
	uint64_t first;
	return ota_segment_name_parse(entry->d_name, &first);
}

static void journal_survey(const struct ota_survey *survey, struct ota_findings *findings)
{
	struct dirent **entries = NULL;
	int count = scandir(survey->journal_dir, &entries, entry_is_segment, alphasort);
	if (count < 0)
		ota_findings_add(findings, OTA_FINDING_ERROR, "journal", "%s cannot be read", survey->journal_dir);
	for (int i = 0; i < count; i++) {
		segment_survey(survey, entries[i]->d_name, findings);
		free(entries[i]);
	}
	free(entries);
}

/* --- room and key --- */

static void room_survey(const char *directory, const char *what, uint64_t least, struct ota_findings *findings)
{
	struct statvfs place;
	if (statvfs(directory, &place) != 0) {
		ota_findings_add(findings, OTA_FINDING_ERROR, "disk", "%s cannot be reached: is its disk mounted?", directory);
		return;
	}
	uint64_t room = (uint64_t)place.f_bavail * place.f_frsize;
	if (room < least)
		ota_findings_add(findings, OTA_FINDING_WARNING, "disk", "%s (%s) has %llu MiB left: make room before it is full",
				 directory, what, (unsigned long long)(room >> 20));
}

static void key_survey(const struct ota_survey *survey, struct ota_findings *findings)
{
	struct ota_url_keys keys;
	struct ota_error error = {0};
	if (ota_url_keys_read(survey->url_key_file, &keys, &error) != 0)
		ota_findings_add(findings, OTA_FINDING_ERROR, "key",
				 "the key of download URLs: %s: after its next start the gateway cannot check what devices ask",
				 error.text);
	explicit_bzero(&keys, sizeof(keys));
}

/* --- downloads over MQTT --- */

static void blocks_survey(const struct ota_survey *survey, struct ota_findings *findings)
{
	char trouble[OTA_ERROR_TEXT_MAX];
	if (survey->carrier && ota_carrier_trouble(survey->carrier, trouble))
		ota_findings_add(findings, OTA_FINDING_ERROR, "packages", "devices cannot fetch a package over MQTT: %s",
				 trouble);
}

void ota_survey_alarms(void *context, struct ota_findings *findings)
{
	const struct ota_survey *survey = context;
	quarantine_survey(survey, findings);
	room_survey(survey->store_dir, "the store", OTA_SURVEY_ROOM_BYTES, findings);
	room_survey(survey->package_dir, "the packages", OTA_SURVEY_ROOM_BYTES, findings);
	room_survey(survey->journal_dir, "the journal", 2 * survey->segment_bytes, findings);
	key_survey(survey, findings);
	blocks_survey(survey, findings);
}

void ota_survey_all(void *context, struct ota_findings *findings)
{
	ota_survey_alarms(context, findings);
	journal_survey(context, findings);
}
