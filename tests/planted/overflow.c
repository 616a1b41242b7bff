/* Planted: one byte read behind the end of a heap block. */
#include <stdlib.h>

int main(void)
{
	volatile size_t behind = 16;
	char *block = calloc(16, 1);
	volatile int byte = block ? block[behind] : 0; /* volatile: else nobody needs the read, and the compiler drops it */
	free(block);
	return byte & 0;
}
