/* Planted: two threads count in one plain variable. */
#include <pthread.h>
#include <stddef.h>

static int counter;

static void *count(void *unused)
{
	for (int i = 0; i < 1000; i++)
		counter++;
	return unused;
}

int main(void)
{
	pthread_t other;
	if (pthread_create(&other, NULL, count, NULL) != 0)
		return 0;
	count(NULL);
	pthread_join(other, NULL);
	return 0;
}
