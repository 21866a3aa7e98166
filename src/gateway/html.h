/* html.h - the few pages for people: plain and self-contained. */
#pragma once
#include "gateway/call.h"

/* Everything up to the content, and behind it. */
void html_begin(struct text *out, const char *title);
void html_end(struct text *out);

/* Answers with a whole page, and what keeps browsers from running anything in it. */
void html_answer(struct call *call, const struct text *page);
/* The same for a page that loads a script of ours, which may ask this server, and nobody else. */
void html_answer_with_script(struct call *call, const struct text *page);
