#include "domain/view/check_priv.h"

#include "base/env.h"
#include "domain/view/database_priv.h"
#include "domain/view/program_priv.h"

#define CHECK_TIME_MS 10000 /* statements that make tables and run longer than this never end */

static void check_queries(struct view_compiler *compiler)
{
    const struct view_source *source = compiler->source;
    for (size_t i = 0; i < source->part_count; i++) {
        if (source->parts[i].kind == VIEW_PART_QUERY) {
            sqlite3_stmt *statement = view_compile_query(compiler, &source->parts[i]);
            (void)sqlite3_finalize(statement); /* it never ran */
        }
    }
}

struct ever_err view_check(const struct view_source *source, struct text *report)
{
    struct env *env = env_real();
    struct view_database database = {.guard.deadline_ns =
                                         env->monotonic_ns(env) + CHECK_TIME_MS * INT64_C(1000000)};
    struct ever_err err =
        view_database_create(&database, NULL, (struct ever_uuid){{0}}, source, report);
    if (IS_OK(err)) { /* without the tables all others would be wrong too */
        struct view_compiler compiler = {
            .source = source, .guard = &database.guard, .report = report};
        view_program_free(view_program_build(&compiler));
        check_queries(&compiler);
        err = compiler.faults == 0 ? ERR_OK : FAIL(EVER_INVALID, "check view file");
    }
    view_database_close(&database);
    return err;
}
