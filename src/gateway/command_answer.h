/* command_answer.h - how a decided command is answered, and shown again later. */
#pragma once
#include "gateway/call.h"
#include "gateway/event_list.h"

/* What is told about one command. */
struct command_story {
    struct ever_uuid id;
    struct ever_slice stream;
    struct decider_answer answer; /* ACCEPTED */
    struct event_list events;
    const char *const *views_behind; /* waited for in vain */
    size_t views_behind_count;
};

/* 202 with what was written. Headers about waiting were added before. */
void command_answer_accepted(struct call *call, const struct command_story *story);

/* Everything else a decider can answer. `id` and `stream` as above. */
void command_answer_refused(struct call *call, struct ever_uuid id, struct ever_slice stream,
                            const struct decider_answer *answer);

/* Adds Location: /commands/{id}. */
void command_add_location(struct call *call, struct ever_uuid id);

/* The members of a rejection's problem beside the usual ones: ,"code":"...", and the decider's. */
void command_write_rejection(struct text *out, const struct decider_answer *answer);

/* The problem document of a rejection, as GET /commands/{id} embeds it. */
void command_write_problem(struct text *out, const struct decider_answer *answer);
