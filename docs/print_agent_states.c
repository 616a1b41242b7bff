#include <stdio.h>

#include "docs/agent_states.h"

int main(void)
{
	OTA_AUTO_BYTES struct ota_bytes out = {0};

	ota_agent_states_print(&out);
	return out.failed || fwrite(out.data, 1, out.size, stdout) != out.size;
}
