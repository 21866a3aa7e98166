/* table.c - a hash table of kept keys, chained, in order of arrival. */
#include "core.h"

#include <stdlib.h>

struct table_entry *table_find(const struct table *table, flow_val key)
{
    if (table->bucket_count == 0) {
        return NULL;
    }
    uint64_t hash = value_hash(table->type, key);
    struct table_entry *entry = table->buckets[hash & (table->bucket_count - 1)];
    while (entry != NULL && (entry->hash != hash || !value_equal(table->type, entry->key, key))) {
        entry = entry->chain;
    }
    return entry;
}

static bool table_grow(struct table *table)
{
    size_t count = table->bucket_count == 0 ? 16 : table->bucket_count * 2;
    struct table_entry **buckets = calloc(count, sizeof *buckets);
    if (buckets == NULL) {
        return false;
    }
    for (struct table_entry *entry = table->first; entry != NULL; entry = entry->after) {
        struct table_entry **bucket = &buckets[entry->hash & (count - 1)];
        entry->chain = *bucket;
        *bucket = entry;
    }
    free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
    return true;
}

struct table_entry *table_add(struct table *table, flow_val key)
{
    if (table->count >= table->bucket_count && !table_grow(table)) {
        return NULL;
    }
    struct table_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    entry->key = value_keep(table->type, key);
    entry->hash = value_hash(table->type, key);
    struct table_entry **bucket = &table->buckets[entry->hash & (table->bucket_count - 1)];
    entry->chain = *bucket;
    *bucket = entry;
    entry->before = table->last;
    if (table->last == NULL) {
        table->first = entry;
    } else {
        table->last->after = entry;
    }
    table->last = entry;
    table->count++;
    return entry;
}

void table_remove(struct table *table, struct table_entry *entry, struct flow_loop *loop)
{
    struct table_entry **place = &table->buckets[entry->hash & (table->bucket_count - 1)];
    while (*place != entry) {
        place = &(*place)->chain;
    }
    *place = entry->chain;
    if (entry->before == NULL) {
        table->first = entry->after;
    } else {
        entry->before->after = entry->after;
    }
    if (entry->after == NULL) {
        table->last = entry->before;
    } else {
        entry->after->before = entry->before;
    }
    table->count--;
    value_drop(loop, table->type, entry->key);
    free(entry);
}

void table_free(struct table *table, struct flow_loop *loop)
{
    while (table->first != NULL) {
        table_remove(table, table->first, loop);
    }
    free(table->buckets);
    table->buckets = NULL;
    table->bucket_count = 0;
}
