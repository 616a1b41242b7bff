#include "tests/unit/plugin/broker/loaded.h"

#include "tests/unit/plugin/broker/fake_mosquitto.h"
#include "tests/unit/plugin/broker/fakes.h"
#include "tests/unit/support/scratch.h"

void *identifier[1];
void *plugin;
char directory[SCRATCH_SIZE];

void loaded_reset(void)
{
	fakes_reset();
	fake_reset();
	scratch_make(directory);
	identifier[0] = NULL;
}

int load(const char *others)
{
	struct mosquitto_opt options[] = {
		OPTION("ota_store_dir", directory),
		OPTION("ota_package_dir", directory),
		OPTION("ota_journal_dir", directory),
		OPTION("ota_gateway_url", "http://127.0.0.1"),
		OPTION("ota_device_auth", "none"),
		OPTION("ota_journal_limit", "32M"),
		OPTION("ota_others", others),
	};
	return mosquitto_plugin_init((mosquitto_plugin_id_t *)identifier, &plugin, options, sizeof(options) / sizeof(options[0]));
}

void unload(void)
{
	mosquitto_plugin_cleanup(plugin, NULL, 0);
	plugin = NULL;
}

void loaded_end(void)
{
	fakes_go_on();
	if (plugin)
		unload();
	scratch_remove(directory);
}
