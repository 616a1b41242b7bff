#include "plugin/broker/sessions.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

struct session {
	struct ota_identity identity;
	UT_hash_handle hh; /* in the order of the logins, the oldest first */
	char client_id[];
};

struct ota_sessions {
	struct session *sessions;
	size_t capacity;
};

struct ota_sessions *ota_sessions_new(size_t capacity)
{
	struct ota_sessions *sessions = calloc(1, sizeof(*sessions));
	if (sessions)
		sessions->capacity = capacity;
	return sessions;
}

static struct session *session_find(const struct ota_sessions *sessions, const char *client_id)
{
	struct session *session = NULL;
	HASH_FIND(hh, sessions->sessions, client_id, strlen(client_id), session);
	return session;
}

static void session_delete(struct ota_sessions *sessions, struct session *session)
{
	HASH_DEL(sessions->sessions, session);
	free(session);
}

void ota_sessions_clear(struct ota_sessions *sessions)
{
	struct session *session, *next;
	HASH_ITER(hh, sessions->sessions, session, next)
		session_delete(sessions, session);
}

struct ota_sessions *ota_sessions_free(struct ota_sessions *sessions)
{
	if (!sessions)
		return NULL;
	ota_sessions_clear(sessions);
	free(sessions);
	return NULL;
}

void ota_sessions_forget(struct ota_sessions *sessions, const char *client_id)
{
	struct session *session = session_find(sessions, client_id);
	if (session)
		session_delete(sessions, session);
}

void ota_sessions_keep(struct ota_sessions *sessions, const char *client_id, const struct ota_identity *identity)
{
	size_t size = strlen(client_id);
	ota_sessions_forget(sessions, client_id); /* it goes to the end of the order */
	struct session *session = calloc(1, sizeof(*session) + size + 1);
	if (!session)
		return;
	session->identity = *identity;
	memcpy(session->client_id, client_id, size);
	HASH_ADD_KEYPTR(hh, sessions->sessions, session->client_id, size, session);
	if (HASH_COUNT(sessions->sessions) > sessions->capacity)
		session_delete(sessions, sessions->sessions);
}

const struct ota_identity *ota_sessions_owner(const struct ota_sessions *sessions, const char *client_id)
{
	const struct session *session = session_find(sessions, client_id);
	return session ? &session->identity : NULL;
}
