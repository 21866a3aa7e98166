/* flow_marble.c - reads cases as JSON lines on stdin, runs each, prints `ok ID` or `not ok ID` with
 * both outputs, and a closing line. `--blocks` delivers neighbouring values in blocks of random
 * size as well; `--quiet` prints failures and the closing line only. Exit code 1: some failed. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    bool blocks, quiet;
};

static bool run_line(const struct jv *line, const struct settings *settings, struct text *report)
{
    if (jv_get(line, "nodes") != NULL) {
        return run_bacon(line, settings, report);
    }
    if (jv_get(line, "make") != NULL) {
        return run_script(line, settings, report);
    }
    if (jv_get(line, "expr") != NULL) {
        return run_case(line, settings, report);
    }
    if (jv_get(line, "marble") != NULL) {
        return run_parse(line, report);
    }
    text_put(report, "  not a case\n");
    return false;
}

static const char *name_of(const struct jv *line)
{
    const struct jv *name = jv_get(line, "id");
    name = name != NULL ? name : jv_get(line, "marble");
    return name != NULL && name->kind == JV_STRING ? name->text : "?";
}

static bool judge(const char *text, const struct options *options, unsigned number)
{
    struct jv_pool pool = {0};
    struct text report = {0};
    const struct jv *line = jv_parse(&pool, text);
    bool passed = false;
    if (line == NULL || line->kind != JV_OBJECT) {
        text_put(&report, "  not JSON\n");
    } else {
        passed = run_line(line, &(struct settings){0}, &report);
        if (passed && options->blocks) {
            passed = run_line(line, &(struct settings){.block_seed = number}, &report);
            if (!passed) {
                text_put(&report, "  (in blocks)\n");
            }
        }
    }
    if (!passed || !options->quiet) {
        printf("%s %s\n%s", passed ? "ok" : "not ok", line == NULL ? "?" : name_of(line),
               report.size > 0 ? report.bytes : "");
    }
    free(report.bytes);
    pool_free(&pool);
    return passed;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    char *line = NULL;
    size_t capacity = 0;
    unsigned passed = 0;
    unsigned failed = 0;
    for (int i = 1; i < argc; i++) {
        options.blocks |= strcmp(argv[i], "--blocks") == 0;
        options.quiet |= strcmp(argv[i], "--quiet") == 0;
    }
    while (getline(&line, &capacity, stdin) > 0) {
        if (line[strspn(line, " \t\r\n")] == 0) {
            continue;
        }
        if (judge(line, &options, passed + failed + 1)) {
            passed++;
        } else {
            failed++;
        }
    }
    free(line);
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
