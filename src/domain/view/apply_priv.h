/* apply_priv.h - the log into one version of a view: many events in one transaction, together with
 * the checkpoint. */
#pragma once
#include "domain/view/version_priv.h"

#define VIEW_BATCH_EVENTS_MAX 1000
#define VIEW_BATCH_TIME_MS 50 /* so that what is applied can be seen soon */
/* Looked at to find them: queries wait for the batch. */
#define VIEW_BATCH_LOOKS_MAX 50000
#define VIEW_BATCH_LOOK_BYTES_MAX (16u << 20)

/* A checkpoint alone is written when it is this far behind; a crash costs no more than that. */
#define VIEW_CHECKPOINT_STRIDE 100000

/* Further behind than this, a view is not live. */
#define VIEW_LIVE_LAG_MAX 10000

enum view_step {
    VIEW_STEP_MORE,    /* call again */
    VIEW_STEP_IDLE,    /* caught up, or stopped: nothing to do until the log grows */
    VIEW_STEP_RETRY,   /* a disk is full or fails: call again later; version->failure says what */
    VIEW_STEP_DAMAGED, /* the database was found damaged: it is built again */
    VIEW_STEP_CLOSED,  /* the store or the view is being closed */
};

enum view_step view_apply_batch(struct view_version *version, struct ever *store);

/* Writes the checkpoint that was reached without a write. For the end: nothing is published. */
struct ever_err view_apply_save(struct view_version *version);
