#include "plugin/broker/plight.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/store/store.h"

struct ota_plight {
	pthread_mutex_t mutex;
	char text[OTA_ERROR_TEXT_MAX]; /* "" = all is well */
};

struct ota_plight *ota_plight_new(void)
{
	struct ota_plight *plight = calloc(1, sizeof(*plight));
	if (plight)
		pthread_mutex_init(&plight->mutex, NULL);
	return plight;
}

struct ota_plight *ota_plight_free(struct ota_plight *plight)
{
	if (plight)
		pthread_mutex_destroy(&plight->mutex);
	free(plight);
	return NULL;
}

void ota_plight_tell(struct ota_plight *plight, const struct ota_error *cause)
{
	pthread_mutex_lock(&plight->mutex);
	snprintf(plight->text, sizeof(plight->text), "%.240s: %s; devices' reports are kept meanwhile", cause->text,
		 ota_store_advice(cause->code));
	pthread_mutex_unlock(&plight->mutex);
}

void ota_plight_end(struct ota_plight *plight)
{
	pthread_mutex_lock(&plight->mutex);
	plight->text[0] = '\0';
	pthread_mutex_unlock(&plight->mutex);
}

bool ota_plight_read(struct ota_plight *plight, char target[OTA_ERROR_TEXT_MAX])
{
	pthread_mutex_lock(&plight->mutex);
	memcpy(target, plight->text, sizeof(plight->text));
	pthread_mutex_unlock(&plight->mutex);
	return target[0] != '\0';
}
