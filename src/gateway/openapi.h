/* openapi.h - the description of the API (OpenAPI 3.1), made of the table of operations and of what
 * deciders, views and routes declare. */
#pragma once
#include "gateway/gateway_priv.h"

void openapi_write(struct text *out, const struct gateway *gateway);
