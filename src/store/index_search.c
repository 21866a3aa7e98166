/* index_search.c - look-ups. Each looks at one part at a time; where a part's file turns out to be
 * damaged, the part is made again and the look-up repeated. */
#include "store/index_priv.h"

#include "base/assert.h"
#include "base/slice.h"

typedef struct ever_err part_fn(struct index_part *part, void *arg);

static struct ever_err with_part(struct index *index, uint32_t number, part_fn *look, void *arg)
{
    struct index_part *part = index_acquire(index, number);
    struct ever_err err = look(part, arg);
    for (int i = 0; i < 2 && err.code == EVER_CORRUPT; i++) {
        err = index_repair(index, number, part);
        index_release(part);
        part = index_acquire(index, number);
        err = IS_OK(err) ? look(part, arg) : err;
    }
    index_release(part);
    return err;
}

/* The part that holds the position: the last one that does not begin behind it. */
static uint32_t part_of(struct index *index, uint64_t position)
{
    pthread_mutex_lock(&index->lock);
    ASSERT(index->count > 0);
    uint32_t low = 0;
    for (uint32_t high = index->count; high - low > 1;) {
        uint32_t middle = low + (high - low) / 2;
        if (index->parts[middle]->first_position <= position) {
            low = middle;
        } else {
            high = middle;
        }
    }
    pthread_mutex_unlock(&index->lock);
    return low;
}

static uint64_t first_position(struct index *index, uint32_t part)
{
    pthread_mutex_lock(&index->lock);
    ASSERT(part < index->count);
    uint64_t position = index->parts[part]->first_position;
    pthread_mutex_unlock(&index->lock);
    return position;
}

/* --- One part -------------------------------------------------------------------------------- */

struct part_list { /* the records of one part with one term */
    const struct numbers *numbers;
    struct index_file_list file_list;
    uint32_t count;
};

static struct ever_err find_list(struct index_part *part, uint64_t term, struct part_list *out_list)
{
    *out_list = (struct part_list){0};
    if (part->file != NULL) {
        TRY(index_file_find(part->file, term, &out_list->file_list));
        out_list->count = out_list->file_list.count;
        return ERR_OK;
    }
    out_list->numbers = index_memory_term(part->memory, term);
    out_list->count = out_list->numbers == NULL ? 0 : numbers_count(out_list->numbers);
    return ERR_OK;
}

struct block {
    uint32_t records[INDEX_BLOCK_RECORDS];
    uint32_t count;
};

static struct ever_err load_block(struct index_part *part, const struct part_list *list,
                                  uint32_t number, struct block *out_block)
{
    if (part->file != NULL) {
        return index_file_block(part->file, list->file_list, number, out_block->records,
                                &out_block->count);
    }
    uint32_t first = number * INDEX_BLOCK_RECORDS;
    uint32_t count = list->count - first;
    out_block->count = count < INDEX_BLOCK_RECORDS ? count : INDEX_BLOCK_RECORDS;
    for (uint32_t i = 0; i < out_block->count; i++) {
        out_block->records[i] = numbers_at(list->numbers, first + i);
    }
    return ERR_OK;
}

/* Loads the last block that does not begin behind `record`, or the first one. */
static struct ever_err seek_block(struct index_part *part, const struct part_list *list,
                                  uint32_t record, uint32_t *out_number, struct block *out_block)
{
    uint32_t low = 0;
    uint32_t high = (list->count + INDEX_BLOCK_RECORDS - 1) / INDEX_BLOCK_RECORDS;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        TRY(load_block(part, list, middle, out_block));
        if (out_block->records[0] <= record) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *out_number = low;
    return load_block(part, list, low, out_block);
}

static struct ever_err posting_of(const struct index_part *part, uint32_t record,
                                  struct posting *out_posting)
{
    uint32_t offset;
    if (part->file != NULL) {
        TRY(index_file_offset(part->file, record, &offset));
    } else {
        offset = numbers_at(&part->memory->offsets, record);
    }
    *out_posting = (struct posting){
        .position = part->first_position + record,
        .address = {.segment = part->segment, .offset = offset},
    };
    return ERR_OK;
}

