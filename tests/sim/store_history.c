/* store_history.c - the history is made, the same in every process. */
#include "sim/store_history.h"

#include "base/slice.h"

#include <string.h>

struct history history;

struct ever_slice history_stream(uint32_t stream)
{
    static const char *const names[STREAMS] = {"order-1", "order-2", "cart-1", "cart"};
    return slice_of_text(names[stream]);
}

static bool is_tagged(uint32_t index)
{
    return index % 2 == 0;
}

static struct ever_new_event make_event(uint32_t append, uint32_t index)
{
    static const char *const types[] = {"Added", "Removed", "Sent"};
    static struct ever_slice tag = {.data = "red", .size = 3};
    bool is_large = append % 3 == 2;
    struct ever_new_event event = {
        .content = EVER_BYTES,
        .type = slice_of_text(types[index % 3]),
        .data = slice_of(history.noise + index, is_large ? LARGE_BYTES / 2 : 40),
        .metadata = index % 3 == 0 ? slice_of_text("{\"by\":\"test\"}") : SLICE_NONE,
        .tags = is_tagged(index) ? &tag : NULL,
        .tag_count = is_tagged(index) ? 1 : 0,
    };
    uint32_t number = index + 1;
    memcpy(event.id.bytes, &number, sizeof number);
    return event;
}

static void make_write(uint32_t append, uint32_t number, uint64_t next_revision[STREAMS],
                       const uint64_t before[STREAMS])
{
    uint32_t stream = (append + number) % STREAMS;
    uint32_t first = history.event_count;
    uint32_t count = 1 + (append + number) % EVENTS_PER_WRITE_MAX;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = history.event_count++;
        history.new_events[index] = make_event(append, index);
        history.events[index] = (struct happened){
            .event = history.new_events[index],
            .stream = stream,
            .revision = next_revision[stream]++,
            .continues = number + i > 0,
        };
    }
    history.writes[append][number] = (struct ever_write){
        .stream = history_stream(stream),
        .expect = before[stream] == 0 ? EVER_NO_STREAM : EVER_EXACT,
        .revision = before[stream] == 0 ? 0 : before[stream] - 1,
        .events = &history.new_events[first],
        .event_count = count,
    };
    history.revisions[append][number] = (int64_t)next_revision[stream] - 1;
}

int history_make(void **state)
{
    (void)state; /* cmocka's signature */
    uint64_t next_revision[STREAMS] = {0};
    uint32_t noise = 1;
    for (size_t i = 0; i < sizeof history.noise; i++) {
        noise = noise * 1664525 + 1013904223;
        history.noise[i] = (char)(noise >> 24);
    }
    for (uint32_t append = 0; append < APPENDS; append++) {
        uint64_t before[STREAMS];
        memcpy(before, next_revision, sizeof before);
        history.write_count[append] = 1 + append % WRITES_MAX;
        for (uint32_t i = 0; i < history.write_count[append]; i++) {
            make_write(append, i, next_revision, before);
        }
        history.end[append + 1] = history.event_count;
    }
    return 0;
}

bool history_wants_all(uint32_t index, uint32_t arg)
{
    (void)index; /* whichever */
    (void)arg;   /* for all alike */
    return true;
}

bool history_wants_tagged(uint32_t index, uint32_t arg)
{
    (void)arg; /* there is one tag only */
    return is_tagged(index);
}

bool history_wants_stream(uint32_t index, uint32_t arg)
{
    return history.events[index].stream == arg;
}
