/* index_page.h - the page at /: what this server holds, with links to all of it. */
#pragma once
#include "gateway/gateway_priv.h"

/* `host` as the client named it, for commands to paste; may be empty. */
void index_page_write(struct text *out, const struct gateway *gateway, struct ever_slice host);
