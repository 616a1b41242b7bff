/*
 * Loaded: the plugin as the broker loads it, in this process, over the fakes of everything around it.
 *
 * One process-wide state, as the plugin's own entry has it.
 */
#ifndef OTA_TESTS_LOADED_H
#define OTA_TESTS_LOADED_H

#include <stdint.h>

extern void *identifier[1]; /* in every 2.0.x a pointer to its listener */
extern void *plugin;        /* NULL while none is loaded */
extern char directory[];    /* of its store, packages and journal */

#define OPTION(name, value) {(char *)(uintptr_t)(name), (char *)(uintptr_t)(value)}

/* Fakes forgotten, directories fresh; before a test's first load(). */
void loaded_reset(void);
/* What mosquitto_plugin_init answers, with this for ota_others. */
int load(const char *others);
void unload(void);
/* After a test, whatever became of it. */
void loaded_end(void);

#endif
