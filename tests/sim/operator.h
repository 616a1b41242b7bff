/* Operator: makes batches, and changes his mind at the worst moments. */
#ifndef OTA_TESTS_SIM_OPERATOR_H
#define OTA_TESTS_SIM_OPERATOR_H

#include <stdint.h>

struct world;

struct operator {
	int packages; /* made so far */
	int orders;
	int64_t away_until_ms; /* nobody orders what cannot be heard */
};

void operator_open(struct world *world);
/* Gives the next order and plans the one after it. */
void operator_act(struct world *world);

#endif
