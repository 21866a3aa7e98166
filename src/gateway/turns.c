#include "gateway/turns.h"

#include "base/assert.h"

/* As many slices as there were pieces of work: those that ask again wait for the next turn. */
static void run_all(uv_idle_t *idle)
{
    struct turns *turns = idle->data;
    size_t count = 0;
    for (struct turn *turn = turns->first; turn != NULL; turn = turn->next) {
        count++;
    }
    for (; count > 0 && turns->first != NULL; count--) {
        struct turn *turn = turns->first;
        turns_remove(turns, turn);
        turns->run_count++;
        turn->run(turn);
    }
    if (turns->first == NULL) {
        uv_idle_stop(idle);
    }
}

void turns_init(struct turns *turns, uv_loop_t *loop)
{
    turns->first = NULL;
    turns->last = &turns->first;
    turns->run_count = 0;
    ASSERT(uv_idle_init(loop, &turns->idle) == 0);
    turns->idle.data = turns;
}

void turns_close(struct turns *turns, uv_close_cb closed)
{
    ASSERT(turns->first == NULL);
    uv_close((uv_handle_t *)&turns->idle, closed);
}

void turns_add(struct turns *turns, struct turn *turn)
{
    if (turn->waiting) {
        return;
    }
    turn->waiting = true;
    turn->next = NULL;
    *turns->last = turn;
    turns->last = &turn->next;
    uv_idle_start(&turns->idle, run_all);
}

void turns_remove(struct turns *turns, struct turn *turn)
{
    if (!turn->waiting) {
        return;
    }
    struct turn **at = &turns->first;
    while (*at != turn) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = turn->next;
    if (turns->last == &turn->next) {
        turns->last = at;
    }
    turn->waiting = false;
}
