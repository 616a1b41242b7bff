#include "plugin/broker/compat.h"

#include <dlfcn.h>
#include <string.h>

/* ISO C knows no cast from an object pointer to a function pointer; POSIX promises that they look alike. */
static void symbol_find(const char *name, void *target, size_t size)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);
	memcpy(target, &symbol, size);
}

void ota_compat_find(struct ota_compat *compat)
{
	*compat = (struct ota_compat){.reload_answer = MOSQ_ERR_PLUGIN_DEFER};
	symbol_find("mosquitto_client", &compat->client_find, sizeof(compat->client_find));
	symbol_find("mosquitto_property_add_int32", &compat->property_add_int32, sizeof(compat->property_add_int32));
	symbol_find("mosquitto_property_free_all", &compat->property_free_all, sizeof(compat->property_free_all));
	if (!compat->property_add_int32 || !compat->property_free_all) {
		compat->property_add_int32 = NULL;
		compat->property_free_all = NULL;
	}
}

/* In every 2.0.x the identifier is one pointer: to its listener, or NULL for the whole broker. No call tells it, and 2.0.11 would
 * leave us without a clock. */
bool ota_compat_is_per_listener(const struct ota_compat *compat, const mosquitto_plugin_id_t *identifier)
{
	const void *listener;
	if (compat->tells_connect)
		return false;
	memcpy(&listener, identifier, sizeof(listener));
	return listener != NULL;
}
