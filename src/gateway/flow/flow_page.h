/* flow_page.h - pages for people: the flows, and one of them with a live marble diagram. The script
 * is assets/flow.js; without it the page shows how things stood when it was made. */
#pragma once
#include "gateway/flow/flow_input.h"

void flows_page_write(struct text *out, struct flows *flows); /* `flows` may be NULL */
void flow_page_write(struct text *out, const struct flow_shown *shown, struct arena *arena);
