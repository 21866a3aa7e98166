/* ear.c - an observer that writes down what it hears. */
#include "ear.h"

#include <stdlib.h>
#include <string.h>

struct ear *ear_new(struct world *world, struct ear **all)
{
    struct ear *ear = calloc(1, sizeof *ear);
    ear->world = world;
    if (all != NULL) {
        ear->after = *all;
        *all = ear;
    }
    return ear;
}

static struct heard *write_down(struct ear *ear, char letter)
{
    if (ear->count == ear->capacity) {
        ear->capacity = ear->capacity == 0 ? 16 : ear->capacity * 2;
        ear->heard = realloc(ear->heard, ear->capacity * sizeof *ear->heard);
    }
    struct heard *heard = &ear->heard[ear->count++];
    *heard = (struct heard){.at = flow_now(ear->world->loop), .letter = letter};
    return heard;
}

static char *printed(const struct jv *v)
{
    struct text text = {0};
    text_put_jv(&text, v);
    return text.bytes;
}

static void heard_next(struct flow_loop *loop, void *ud, flow_val v)
{
    struct ear *ear = ud;
    const struct jv *value = v.p;
    (void)loop; /* the world has it */
    if (value->kind != JV_STREAM) {
        write_down(ear, 'N')->text = printed(value);
        return;
    }
    struct ear *inner = ear_new(ear->world, NULL);
    struct heard *heard = write_down(ear, 'N');
    heard->ear = inner;
    heard->key = value->count > 0 ? printed(value->items[0]) : NULL;
    ear_listen(inner, value->stream);
}

static void heard_error(struct flow_loop *loop, void *ud, const struct flow_error *error)
{
    (void)loop; /* the world has it */
    write_down(ud, 'E')->text = strdup(error_json(error));
}

static void heard_complete(struct flow_loop *loop, void *ud)
{
    (void)loop; /* the world has it */
    write_down(ud, 'C');
}

void ear_listen(struct ear *ear, struct flow_stream *stream)
{
    struct flow_observer observer = {
        .next = heard_next,
        .error = heard_error,
        .complete = heard_complete,
        .ud = ear,
    };
    ear->sub = flow_subscribe_in(ear->world->region, stream, &observer);
}

static void ear_free(struct ear *ear)
{
    for (size_t i = 0; i < ear->count; i++) {
        free(ear->heard[i].text);
        free(ear->heard[i].key);
        if (ear->heard[i].ear != NULL) {
            ear_free(ear->heard[i].ear);
        }
    }
    free(ear->heard);
    free(ear);
}

void ear_free_all(struct ear *all)
{
    while (all != NULL) {
        struct ear *ear = all;
        all = ear->after;
        ear_free(ear);
    }
}

static void print_heard(const struct heard *heard, struct text *text)
{
    text_put(text, "[%.15g,\"%c\"", (double)heard->at / 1000, heard->letter);
    if (heard->ear != NULL) {
        text_put(text, ",{%s%s%s",
                 heard->key == NULL ? "" : "\"key\":", heard->key == NULL ? "" : heard->key,
                 heard->key == NULL ? "" : ",");
        text_put(text, "\"obs\":");
        ear_print(heard->ear, text);
        text_put(text, "}");
    } else if (heard->text != NULL) {
        text_put(text, ",%s", heard->text);
    }
    text_put(text, "]");
}

void ear_print(const struct ear *ear, struct text *text)
{
    text_put(text, "[");
    for (size_t i = 0; i < ear->count; i++) {
        text_put(text, i == 0 ? "" : ",");
        print_heard(&ear->heard[i], text);
    }
    text_put(text, "]");
}
