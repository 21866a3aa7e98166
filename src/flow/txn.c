/* txn.c - one emission for one root event.
 *
 *          source            While an event is handed to more than one observer, nodes that combine
 *          /    \            inputs only note what arrived. When the last observer has it, they
 *         a      b           emit, lowest level first; level = 1 + the highest level upstream, so
 *          \    /            every input of a node has emitted before the node does.
 *         combine
 *
 * Outside of such a delivery nothing can arrive twice, and they emit at once. */
#include "core.h"

/* Kept sorted; most graphs have one or two waiting. */
static void txn_insert(struct txn *txn)
{
    struct txn **place = &txn->node.loop->pending;
    while (*place != NULL && (*place)->level <= txn->level) {
        place = &(*place)->pending_after;
    }
    txn->pending_after = *place;
    *place = txn;
    txn->pending = true;
}

void txn_forget(struct txn *txn)
{
    if (!txn->pending) {
        return;
    }
    struct txn **place = &txn->node.loop->pending;
    while (*place != txn) {
        FLOW_ASSERT(*place != NULL);
        place = &(*place)->pending_after;
    }
    *place = txn->pending_after;
    txn->pending = false;
}

void txn_wait(struct txn *txn)
{
    struct flow_loop *loop = txn->node.loop;
    if (LIKELY(loop->pending == NULL)) {
        txn->pending_after = NULL;
        loop->pending = txn;
        txn->pending = true;
    } else {
        txn_insert(txn);
    }
}

void txn_commit_all(struct flow_loop *loop)
{
    loop->fanout++; /* what these emit may reach higher levels by several ways, too */
    while (loop->pending != NULL) {
        struct txn *txn = loop->pending;
        loop->pending = txn->pending_after;
        txn->pending = false;
        txn->node.ops->commit(&txn->node);
    }
    loop->fanout--;
}

static uint32_t txn_raise_one(struct txn *txn, uint32_t level)
{
    if (txn->level <= level) {
        bool pending = txn->pending;
        txn_forget(txn);
        txn->level = level + 1;
        if (pending) {
            txn_insert(txn);
        }
    }
    return txn->level;
}

/* Those who subscribe later are raised when they do; see multicast_add(). */
static void txn_raise_observers(struct multicast *cast, uint32_t level)
{
    if (cast == NULL || cast->stream.level >= level) {
        return;
    }
    cast->stream.level = level;
    for (uint32_t i = 0; i < cast->count; i++) {
        if (cast->slots[i].target != NULL) {
            txn_raise(cast->slots[i].target, level);
        }
    }
}

void txn_raise(struct node *node, uint32_t level)
{
    for (; node != NULL; node = node->down) {
        if (node->ops->commit != NULL) {
            level = txn_raise_one((struct txn *)node, level);
        } else if (node->parent != NULL && node->parent->ops->commit != NULL) {
            /* an input, which talks past its hub */
            level = txn_raise_one((struct txn *)node->parent, level);
        } else if (node->ops->spreads) {
            txn_raise_observers(((const struct spreader *)node)->cast, level);
        }
    }
}
