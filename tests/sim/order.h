/* Order: what an operator tells the server to do, and what the checks hold the server to once it has answered. */
#ifndef OTA_TESTS_SIM_ORDER_H
#define OTA_TESTS_SIM_ORDER_H

#include "common/bytes.h"
#include "tests/sim/plan.h"

enum order_kind {
	ORDER_REGISTER,
	ORDER_PACKAGE,
	ORDER_CREATE,
	ORDER_PAUSE,
	ORDER_RESUME,
	ORDER_CANCEL,
	ORDER_YANK,
	ORDER_DISABLE,
	ORDER_ENABLE,
	ORDER_UNBAR,
	ORDER_ADVANCE,
	ORDER_SET,
	ORDER_CONFIRM,
	ORDER_KINDS,
};

struct order {
	enum order_kind kind;
	int64_t batch;
	int device;
	char module[8], version[16];
	const char *batch_kind, *level, *conflict;
	char targets[256];
	struct plan plan;
	int64_t value; /* of SET: the new rate or places */
	bool is_dry;   /* only tried */
};

/* As a command without its token. */
void order_print(const struct order *order, int64_t now_ms, struct ota_bytes *out);
const char *order_word(enum order_kind kind);

#endif
