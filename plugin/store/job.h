/*
 * Job: something long that an operator asked of the keeper, and what became of it.
 */
#ifndef OTA_PLUGIN_STORE_JOB_H
#define OTA_PLUGIN_STORE_JOB_H

#include "plugin/store/backup.h"
#include "plugin/store/findings.h"

enum ota_job_kind {
	OTA_JOB_BACKUP,
	OTA_JOB_CHECK,
	OTA_JOB_KINDS,
};

enum ota_job_state {
	OTA_JOB_RUNNING,
	OTA_JOB_DONE,
	OTA_JOB_FAILED,
	OTA_JOB_STATES,
};

const char *ota_job_kind_word(enum ota_job_kind kind);
const char *ota_job_state_word(enum ota_job_state state);

struct ota_job_order {
	/* When it was asked for, UTC milliseconds: its number. A command that is applied again, because its transaction could not
	 * be committed, finds the job it started. */
	int64_t id;
	enum ota_job_kind kind;
	char name[OTA_BACKUP_NAME_MAX + 1]; /* BACKUP, see backup.h, as keep */
	int keep;
	bool deep; /* CHECK */
};

struct ota_job {
	struct ota_job_order order;
	enum ota_job_state state;
	int progress; /* 0..100 */
	int64_t started_ms, ended_ms;
	struct ota_error error;       /* FAILED */
	struct ota_backup backup;     /* BACKUP, DONE */
	struct ota_findings findings; /* CHECK, DONE */
};

#endif
