/* index_priv.h - the parts of an index, for index*.c. */
#pragma once
#include "store/index.h"

#include <pthread.h>
#include <stdatomic.h>

/* One segment's index: in memory or in a file. Parts are shared and counted, so that a reader can
 * finish with the one that was just replaced. */
struct index_part {
    _Atomic uint32_t refs;
    uint32_t segment;
    uint64_t first_position;
    struct index_memory *memory; /* either this, */
    struct index_file *file;     /* or this */
    uint32_t file_records;
    bool keep_in_memory; /* it cannot be a file: damaged, or writing it failed. Under the lock. */
};

struct index {
    struct index_options options;
    pthread_mutex_t lock; /* for what follows; held for a few instructions */
    struct index_part **parts;
    uint32_t count;
    uint32_t capacity;
    bool stopping;
    bool has_thread;
    pthread_cond_t sealed; /* a part waits for its file, or stopping */
    pthread_t thread;
    pthread_mutex_t repair_lock; /* one repair at a time; taken before `lock` */
};

struct index_part *index_acquire(struct index *index, uint32_t number);
void index_release(struct index_part *part); /* NULL-safe. */
uint32_t index_part_records(const struct index_part *part);
struct index_part *index_part_create(uint32_t segment, uint64_t first_position);
struct ever_err index_push(struct index *index, struct index_part *part); /* takes it when OK */
void index_replace(struct index *index, uint32_t number, struct index_part *part); /* takes it */

/* index_build.c */
struct ever_err index_build(struct index *index, const struct log_segment *segment,
                            struct index_part **out_part);
struct ever_err index_load(struct index *index, const struct log_segment *segment,
                           struct index_part **out_part);
/* Makes part `number` again from the log, unless it is no longer `damaged`. */
struct ever_err index_repair(struct index *index, uint32_t number,
                             const struct index_part *damaged);
void index_write_sealed(struct index *index); /* writes all files that are missing */
void index_start_thread(struct index *index); /* with the lock held */
