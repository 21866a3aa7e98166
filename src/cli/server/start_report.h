/* start_report.h - why a server does not start, in sentences that name the way out. */
#pragma once
#include "base/err.h"
#include "base/text.h"
#include "everfold.h"

void start_report_store(struct ever_err err, const char *data_dir, struct text *report);
/* The store was opened, but is damaged: a warning. */
void start_report_damage(const struct ever *store, const char *data_dir, struct text *report);
void start_report_listen(struct ever_err err, const char *host, uint16_t port, struct text *report);
/* Any other failure: "DOING WHAT: cause". */
void start_report_failure(struct ever_err err, const char *doing, const char *what,
                          struct text *report);
