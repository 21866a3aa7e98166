#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/script/pool_priv.h"

#include <stdlib.h>

#define WATCH_MS 25u

/* --- Turns ----------------------------------------------------------------------------------- */

static void on_watch(uv_timer_t *timer)
{
    struct script_pool *pool = timer->data;
    bool any_busy = false;
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        script_slot_watch(&pool->slots[i], (int64_t)uv_hrtime());
        any_busy |= script_slot_is_busy(&pool->slots[i]);
    }
    if (!any_busy) {
        uv_timer_stop(timer);
    }
}

static void on_turn(uv_prepare_t *prepare)
{
    struct script_pool *pool = prepare->data;
    bool any_busy = false;
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        script_slot_turn(&pool->slots[i]);
        any_busy |= script_slot_is_busy(&pool->slots[i]);
    }
    if (any_busy && !uv_is_active((uv_handle_t *)&pool->watcher) && !pool->closing) {
        uv_timer_start(&pool->watcher, on_watch, WATCH_MS, WATCH_MS);
    }
}

void script_pool_send(struct script_pool *pool, struct script_request *request)
{
    struct slot *slot = &pool->slots[request->key % pool->options.worker_count];
    script_slot_push(slot, request);
}

/* --- Open and close -------------------------------------------------------------------------- */

void script_pool_open(uv_loop_t *loop, const struct script_pool_options *options,
                      script_loaded_fn *loaded, void *arg, struct script_pool **out_pool)
{
    ASSERT(options->worker_count > 0);
    struct script_pool *pool =
        mem_alloc_zero(sizeof *pool + options->worker_count * sizeof pool->slots[0]);
    pool->loop = loop;
    pool->options = *options;
    pool->loaded = loaded;
    pool->loaded_arg = arg;
    pool->turn.data = pool;
    pool->watcher.data = pool;
    uv_prepare_init(loop, &pool->turn);
    uv_prepare_start(&pool->turn, on_turn);
    uv_timer_init(loop, &pool->watcher);
    for (uint32_t i = 0; i < options->worker_count; i++) {
        struct slot *slot = &pool->slots[i];
        slot->pool = pool;
        slot->restart.data = slot;
        uv_timer_init(loop, &slot->restart);
        script_slot_restart(slot);
    }
    *out_pool = pool;
}

static void forget_handle(struct script_pool *pool)
{
    if (--pool->open_handles == 0) {
        void (*closed)(void *arg) = pool->closed;
        void *arg = pool->closed_arg;
        free(pool);
        closed(arg);
    }
}

static void on_pool_handle_closed(uv_handle_t *handle)
{
    forget_handle(handle->data);
}

static void on_slot_handle_closed(uv_handle_t *handle)
{
    struct slot *slot = handle->data;
    forget_handle(slot->pool);
}

/* Goes on until the last process has gone. */
void script_pool_slot_is_over(struct script_pool *pool)
{
    bool any_process = false;
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        script_slot_turn(&pool->slots[i]);
        any_process |= pool->slots[i].process != NULL;
    }
    if (any_process || pool->open_handles > 0) {
        return;
    }
    pool->open_handles = pool->options.worker_count + 2;
    uv_close((uv_handle_t *)&pool->turn, on_pool_handle_closed);
    uv_close((uv_handle_t *)&pool->watcher, on_pool_handle_closed);
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        uv_close((uv_handle_t *)&pool->slots[i].restart, on_slot_handle_closed);
    }
}

static void on_close(uv_timer_t *timer)
{
    script_pool_slot_is_over(timer->data);
}

void script_pool_close(struct script_pool *pool, void (*closed)(void *arg), void *arg)
{
    ASSERT(!pool->closing);
    pool->closing = true;
    pool->closed = closed;
    pool->closed_arg = arg;
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        if (pool->slots[i].process != NULL) {
            script_process_kill(pool->slots[i].process);
        }
    }
    uv_timer_start(&pool->watcher, on_close, 0, 0); /* from the loop, not from inside this call */
}

/* --- Statistics ------------------------------------------------------------------------------ */

void script_pool_stats(const struct script_pool *pool, struct script_pool_stats *out_stats)
{
    *out_stats = (struct script_pool_stats){.replaced = pool->replaced};
    for (uint32_t i = 0; i < pool->options.worker_count; i++) {
        out_stats->ready += pool->slots[i].state == SLOT_READY;
    }
}

int script_pool_pid(const struct script_pool *pool, uint32_t index)
{
    ASSERT(index < pool->options.worker_count);
    const struct script_process *process = pool->slots[index].process;
    return process == NULL ? 0 : script_process_pid(process);
}
