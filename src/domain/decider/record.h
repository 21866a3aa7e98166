/* record.h - how a command stands in the log, for who writes it and who reads it back.
 *
 * Events carry ids made of the command's. Metadata of the first:
 *
 *     {"command":{"id":"<uuid>","name":"Deposit","data":{...},"now":"<time>","seed":"<32 digits>"}}
 *
 * of the others {"command":{"id":"<uuid>"}}; members of the decider's own metadata follow. Decider
 * and id are in the stream's name. The seed is there when decide asked for randomness. A command
 * without events leaves one event in stream $command-<uuid>, with the metadata of a first event and
 *
 *     $Rejected  {"stream":"account-alice","revision":3,"code":"...","message":"...","details":{}}
 *     $Nothing   {"stream":"account-alice","revision":3}
 *
 * where `revision` (null: no event) is what it was decided on. */
#pragma once
#include "base/arena.h"
#include "base/json.h"
#include "domain/decider/decider.h"

#define RECORD_STREAM_PREFIX "$command-"
#define RECORD_REJECTED "$Rejected"
#define RECORD_NOTHING "$Nothing"

/* The id of the command's event `number`, from 1. */
struct ever_uuid decider_event_id(struct ever_uuid command_id, uint32_t number);

/* Code, message and details of an object that has them. */
void decider_read_rejection(struct json_value rejection, struct arena *arena,
                            struct decider_answer *out_answer);
