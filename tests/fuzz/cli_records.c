/* Any bytes as a file to import, read whole and in small pieces: the outcome must be the same,
 * every record must be one JSON value, and what becomes of it one line of JSON. The first byte
 * chooses the format. */
#include "fuzz.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/slice.h"
#include "cli/input/event_line.h"
#include "cli/input/records.h"

#include <sys/socket.h>
#include <unistd.h>

#define INPUT_BYTES_MAX 4096 /* what a packet socket takes before it is read */
#define PIECES_MAX 64

static void check_line(struct ever_slice line)
{
    ASSERT(line.size > 0);
    ASSERT(slice_find_byte(line, '\n') == line.size - 1);
    ASSERT(json_check(line, NULL));
}

static void check_record(const struct record *record, struct text *outcome)
{
    static const struct event_shape shapes[] = {
        {.make_ids = true}, {.stream = "s-{a}", .type = "T"}, {.stream = "s", .type = "T"}};
    ASSERT(json_check(record->json, NULL));
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct text problem = {0};
        size_t before = outcome->size;
        switch (event_line_add(&shapes[i], record, outcome, &problem)) {
        case EVENT_LINE_ADDED:
            check_line(slice_from(text_slice(outcome), before));
            break;
        case EVENT_LINE_REFUSED:
            ASSERT(problem.size > 0);
            ASSERT(outcome->size == before);
            break;
        case EVENT_LINE_CLOSING:
        case EVENT_LINE_OWN:
            ASSERT(outcome->size == before);
            break;
        }
        text_deinit(&problem);
    }
}

/* A packet socket gives the bytes in the pieces they were sent in. */
static void read_all(struct records_options options, struct ever_slice input, size_t piece_bytes,
                     struct text *outcome)
{
    int ends[2];
    ASSERT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    while (input.size > 0) {
        size_t size = input.size < piece_bytes ? input.size : piece_bytes;
        ASSERT(write(ends[1], input.data, size) == (ssize_t)size);
        input = slice_from(input, size);
    }
    ASSERT(close(ends[1]) == 0);
    struct records *records;
    struct record record;
    struct ever_err err;
    records_open(ends[0], &options, &records);
    while ((err = records_next(records, outcome, &record)).code == EVER_OK) {
        check_record(&record, outcome);
    }
    text_add_u64(outcome, err.code);
    records_close(records);
    ASSERT(close(ends[0]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > INPUT_BYTES_MAX) {
        return 0;
    }
    struct records_options options = {.format = (enum records_format)(data[0] % 4),
                                      .separator = (data[0] & 4) != 0 ? ';' : ',',
                                      .as_text = (data[0] & 8) != 0};
    struct ever_slice input = slice_of(data + 1, size - 1);
    struct text whole = {0};
    struct text pieces = {0};
    read_all(options, input, input.size, &whole);
    read_all(options, input, input.size / PIECES_MAX + 1, &pieces);
    ASSERT(slice_equal(text_slice(&whole), text_slice(&pieces)));
    text_deinit(&whole);
    text_deinit(&pieces);
    return 0;
}
