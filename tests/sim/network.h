/*
 * Network: everything that is still to happen, in the order of its time: messages under way in both directions, devices and
 * operators about to act, the server about to work or to start. Messages are lost, doubled, overtaken and late as often as the
 * seed says.
 */
#ifndef OTA_TESTS_SIM_NETWORK_H
#define OTA_TESTS_SIM_NETWORK_H

#include "tests/sim/luck.h"

enum happening_kind {
	HAPPENS_TO_SERVER, /* a message of a device comes to the broker */
	HAPPENS_TO_DEVICE, /* one of the server to a device */
	HAPPENS_DEVICE,    /* a device does its next thing */
	HAPPENS_OPERATOR,
	HAPPENS_WORK,      /* the server's worker looks at what waits */
	HAPPENS_START,     /* the server comes up again */
	HAPPENS_KINDS,
};

struct happening {
	int64_t at_ms;
	uint64_t order; /* of those at the same time, first come first */
	enum happening_kind kind;
	int device;
	uint64_t number; /* a connection; of a device the plan it belongs to: an older one is void */
	int topic;       /* enum ota_topic_kind */
	char *text;      /* malloc'ed payload, NULL = none */
};

struct network {
	struct happening *items;
	size_t count, capacity;
	uint64_t order;
	unsigned loss, twice, late; /* per mille of messages */
};

void network_open(struct network *network, struct luck *luck);
void network_close(struct network *network);
/* Takes over the text. */
void network_add(struct network *network, struct happening happening);
/* The same for a message, which the network may lose, double or hold up. */
void network_send(struct network *network, struct luck *luck, struct happening happening);
/* Of what is still to come. INT64_MAX: nothing. */
int64_t network_next_ms(const struct network *network);
/* The next one; there must be one. Its text is the caller's. */
struct happening network_take(struct network *network);

#endif
