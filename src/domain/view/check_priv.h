/* check_priv.h - tries a view file's statements on a database in memory. */
#pragma once
#include "domain/view/source_priv.h"

/* EVER_INVALID: `report` has a line for each fault. */
struct ever_err view_check(const struct view_source *source, struct text *report);