/* --- Searching ------------------------------------------------------------------------------- */

static uint32_t record_of(const struct index_part *part, uint64_t position)
{
    uint64_t record = position < part->first_position ? 0 : position - part->first_position;
    return record > UINT32_MAX ? UINT32_MAX : (uint32_t)record;
}

static struct ever_err take(struct index_search *search, const struct index_part *part,
                            uint32_t record)
{
    uint64_t position = part->first_position + record;
    bool wanted = search->backward ? position <= search->from && position >= search->to
                                   : position >= search->from && position <= search->to;
    if (!wanted) {
        return ERR_OK;
    }
    TRY(posting_of(part, record, &search->found[search->count]));
    search->count++;
    return ERR_OK;
}

static struct ever_err take_block(struct index_search *search, const struct index_part *part,
                                  const struct block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        uint32_t at = search->backward ? block->count - 1 - i : i;
        TRY(take(search, part, block->records[at]));
    }
    return ERR_OK;
}

static void note_holes(struct index_search *search, const struct index_part *part)
{
    const struct index_memory *memory = part->memory;
    if (memory == NULL || !memory->has_holes) {
        return;
    }
    uint64_t first = part->first_position + memory->first_hole;
    uint64_t last = part->first_position + memory->last_hole;
    bool is_more = search->has_holes;
    search->first_hole = is_more && search->first_hole < first ? search->first_hole : first;
    search->last_hole = is_more && search->last_hole > last ? search->last_hole : last;
    search->has_holes = true;
}

static struct ever_err search_part(struct index_part *part, void *arg)
{
    struct index_search *search = arg;
    search->count = 0;
    note_holes(search, part);
    struct part_list list;
    TRY(find_list(part, search->term, &list));
    if (list.count == 0) {
        return ERR_OK;
    }
    uint32_t number;
    struct block block;
    TRY(seek_block(part, &list, record_of(part, search->from), &number, &block));
    TRY(take_block(search, part, &block));
    bool has_next = (uint64_t)(number + 1) * INDEX_BLOCK_RECORDS < list.count;
    if (search->count == 0 && !search->backward && has_next) {
        TRY(load_block(part, &list, number + 1, &block)); /* all of this one was before `from` */
        TRY(take_block(search, part, &block));
    }
    return ERR_OK;
}

/* Goes from part to part until one has some. */
static struct ever_err search_parts(struct index *index, struct index_search *search)
{
    uint32_t part = part_of(index, search->from);
    uint32_t last = part_of(index, search->to);
    for (uint32_t looked_at = 1;; looked_at++) {
        TRY(with_part(index, part, search_part, search));
        if (search->count > 0 || part == last) {
            return ERR_OK;
        }
        search->is_cut = looked_at == search->parts_max;
        if (search->is_cut) {
            search->from = search->backward ? first_position(index, part) - 1
                                            : first_position(index, part + 1);
            return ERR_OK;
        }
        part = search->backward ? part - 1 : part + 1;
    }
}

struct ever_err index_search(struct index *index, struct index_search *search)
{
    search->count = 0;
    search->is_cut = false;
    search->has_holes = false;
    bool is_empty = search->backward ? search->from < search->to : search->from > search->to;
    if (is_empty || index_part_count(index) == 0) {
        return ERR_OK;
    }
    return search_parts(index, search);
}

/* The oldest of the newest `parts_max` parts. */
static uint32_t oldest_of(uint32_t count, uint32_t parts_max)
{
    return count > parts_max ? count - parts_max : 0;
}

