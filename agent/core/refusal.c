#include "agent/core/refusal.h"

#include <string.h>

#include "common/text.h"

static const char *offer_digest(const struct ota_offer *offer)
{
	return offer->sha256[0] ? offer->sha256 : offer->md5;
}

static bool refusal_is_of(const struct agent_refusal *refusal, const struct ota_offer *offer)
{
	return !strcmp(refusal->module, offer->module) && !strcmp(refusal->digest, offer_digest(offer));
}

static void refusals_remove(struct agent_refusals *refusals, size_t index)
{
	struct agent_refusal *at = &refusals->list[index];

	refusals->count--;
	memmove(at, at + 1, (refusals->count - index) * sizeof(*at));
	refusals->list[refusals->count] = (struct agent_refusal){0};
}

void agent_refusals_add(struct agent_refusals *refusals, const struct ota_offer *offer, int step, const char *desc)
{
	struct agent_refusal *refusal;

	for (size_t i = refusals->count; i > 0; i--)
		if (refusal_is_of(&refusals->list[i - 1], offer))
			refusals_remove(refusals, i - 1);
	if (refusals->count == AGENT_REFUSALS_MAX)
		refusals_remove(refusals, 0);
	refusal = &refusals->list[refusals->count++];
	*refusal = (struct agent_refusal){.batch = offer->batch, .attempt = offer->attempt, .step = step};
	ota_text_cut(refusal->module, sizeof(refusal->module), offer->module);
	ota_text_cut(refusal->version, sizeof(refusal->version), offer->version);
	ota_text_cut(refusal->digest, sizeof(refusal->digest), offer_digest(offer));
	ota_text_cut(refusal->desc, sizeof(refusal->desc), desc);
}

const struct agent_refusal *agent_refusals_find(const struct agent_refusals *refusals, const struct ota_offer *offer)
{
	for (size_t i = 0; i < refusals->count; i++) {
		const struct agent_refusal *refusal = &refusals->list[i];
		bool is_asked_for = offer->batch > 0 && offer->batch == refusal->batch && offer->attempt > refusal->attempt;

		if (refusal_is_of(refusal, offer) && !is_asked_for)
			return refusal;
	}
	return NULL;
}

void agent_refusals_forget(struct agent_refusals *refusals, const char *module)
{
	for (size_t i = refusals->count; i > 0; i--)
		if (!module || !strcmp(refusals->list[i - 1].module, module))
			refusals_remove(refusals, i - 1);
}
