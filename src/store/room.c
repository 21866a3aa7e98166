#include "store/room.h"

#include <stdlib.h>

#define KEEP_BYTES_MAX ((size_t)1 << 20)

struct ever_err room_make(struct room *room, size_t need)
{
    if (need <= room->bytes) {
        return ERR_OK;
    }
    size_t bytes = room->bytes * 2 > need ? room->bytes * 2 : need;
    void *data = malloc(bytes);
    if (data == NULL) {
        return FAIL(EVER_NO_MEMORY, "grow a buffer");
    }
    free(room->data);
    *room = (struct room){.data = data, .bytes = bytes};
    return ERR_OK;
}

void room_deinit(struct room *room)
{
    free(room->data);
    *room = (struct room){0};
}

void room_shrink(struct room *room)
{
    if (room->bytes > KEEP_BYTES_MAX) {
        room_deinit(room);
    }
}
