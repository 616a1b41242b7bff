/*
 * Every limit, once, with its reason. Each is tested at the limit and one past it.
 * Sizes are bytes without a terminating NUL unless the name ends in _SIZE, which includes it.
 */
#ifndef OTA_COMMON_LIMITS_H
#define OTA_COMMON_LIMITS_H

enum {
	/* Names. product_key and device_name: DESIGN.md section 2. */
	OTA_PRODUCT_KEY_MAX = 32,
	OTA_DEVICE_NAME_MAX = 64,
	OTA_MODULE_MAX = 64,   /* LuatOS firmware names reach 50 characters */
	OTA_VERSION_MAX = 64,  /* iotkit C 3.x stores 32; longer versions are for our own agent */
	OTA_LABEL_MAX = 128,   /* free names of batches, products, operators */
	OTA_GROUP_NAME_MAX = 64, /* as a device's: it stands in expressions and paths */
	OTA_BACKUP_NAME_MAX = 32, /* a part of a file name */
	OTA_TOKEN_NAME_MAX = 64, /* as a user name: it is the actor of the log */
	OTA_CLIENT_ID_MAX = 256, /* Aliyun client ids carry their parameters: 64 + tail */
	OTA_AGENT_MAX = 64,    /* "ota-agent/1.0.0 (linux; x86_64)" */
	OTA_BOOT_ID_MAX = 36,  /* a UUID */
	OTA_DESC_MAX = 128,    /* Aliyun manual: desc of a progress report */
	OTA_TARGET_TEXT_MAX = 2048, /* an expression of ota-targets(7); a batch keeps its own */
	OTA_REASON_MAX = 256,  /* why an operator did something */
	OTA_EVENT_WORD_MAX = 32, /* "batch_created" */
	OTA_NOTES_MAX = 1024,  /* release notes of a package: a paragraph, so that pages of packages stay small */
	OTA_MADE_SECRET_HEX = 32, /* of a secret the server makes: 128 random bits, as the platform's look */
	OTA_SECRET_MAX = 64,   /* of a device; Aliyun's have 32 */
	OTA_REQUEST_ID_MAX = 64, /* a UUID or a CI run's own id */

	/* Messages. */
	OTA_PAYLOAD_MAX = 65536,        /* any payload we read: operators' commands and answers */
	OTA_DEVICE_PAYLOAD_MAX = 16384, /* a device's report; the largest true one is under 1 KiB */
	OTA_JSON_DEPTH_MAX = 8,
	OTA_JSON_ANSWER_DEPTH_MAX = 12, /* of our own answers: a list of batches whose strategies have stages is 9 deep */
	OTA_JSON_MEMBERS_MAX = 256,     /* members of one object, so that the duplicate check stays cheap */
	OTA_JSON_NUMBER_MAX = 63,       /* characters of a number: cJSON cuts longer ones apart */
	OTA_MESSAGE_ID_MAX = 64,        /* of a pull, echoed: decimal in the manual, some clients send a UUID */
	OTA_URL_MAX = 255,              /* iotkit C 3.x overflows its stack past 255 */
	OTA_FILES_MIN = 2,              /* of a package of several; C 4.x takes one file in a list for none */
	OTA_FILES_MAX = 20,             /* C 4.x reads no more */
	OTA_FILE_NAME_MAX = 64,
	OTA_BLOCK_SIZE_MIN = 256,       /* Aliyun: of a block but the last, as the three below */
	OTA_BLOCK_SIZE_MAX = 131072,
	OTA_BLOCK_TOKEN_MAX = 127,      /* C 4.x copies the token into 128 bytes, unchecked */
	OTA_BLOCK_REQUEST_MAX = 1024,   /* true ones are under 256 bytes; many wait in memory for their turn */
	OTA_TAGS_MAX = 10,              /* Aliyun: batch tags */
	OTA_TAG_KEY_MAX = 30,
	OTA_TAG_VALUE_MAX = 1024,
	OTA_EXT_DATA_MAX = 4096,        /* Aliyun: sum of all tags */
	OTA_EXT_DATA_SIZE = OTA_EXT_DATA_MAX + OTA_TAG_VALUE_MAX + 128, /* as JSON: quotes, commas, escapes of one value */

