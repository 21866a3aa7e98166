/* assets.h - the files of src/gateway/assets, which are bytes of the program (assets.S). */
#pragma once
#include "base/slice.h"

extern const char asset_flow_js[]; /* the script of a flow's page */
extern const char asset_flow_js_end[];
extern const char asset_schemas_json[]; /* the shapes of the API's documents: name to JSON Schema */
extern const char asset_schemas_json_end[];

#define ASSET(name) slice_of(asset_##name, (size_t)(asset_##name##_end - asset_##name))
