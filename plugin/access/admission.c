#include "plugin/access/admission.h"

#include <string.h>

#include "common/limits.h"

static const char *device_refusal(const struct ota_applicant *applicant, const struct ota_identity *identity)
{
	if (!applicant->client_id || applicant->client_id[0] == '\0')
		return "client_id_missing";
	if (strlen(applicant->client_id) > OTA_CLIENT_ID_MAX)
		return "client_id_too_long";
	if (!strchr(applicant->client_id, '|'))
		return "client_id_without_bar";
	if (applicant->holder && !ota_identity_equals(applicant->holder, identity))
		return "client_id_taken";
	if (applicant->overloaded)
		return "overloaded";
	return "";
}

enum ota_admission ota_admission_decide(const struct ota_applicant *applicant, struct ota_identity *ret_identity,
					const char **ret_why)
{
	*ret_why = "";
	if (!ota_identity_parse(ota_span_from_text(applicant->username), ret_identity)) {
		if (!applicant->client_id || !strchr(applicant->client_id, '|'))
			return OTA_ADMISSION_OTHER;
		/* A device whose names are not of the alphabet is told so; its client id is right. */
		bool means_device = applicant->username && strchr(applicant->username, '&');
		*ret_why = means_device ? "username_names_no_device" : "client_id_with_bar";
		return OTA_ADMISSION_REFUSED;
	}
	*ret_why = device_refusal(applicant, ret_identity);
	return (*ret_why)[0] == '\0' ? OTA_ADMISSION_DEVICE : OTA_ADMISSION_REFUSED;
}
