/* Planted: memory that nobody frees and nobody points to any more. */
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *volatile lost = malloc(64);
	if (!lost)
		return 0;
	memset(lost, 'x', 64);
	lost = NULL;
	return 0;
}
