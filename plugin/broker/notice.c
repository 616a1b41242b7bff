#include "plugin/broker/notice.h"

#include "common/limits.h"

static const struct ota_pace_rate line_rate = {.count = 5, .period_ms = OTA_SECOND_MS, .burst = 50};

struct notice {
	struct ota_log_line line;
	uint64_t held_back; /* lines since the last one */
};

static struct ota_quota *quota_of_client(struct ota_server *server, const struct mosquitto *client)
{
	struct ota_identity identity;
	const char *username = mosquitto_client_username(client);
	if (!username || !ota_identity_parse(ota_span_from_text(username), &identity))
		return NULL;
	return ota_quotas_look(server->quotas, &identity);
}

/* First the device's own share (NULL: it has none), so that one that floods leaves room for lines about others, then the share of
 * all. Asked before a line is put together: a flood is to cost a look and no more. */
static bool notice_begin(struct notice *notice, struct ota_quota *own, struct ota_pace *all, enum ota_log_level level,
			 const char *event)
{
	int64_t now_ms = ota_boot_ms();
	uint64_t held_back = all->refused + (own ? own->paces[OTA_QUOTA_LINE].refused : 0);
	bool own_allows = !own || ota_quota_has(own, OTA_QUOTA_LINE, now_ms);
	if (own_allows && !ota_pace_take(all, line_rate, now_ms))
		return false; /* the device keeps its share for when there is room */
	if (own && !ota_quota_take(own, OTA_QUOTA_LINE, now_ms))
		return false;
	ota_pace_take_refused(all);
	if (own)
		ota_pace_take_refused(&own->paces[OTA_QUOTA_LINE]);
	notice->held_back = held_back;
	ota_log_begin(&notice->line, level, event);
	return true;
}

static void notice_end(struct notice *notice, const struct ota_log *log)
{
	if (notice->held_back > 0)
		ota_log_integer(&notice->line, "more_like_it", (int64_t)notice->held_back);
	ota_log_end(log, &notice->line);
}

/* What a stranger may write at length stands last: a line that is cut still tells where it came from. */
static void client_tell(struct ota_log_line *line, const struct mosquitto *client)
{
	ota_log_text(line, "address", mosquitto_client_address(client));
	ota_log_text(line, "username", mosquitto_client_username(client));
	ota_log_text(line, "client_id", mosquitto_client_id(client));
}

void ota_notice_login_refused(struct ota_server *server, const struct mosquitto *client, const char *why)
{
	struct notice notice;
	if (!notice_begin(&notice, quota_of_client(server, client), &server->logins, OTA_LOG_WARNING, "login_refused"))
		return;
	ota_log_text(&notice.line, "why", why);
	client_tell(&notice.line, client);
	notice_end(&notice, &server->log);
}

void ota_notice_theft(struct ota_server *server, const struct ota_peer_view *thief, const struct ota_identity *owner)
{
	struct notice notice;
	char username[OTA_USERNAME_SIZE];
	struct ota_quota *quota = ota_quotas_look(server->quotas, &thief->identity);
	if (!notice_begin(&notice, quota, &server->logins, OTA_LOG_WARNING, "login_refused"))
		return;
	ota_log_text(&notice.line, "why", "client_id_taken");
	ota_identity_print(username, owner);
	ota_log_text(&notice.line, "session_of", username);
	ota_identity_print(username, &thief->identity);
	ota_log_text(&notice.line, "username", username);
	ota_log_text(&notice.line, "client_id", thief->client_id);
	notice_end(&notice, &server->log);
}

void ota_notice_keyring(struct ota_server *server, const struct ota_identity *identity, const struct ota_error *error)
{
	struct notice notice;
	if (!notice_begin(&notice, NULL, &server->refusals, OTA_LOG_ERROR, "secret_unreadable"))
		return;
	ota_log_text(&notice.line, "productKey", identity->product_key);
	ota_log_text(&notice.line, "deviceName", identity->device_name);
	ota_log_text(&notice.line, "error", error->text);
	notice_end(&notice, &server->log);
}

void ota_notice_refused(struct ota_server *server, const struct mosquitto *client, const char *event, const char *topic,
			const char *why)
{
	struct notice notice;
	if (!notice_begin(&notice, quota_of_client(server, client), &server->refusals, OTA_LOG_WARNING, event))
		return;
	ota_log_text(&notice.line, "why", why);
	client_tell(&notice.line, client);
	ota_log_text(&notice.line, "topic", topic);
	notice_end(&notice, &server->log);
}

void ota_notice_dropped(struct ota_server *server, const struct mosquitto_evt_message *message, const char *why)
{
	struct notice notice;
	const char *event = message->qos > 0 ? "report_put_off" : "report_dropped";
	if (!notice_begin(&notice, quota_of_client(server, message->client), &server->drops, OTA_LOG_ERROR, event))
		return;
	ota_log_text(&notice.line, "why", why);
	ota_log_text(&notice.line, "topic", message->topic);
	ota_log_integer(&notice.line, "total", (int64_t)server->dropped_reports);
	notice_end(&notice, &server->log);
}

void ota_notice_floods(const struct ota_server *server, const struct mosquitto *client)
{
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_ERROR, "device_floods");
	ota_log_text(&line, "meaning", "it was cut off: it went on sending what it was refused");
	ota_log_integer(&line, "shut_out_seconds", OTA_DEVICE_SHUT_MS / OTA_SECOND_MS);
	client_tell(&line, client);
	ota_log_end(&server->log, &line);
}
