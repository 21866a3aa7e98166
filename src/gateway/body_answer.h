/* body_answer.h - answering what is wrong with a body. */
#pragma once
#include "gateway/call.h"
#include "gateway/wire/body.h"

/* Answers the call with the worst of the faults, which are freed. */
void answer_bad_body(struct call *call, struct body_faults *faults);
