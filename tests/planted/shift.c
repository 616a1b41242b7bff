/* Planted: a shift by the width of its type. */
int main(void)
{
	volatile int width = 32;
	return (1 << width) & 0;
}
