#include "base/mailbox.h"

#include "base/assert.h"

void mailbox_init(struct mailbox *box, void (*wake)(void *arg), void *arg)
{
    *box = (struct mailbox){.wake = wake, .arg = arg};
    ASSERT(pthread_mutex_init(&box->lock, NULL) == 0);
}

void mailbox_deinit(struct mailbox *box)
{
    ASSERT(box->first == NULL);
    pthread_mutex_destroy(&box->lock);
}

void mailbox_send(struct mailbox *box, struct mail *mail)
{
    mail->next = NULL;
    pthread_mutex_lock(&box->lock);
    bool was_empty = box->first == NULL;
    if (was_empty) {
        box->first = mail;
    } else {
        box->last->next = mail;
    }
    box->last = mail;
    if (was_empty) {
        box->wake(box->arg); /* before unlocking: behind it the box may be gone with its mail */
    }
    pthread_mutex_unlock(&box->lock);
}

struct mail *mailbox_take_all(struct mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    struct mail *first = box->first;
    box->first = NULL;
    box->last = NULL;
    pthread_mutex_unlock(&box->lock);
    return first;
}
