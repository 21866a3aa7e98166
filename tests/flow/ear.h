/* ear.h - an observer that writes down what it hears. */
#pragma once
#include "world.h"

struct heard {
    flow_time at;
    char letter;     /* N, E or C */
    char *text;      /* the value or error as JSON; NULL for a stream */
    char *key;       /* of a group; NULL: none */
    struct ear *ear; /* of a stream */
};
struct ear {
    struct world *world;
    struct heard *heard;
    size_t count, capacity;
    struct flow_sub sub;
    struct ear *after; /* all ears of the case */
};
struct ear *ear_new(struct world *world, struct ear **all);
void ear_listen(struct ear *ear, struct flow_stream *stream);
void ear_free_all(struct ear *all);
/* [[frame,"N",value],...] */
void ear_print(const struct ear *ear, struct text *text);
