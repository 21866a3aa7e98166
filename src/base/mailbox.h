/* mailbox.h - messages from any thread to one owner thread, in order, without waiting.
 *
 * Senders bring the memory (struct mail inside their message), so sending cannot fail. `wake` is
 * called when the box was empty before; the owner then takes all there is. An owner who has taken
 * all that it waits for may destroy the box at once. */
#pragma once
#include "everfold_types.h"

#include <pthread.h>

struct mail {
    struct mail *next;
};

struct mailbox {
    pthread_mutex_t lock; /* held for a few instructions and `wake` */
    struct mail *first;
    struct mail *last;
    void (*wake)(void *arg); /* any thread; short, like uv_async_send(); must not touch the box */
    void *arg;
};

void mailbox_init(struct mailbox *box, void (*wake)(void *arg), void *arg);
void mailbox_deinit(struct mailbox *box); /* must be empty */
void mailbox_send(struct mailbox *box, struct mail *mail);
struct mail *mailbox_take_all(struct mailbox *box); /* oldest first, linked by next; NULL: none */
