/* read.c - one record at a known address. */
#include "log/log_priv.h"

#include "base/slice.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_READ_BYTES 1024u /* gets most records with one read */

void log_buffer_deinit(struct log_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct log_buffer){0};
}

static struct ever_err make_room(struct log_buffer *buffer, size_t size)
{
    if (size <= buffer->capacity) {
        return ERR_OK;
    }
    size_t capacity = size < FIRST_READ_BYTES ? FIRST_READ_BYTES : size + size / 2;
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        return FAIL(EVER_NO_MEMORY, "read record");
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return ERR_OK;
}

static struct ever_err fail_damaged(void)
{
    return FAIL(EVER_CORRUPT, "record is damaged");
}

/* Header and more. Where that fails, the header only: the bad sector may lie behind the record. */
static struct ever_err read_start(struct segment_file *open, uint64_t offset, char *out,
                                  size_t *out_got)
{
    struct ever_err err = segment_file_read(open, offset, out, FIRST_READ_BYTES, out_got);
    return err.code == EVER_CORRUPT
               ? segment_file_read(open, offset, out, RECORD_HEADER_BYTES, out_got)
               : err;
}

/* Reads header and bytes into the buffer, with a second read where the first was too short. */
static struct ever_err read_from_file(struct segment_file *open, uint64_t offset,
                                      struct log_buffer *buffer, size_t *out_size)
{
    size_t got;
    TRY(make_room(buffer, FIRST_READ_BYTES));
    TRY(read_start(open, offset, buffer->data, &got));
    if (got < RECORD_HEADER_BYTES) {
        return fail_damaged();
    }
    struct record_header header;
    record_header_decode(buffer->data, &header);
    if (header.size > LOG_RECORD_BYTES_MAX) {
        return fail_damaged();
    }
    size_t size = RECORD_HEADER_BYTES + header.size;
    if (size > got) {
        size_t rest;
        TRY(make_room(buffer, size));
        TRY(segment_file_read(open, offset + got, buffer->data + got, size - got, &rest));
        if (rest < size - got) {
            return fail_damaged();
        }
    }
    *out_size = size;
    return ERR_OK;
}

static struct ever_err read_by_file(struct log *log, struct log_address address,
                                    struct log_buffer *buffer, size_t *out_size)
{
    struct segment_file *open;
    TRY(segments_acquire(&log->segments, address.segment - 1, &open));
    struct ever_err err = read_from_file(open, address.offset, buffer, out_size);
    segments_release(&log->segments, open);
    return err;
}

/* False: the tail does not have it, or what it has is no record. */
static bool read_by_tail(struct log *log, struct log_address address, struct log_buffer *buffer,
                         size_t *out_size)
{
    uint64_t at = segments_at(&log->segments, address.segment - 1)->run_base + address.offset;
    struct record_header header;
    char bytes[RECORD_HEADER_BYTES];
    if (!tail_copy(&log->tail, at, sizeof bytes, bytes)) {
        return false;
    }
    record_header_decode(bytes, &header);
    *out_size = RECORD_HEADER_BYTES + (size_t)header.size;
    return header.size <= LOG_RECORD_BYTES_MAX && IS_OK(make_room(buffer, *out_size)) &&
           tail_copy(&log->tail, at, *out_size, buffer->data);
}

struct ever_err log_read(struct log *log, struct log_address address, uint64_t position,
                         struct log_buffer *buffer, struct log_record *out_record)
{
    bool has_segment = address.segment >= 1 && address.segment <= segments_count(&log->segments);
    if (position == 0 || position > log_committed(log) || !has_segment) {
        return FAIL(EVER_NOT_FOUND, "no such record");
    }
    size_t size = 0;
    if (!read_by_tail(log, address, buffer, &size)) {
        TRY(read_by_file(log, address, buffer, &size));
    }
    struct ever_slice record = slice_of(buffer->data, size);
    if (!record_is_whole(record, position)) {
        return fail_damaged();
    }
    struct record_header header;
    record_header_decode(buffer->data, &header);
    *out_record = (struct log_record){
        .position = position,
        .time_ns = header.time_ns,
        .address = address,
        .bytes = slice_from(record, RECORD_HEADER_BYTES),
    };
    return ERR_OK;
}