uint64_t index_newest_records(struct index *index, uint32_t parts_max)
{
    uint64_t total = 0;
    uint32_t count = index_part_count(index);
    for (uint32_t i = count; i-- > oldest_of(count, parts_max);) {
        struct index_part *part = index_acquire(index, i);
        total += index_part_records(part);
        index_release(part);
    }
    return total;
}

struct count_query {
    uint64_t term;
    uint32_t count;
};

static struct ever_err count_in_part(struct index_part *part, void *arg)
{
    struct count_query *query = arg;
    struct part_list list;
    TRY(find_list(part, query->term, &list));
    query->count = list.count;
    return ERR_OK;
}

struct ever_err index_term_count(struct index *index, uint64_t term, uint32_t parts_max,
                                 uint64_t *out_count)
{
    uint64_t total = 0;
    uint32_t count = index_part_count(index);
    for (uint32_t i = count; i-- > oldest_of(count, parts_max);) {
        struct count_query query = {.term = term};
        TRY(with_part(index, i, count_in_part, &query));
        total += query.count;
    }
    *out_count = total;
    return ERR_OK;
}

struct record_query {
    uint64_t position;
    struct posting found;
};

static struct ever_err find_record(struct index_part *part, void *arg)
{
    struct record_query *query = arg;
    ASSERT(query->position - part->first_position < index_part_records(part));
    return posting_of(part, record_of(part, query->position), &query->found);
}

struct ever_err index_address(struct index *index, uint64_t position,
                              struct log_address *out_address)
{
    struct record_query query = {.position = position};
    TRY(with_part(index, part_of(index, position), find_record, &query));
    *out_address = query.found.address;
    return ERR_OK;
}

struct nth_query {
    uint64_t term;
    uint32_t ordinal;
    bool found;
    struct posting posting;
};

static struct ever_err find_nth(struct index_part *part, void *arg)
{
    struct nth_query *query = arg;
    struct part_list list;
    TRY(find_list(part, query->term, &list));
    query->found = query->ordinal < list.count;
    if (!query->found) {
        return ERR_OK;
    }
    struct block block;
    TRY(load_block(part, &list, query->ordinal / INDEX_BLOCK_RECORDS, &block));
    return posting_of(part, block.records[query->ordinal % INDEX_BLOCK_RECORDS], &query->posting);
}

struct ever_err index_part_nth(struct index *index, uint32_t part, uint64_t term, uint32_t ordinal,
                               struct posting *out_posting, bool *out_found)
{
    struct nth_query query = {.term = term, .ordinal = ordinal};
    TRY(with_part(index, part, find_nth, &query));
    *out_posting = query.posting;
    *out_found = query.found;
    return ERR_OK;
}

static uint32_t find_ids_in_memory(const struct index_memory *memory, uint32_t tag, uint32_t skip,
                                   uint32_t out_records[static INDEX_IDS_MAX])
{
    uint32_t count = 0;
    struct slots_search search = slots_search(&memory->id_slots, tag);
    for (uint32_t value; count < INDEX_IDS_MAX && slots_next(&search, &value);) {
        if (skip > 0) {
            skip--;
        } else {
            out_records[count++] = value - 1;
        }
    }
    return count;
}

static struct ever_err find_ids(struct index_part *part, void *arg)
{
    struct index_ids *ids = arg;
    uint32_t tag = (uint32_t)(ids->hash >> 32);
    uint32_t records[INDEX_IDS_MAX];
    ids->has_holes = part->memory != NULL && part->memory->has_holes;
    if (part->file != NULL) {
        TRY(index_file_ids(part->file, tag, ids->skip, records, INDEX_IDS_MAX, &ids->count));
    } else {
        ids->count = find_ids_in_memory(part->memory, tag, ids->skip, records);
    }
    for (uint32_t i = 0; i < ids->count; i++) {
        TRY(posting_of(part, records[i], &ids->found[i]));
    }
    return ERR_OK;
}

struct ever_err index_part_ids(struct index *index, uint32_t part, struct index_ids *ids)
{
    return with_part(index, part, find_ids, ids);
}
