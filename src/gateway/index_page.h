/* index_page.h - the page at /: what this server holds, with links to all of it. */
#pragma once
#include "gateway/gateway_priv.h"

void index_page_write(struct text *out, const struct gateway *gateway);
