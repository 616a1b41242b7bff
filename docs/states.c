#include "docs/states.h"

#include "plugin/rules/batch.h"
#include "plugin/rules/task.h"

static void from_print(struct ota_bytes *out, unsigned from)
{
	const char *comma = "";

	for (enum ota_task_state state = OTA_TASK_PENDING; state < OTA_TASK_STATES; state++) {
		if (!(from & (1u << state)))
			continue;
		ota_bytes_format(out, "%s%s", comma, ota_task_state_word(state));
		comma = ", ";
	}
}

static void effects_print(struct ota_bytes *out, unsigned effects)
{
	static const struct {
		unsigned effect;
		const char *text;
	} texts[] = {
		{ OTA_EFFECT_ATTEMPT, "new attempt" },     { OTA_EFFECT_PUSH, "push" },
		{ OTA_EFFECT_REPUSH, "push again" },       { OTA_EFFECT_ANSWER, "answer" },
		{ OTA_EFFECT_ANSWER_NONE, "answer nothing" }, { OTA_EFFECT_START, "upgrade timer" },
		{ OTA_EFFECT_DELIVERED, "reboot timer" },  { OTA_EFFECT_SOAK, "soak timer" },
		{ OTA_EFFECT_DRAWN, "reboot timer again" }, { OTA_EFFECT_RETRY, "retry pause" },
		{ OTA_EFFECT_BAR, "bar the device" },      { OTA_EFFECT_NOTE, "noted" },
		{ OTA_EFFECT_GO_ON, "push timer goes on" },
		{ OTA_EFFECT_ASK, "ask, answer timer" },   { OTA_EFFECT_ASK_UNABLE, "told: use revoke" },
		{ OTA_EFFECT_ASK_REFUSED, "told" },        { OTA_EFFECT_ASK_NO_ANSWER, "told" },
		{ OTA_EFFECT_RESTART, "download starts over" },
		{ OTA_EFFECT_MARK_REGRESSED, "mark regressed" },
		{ OTA_EFFECT_MARK_RECOVERED, "mark recovered" },
		{ OTA_EFFECT_MARK_INSTALLED, "mark installed_anyway" },
	};
	const char *comma = "";

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!(effects & texts[i].effect))
			continue;
		ota_bytes_format(out, "%s%s", comma, texts[i].text);
		comma = ", ";
	}
}

static void to_print(struct ota_bytes *out, const struct ota_task_rule *rule)
{
	if (rule->to == OTA_TASK_STAYS) {
		ota_bytes_text(out, "-");
		return;
	}
	ota_bytes_text(out, ota_task_state_word((enum ota_task_state)rule->to));
	if (rule->cause == OTA_CAUSE_OF_EVENT)
		ota_bytes_text(out, " (by the step)");
	else if (rule->cause)
		ota_bytes_format(out, " (%s)", ota_cause_word((enum ota_cause)rule->cause));
}

static void tasks_print(struct ota_bytes *out)
{
	size_t count;
	const struct ota_task_rule *rules = ota_task_rules(&count);

	ota_bytes_text(out, "| event | from | when | to | effects | why |\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < count; i++) {
		bool same_event = i && rules[i].event == rules[i - 1].event;

		ota_bytes_format(out, "| %s | ", same_event ? "" : ota_task_event_word(rules[i].event));
		from_print(out, rules[i].from);
		ota_bytes_format(out, " | %s | ", ota_task_guard_word(rules[i].guard));
		to_print(out, &rules[i]);
		ota_bytes_text(out, " | ");
		effects_print(out, rules[i].effects);
		ota_bytes_format(out, " | %s |\n", rules[i].why);
	}
}

static void batches_print(struct ota_bytes *out)
{
	size_t count;
	const struct ota_batch_rule *rules = ota_batch_rules(&count);

	ota_bytes_text(out, "| from | event | to | |\n|---|---|---|---|\n");
	for (size_t i = 0; i < count; i++)
		ota_bytes_format(out, "| %s | %s | %s | %s |\n", ota_batch_state_word(rules[i].from),
				 ota_batch_event_word(rules[i].event),
				 rules[i].allowed ? ota_batch_state_word(rules[i].to) : "refused", rules[i].text);
}

void ota_states_print(struct ota_bytes *out)
{
	ota_bytes_text(
		out,
		"# States\n\nPrinted from the tables of `plugin/rules` by `make docs`; a test fails when they differ.\n\n"
		"## Tasks\n\n"
		"```mermaid\nstateDiagram-v2\n    [*] --> pending\n    pending --> pushed: released\n"
		"    pushed --> upgrading: progress\n"
		"    upgrading --> succeeded: inform(target)\n    pushed --> succeeded: inform(target)\n"
		"    pushed --> pending: retry\n"
		"    upgrading --> pending: retry\n    pushed --> failed\n    upgrading --> failed\n"
		"    pending --> canceled: withdraw, end\n"
		"    pushed --> canceled: revoke\n    upgrading --> canceled: revoke\n```\n\n"
		"Within one event and state the first row whose condition holds decides. `-` means the state stays.\n"
		"Final states never change; later truth is a mark.\n\n");
	tasks_print(out);
	ota_bytes_text(out, "\n## Batches\n\n");
	batches_print(out);
}
