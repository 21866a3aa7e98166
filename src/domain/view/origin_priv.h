/* origin_priv.h - which events of flows a view takes.
 *
 * A type that a flow of the APP emits stands in the flow's own stream, once for each version of the
 * flow. A view that handles such a type takes the events of the present version only, and is built
 * anew when that is another one: the stream's name becomes the last line of the view's text, "--
 * flow stream flow-x.0123...", and so part of its version. What other versions wrote is passed
 * over. */
#pragma once
#include "domain/view/source_priv.h"
#include "domain/view/view.h"

/* Appends a line for each origin that emits a type the view handles. False: there is none. */
bool view_origin_complete(const struct view_source *source, const struct view_origin *origins,
                          size_t count, struct text *out_text);

/* False: the event's stream is that of a flow, and not one the view's text names. */
bool view_origin_takes(const struct view_source *source, struct ever_slice stream);
