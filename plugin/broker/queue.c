#include "plugin/broker/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/error.h"

static const size_t kind_limits[OTA_ITEM_KINDS] = {
	[OTA_ITEM_JOURNALED] = SIZE_MAX, /* the journal has its own cap */
	[OTA_ITEM_CONNECTED] = SIZE_MAX, /* asked before a login: ota_queue_is_crowded() */
	[OTA_ITEM_GONE]      = SIZE_MAX, /* at most one for each connection */
	[OTA_ITEM_PULL]      = OTA_QUEUE_PULLS_MAX,
	[OTA_ITEM_COMMAND]   = OTA_QUEUE_COMMANDS_MAX,
	[OTA_ITEM_FETCHED]   = SIZE_MAX, /* one for each connection and OTA_CARRIER_TELL_MS */
};

struct ota_queue {
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	struct ota_item *head, *tail;
	_Atomic size_t counts[OTA_ITEM_KINDS]; /* events */
	_Atomic bool closed;
};

struct ota_queue *ota_queue_new(void)
{
	struct ota_queue *queue = calloc(1, sizeof(*queue));
	if (!queue)
		return NULL;
	pthread_mutex_init(&queue->mutex, NULL);
	pthread_cond_init(&queue->filled, NULL);
	return queue;
}

struct ota_item *ota_item_free(struct ota_item *item)
{
	free(item);
	return NULL;
}

struct ota_queue *ota_queue_free(struct ota_queue *queue)
{
	if (!queue)
		return NULL;
	while (queue->head) {
		struct ota_item *next = queue->head->next;
		ota_item_free(queue->head);
		queue->head = next;
	}
	pthread_cond_destroy(&queue->filled);
	pthread_mutex_destroy(&queue->mutex);
	free(queue);
	return NULL;
}

static struct ota_span span_place(char **place, struct ota_span from)
{
	struct ota_span copy = {.data = *place, .size = from.size};
	if (from.size > 0)
		memcpy(*place, from.data, from.size);
	(*place)[from.size] = '\0';
	*place += from.size + 1;
	return copy;
}

/* One allocation: the item, its payload, its caller. */
static struct ota_item *item_copy(const struct ota_item *from)
{
	struct ota_item *item = malloc(sizeof(*item) + from->payload.size + from->caller.size + 2);
	if (!item)
		return NULL;
	char *place = (char *)(item + 1);
	*item = *from;
	item->next = NULL;
	item->payload = span_place(&place, from->payload);
	item->caller = span_place(&place, from->caller);
	return item;
}

static size_t item_events(const struct ota_item *item)
{
	return item->kind == OTA_ITEM_JOURNALED ? (size_t)(item->last - item->first + 1) : 1;
}

/* Reports usually come in a row: a backlog of a million is one item. */
static bool item_extends(const struct ota_item *tail, const struct ota_item *item)
{
	return tail && tail->kind == OTA_ITEM_JOURNALED && item->kind == OTA_ITEM_JOURNALED && tail->last + 1 == item->first;
}

static int queue_append(struct ota_queue *queue, const struct ota_item *item)
{
	if (item_extends(queue->tail, item)) {
		queue->tail->last = item->last;
		return 0;
	}
	struct ota_item *copy = item_copy(item);
	if (!copy)
		return OTA_ENOMEM;
	if (queue->tail)
		queue->tail->next = copy;
	else
		queue->head = copy;
	queue->tail = copy;
	return 0;
}

int ota_queue_put(struct ota_queue *queue, const struct ota_item *item)
{
	if (atomic_load(&queue->counts[item->kind]) >= kind_limits[item->kind])
		return OTA_ELIMIT;
	pthread_mutex_lock(&queue->mutex);
	int code = queue_append(queue, item);
	if (code == 0)
		atomic_fetch_add(&queue->counts[item->kind], item_events(item));
	pthread_cond_signal(&queue->filled);
	pthread_mutex_unlock(&queue->mutex);
	return code;
}

bool ota_queue_is_crowded(const struct ota_queue *queue)
{
	return atomic_load(&queue->counts[OTA_ITEM_CONNECTED]) >= OTA_QUEUE_CONNECTS_MAX;
}

void ota_queue_close(struct ota_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	atomic_store(&queue->closed, true);
	pthread_cond_signal(&queue->filled);
	pthread_mutex_unlock(&queue->mutex);
}

bool ota_queue_is_closed(const struct ota_queue *queue)
{
	return atomic_load(&queue->closed);
}

static struct timespec time_after(int64_t wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return until;
}

static void queue_wait(struct ota_queue *queue, int64_t wait_ms)
{
	struct timespec until = time_after(wait_ms);
	while (!queue->head && !atomic_load(&queue->closed))
		if (pthread_cond_clockwait(&queue->filled, &queue->mutex, CLOCK_MONOTONIC, &until) != 0)
			return;
}

void ota_queue_pause(struct ota_queue *queue, int64_t wait_ms)
{
	struct timespec until = time_after(wait_ms);
	pthread_mutex_lock(&queue->mutex);
	bool closed = atomic_load(&queue->closed);
	while (atomic_load(&queue->closed) == closed)
		if (pthread_cond_clockwait(&queue->filled, &queue->mutex, CLOCK_MONOTONIC, &until) != 0)
			break;
	pthread_mutex_unlock(&queue->mutex);
}

/* Cuts a run of sequences that is longer than `limit`: the rest becomes an item of its own, right behind. */
static int item_split(struct ota_queue *queue, struct ota_item *item, size_t limit)
{
	if (item_events(item) <= limit)
		return 0;
	struct ota_item *rest = item_copy(item);
	if (!rest)
		return OTA_ENOMEM;
	item->last = item->first + limit - 1;
	rest->first = item->last + 1;
	rest->next = item->next;
	item->next = rest;
	if (queue->tail == item)
		queue->tail = rest;
	return 0;
}

static struct ota_item *queue_detach(struct ota_queue *queue, size_t limit)
{
	struct ota_item *first = queue->head, **end = &first;
	while (*end && limit > 0 && item_split(queue, *end, limit) == 0) {
		size_t events = item_events(*end);
		atomic_fetch_sub(&queue->counts[(*end)->kind], events);
		limit -= events;
		end = &(*end)->next;
	}
	queue->head = *end;
	if (!queue->head)
		queue->tail = NULL;
	*end = NULL;
	return first;
}

struct ota_item *ota_queue_take(struct ota_queue *queue, size_t limit, int64_t wait_ms)
{
	pthread_mutex_lock(&queue->mutex);
	if (!queue->head && wait_ms > 0)
		queue_wait(queue, wait_ms);
	struct ota_item *items = queue_detach(queue, limit);
	pthread_mutex_unlock(&queue->mutex);
	return items;
}

size_t ota_queue_depth(const struct ota_queue *queue)
{
	size_t depth = 0;
	for (size_t i = 0; i < OTA_ITEM_KINDS; i++)
		depth += atomic_load(&queue->counts[i]);
	return depth;
}