	/* Work. */
	OTA_PAGE_DEFAULT = 100,  /* rows of a list answer when the caller does not say */
	OTA_PAGE_MAX = 500,      /* rows of a list answer at the most; 500 tasks stay under OTA_PAYLOAD_MAX only in pages */
	OTA_DEVICE_TAGS_MAX = 20,       /* of one device: what a person can still oversee */
	OTA_DEVICE_TAG_KEY_MAX = 32,
	OTA_DEVICE_TAG_VALUE_MAX = 128,
	OTA_IMPORT_MAX = 500,    /* devices in one command; with their tags and secrets they fill OTA_PAYLOAD_MAX */
	OTA_SECRETS_MAX = 400,   /* made in one command; the answer that shows them has 133 bytes each, and OTA_PAYLOAD_MAX */
	OTA_NAMES_MAX = 1000,    /* device names in one command; more go as a list file */
	OTA_ROLL_NAMES_MAX = 1000000, /* device names in a list that is sent to the gateway: the largest fleet of one server */
	OTA_ROLL_BYTES_MAX = OTA_ROLL_NAMES_MAX * (OTA_DEVICE_NAME_MAX + 2), /* each with the end of its line */
	OTA_OPEN_REGISTRATIONS_BURST = 1000, /* unknown devices of an open product: a site switched on registers at once, */
	OTA_OPEN_REGISTRATIONS_SECOND = 10,  /* and a liar makes 10 rows a second at the most */
	OTA_ASK_MS = 60000, /* for a device that is asked to give up: no download keeps an agent from answering for longer */
	OTA_TRANSACTION_ROWS = 5000, /* rows one transaction may touch, so that informs keep their pace */

	/* What one device may do, so that a hostile one cannot hurt the others (docs/protocol.md tells device makers). A bucket
	 * holds BURST, so many come back in a SECOND or MINUTE. */
	OTA_DEVICE_MESSAGES_BURST = 10000,  /* C 4.x on chunked replies sends 600 steps a second, and is to be heard; */
	OTA_DEVICE_MESSAGES_SECOND = 5000,  /* a fast download over MQTT asks for 4000 blocks, the most that are answered */
	OTA_DEVICE_REPORTS_BURST = 200,     /* informs, ends, answers, QoS 1: a device that boots tells each of its modules; */
	OTA_DEVICE_REPORTS_SECOND = 10,     /* the store writes 50 000 a second, so hundreds of liars do not crowd it */
	OTA_DEVICE_REPORT_BYTES = 1024,     /* a longer one counts several times: reading 16 KiB takes a third of a millisecond */
	OTA_DEVICE_STEPS_BURST = 20,        /* QoS 0 steps that are written at once; what comes faster waits for a newer one, */
	OTA_DEVICE_STEPS_SECOND = 2,        /* for half a second at the most: nobody watches a download closer */
	OTA_DEVICE_PULLS_BURST = 20,        /* a device asks once for each module when it boots */
	OTA_DEVICE_PULLS_MINUTE = 6,        /* each is answered: a signature, and a message for a device that may never read it */
	OTA_DEVICE_CONNECTS_BURST = 20,     /* a bad line flaps, */
	OTA_DEVICE_CONNECTS_MINUTE = 30,    /* and SDKs wait 2 s and more between two tries */
	OTA_DEVICE_LINES_BURST = 30,        /* in the log about one device, of 50 about all: the first ones tell what it does */
	OTA_DEVICE_LINES_MINUTE = 6,
	OTA_DEVICE_PATIENCE_BURST = 2000,   /* refused messages until a device is shut out: a flood at line rate is over in */
	OTA_DEVICE_PATIENCE_SECOND = 50,    /* tenths of a second, a little too much for ever is borne */
	OTA_DEVICE_SHUT_MS = 60000,         /* shut out; long enough to matter, short enough for a device that was mended */
	OTA_DEVICE_FORGET_MS = 300000,      /* quiet for so long: every bucket is full again */
	OTA_DEVICE_QUOTAS_MAX = 65536,      /* remembered at once, three times what connects to one broker; 40 MB */

	OTA_CONFIG_FILE_MAX = 65536, /* a configuration file; nobody writes a longer one by hand */

	/* Digests, in hex. */
	OTA_MD5_HEX = 32,
	OTA_SHA256_HEX = 64,
};

#define OTA_PACKAGE_SIZE_MAX ((uint64_t)4294967295) /* C 4.x reads size as uint32 */
#define OTA_STREAM_ID_MAX ((int64_t)4294967295) /* as size: C 4.x reads both numbers of a stream as uint32 */
#define OTA_INTEGER_MAX ((int64_t)9007199254740991) /* 2^53-1: what every JSON reader holds exactly */

#endif
