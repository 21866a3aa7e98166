#include "store/revisions.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdlib.h>

#define GENERATION_BYTES (16u << 20)
#define FIRST_BYTES (64u << 10) /* doubled until it is that */
#define HEADS (1u << 18)

struct entry {
    uint32_t next; /* of the chain */
    uint32_t hash; /* upper half */
    uint32_t revision_low;
    uint32_t revision_high;
    uint32_t name_size;
    char name[];
};

static struct entry *entry_at(const struct revisions_generation *generation, uint32_t reference)
{
    return (struct entry *)(generation->memory + (size_t)reference * 4);
}

static void generation_clear(struct revisions_generation *generation)
{
    if (generation->heads != NULL) {
        memset(generation->heads, 0, HEADS * sizeof(uint32_t));
    }
    generation->used = 4; /* reference 0 means none */
}

/* Room for one more entry; a small store pays for what it uses. False: no memory. */
static bool generation_reserve(struct revisions_generation *generation, size_t bytes)
{
    if (generation->heads == NULL) {
        generation->heads = calloc(HEADS, sizeof(uint32_t));
    }
    if (generation->heads == NULL) {
        return false;
    }
    if (generation->used + bytes <= generation->capacity) {
        return true;
    }
    ASSERT(generation->capacity < GENERATION_BYTES);
    uint32_t capacity = generation->capacity == 0 ? FIRST_BYTES : 2 * generation->capacity;
    char *memory = realloc(generation->memory, capacity);
    if (memory == NULL) {
        return false;
    }
    generation->memory = memory;
    generation->capacity = capacity;
    return true;
}

static void generation_deinit(struct revisions_generation *generation)
{
    free(generation->heads);
    free(generation->memory);
}

static struct entry *generation_find(const struct revisions_generation *generation,
                                     struct ever_slice stream, uint64_t hash)
{
    if (generation->memory == NULL) {
        return NULL;
    }
    uint32_t reference = generation->heads[hash % HEADS];
    while (reference != 0) {
        struct entry *entry = entry_at(generation, reference);
        if (entry->hash == hash >> 32 &&
            slice_equal(slice_of(entry->name, entry->name_size), stream)) {
            return entry;
        }
        reference = entry->next;
    }
    return NULL;
}

static size_t entry_bytes(struct ever_slice stream)
{
    return (sizeof(struct entry) + stream.size + 3) / 4 * 4;
}

/* Needs room. */
static struct entry *generation_add(struct revisions_generation *generation,
                                    struct ever_slice stream, uint64_t hash)
{
    ASSERT(generation->used + entry_bytes(stream) <= generation->capacity);
    uint32_t reference = generation->used / 4;
    struct entry *entry = entry_at(generation, reference);
    entry->next = generation->heads[hash % HEADS];
    entry->hash = (uint32_t)(hash >> 32);
    entry->name_size = (uint32_t)stream.size;
    memcpy(entry->name, stream.data, stream.size);
    generation->heads[hash % HEADS] = reference;
    generation->used += (uint32_t)entry_bytes(stream);
    return entry;
}

void revisions_init(struct revisions *revisions)
{
    *revisions = (struct revisions){0};
    revisions_clear(revisions);
}

void revisions_deinit(struct revisions *revisions)
{
    generation_deinit(&revisions->young);
    generation_deinit(&revisions->old);
}

void revisions_clear(struct revisions *revisions)
{
    generation_clear(&revisions->young);
    generation_clear(&revisions->old);
}

static void make_room(struct revisions *revisions, struct ever_slice stream)
{
    if (revisions->young.used + entry_bytes(stream) > GENERATION_BYTES) {
        struct revisions_generation oldest = revisions->old;
        revisions->old = revisions->young;
        revisions->young = oldest;
        generation_clear(&revisions->young);
    }
}

void revisions_put(struct revisions *revisions, struct ever_slice stream, uint64_t hash,
                   int64_t revision)
{
    ASSERT(revision >= 0);
    struct entry *entry = generation_find(&revisions->young, stream, hash);
    if (entry == NULL) {
        make_room(revisions, stream);
        if (!generation_reserve(&revisions->young, entry_bytes(stream))) {
            return;
        }
        entry = generation_add(&revisions->young, stream, hash);
    }
    entry->revision_low = (uint32_t)revision;
    entry->revision_high = (uint32_t)((uint64_t)revision >> 32);
}

bool revisions_find(struct revisions *revisions, struct ever_slice stream, uint64_t hash,
                    int64_t *out_revision)
{
    const struct entry *entry = generation_find(&revisions->young, stream, hash);
    bool is_old = entry == NULL;
    if (is_old) {
        entry = generation_find(&revisions->old, stream, hash);
    }
    if (entry == NULL) {
        return false;
    }
    *out_revision = (int64_t)((uint64_t)entry->revision_high << 32 | entry->revision_low);
    if (is_old) {
        revisions_put(revisions, stream, hash, *out_revision);
    }
    return true;
}
