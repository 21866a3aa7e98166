#include "cli/output/progress.h"

#include "base/assert.h"
#include "base/env.h"
#include "cli/output/terminal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_MS 1000000
#define DRAW_AFTER_MS 1000
#define DRAW_EVERY_MS 100
#define BAR_COLUMNS_MAX 40
#define BAR_COLUMNS_MIN 10

void text_add_grouped(struct text *out, uint64_t value)
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    ASSERT(count > 0);
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            text_add_byte(out, ',');
        }
        text_add_byte(out, digits[i]);
    }
}

static void add_time_left(const struct progress *progress, struct text *out)
{
    uint64_t left = progress->done < progress->total ? progress->total - progress->done : 0;
    double left_ms = (double)progress->elapsed_ms * (double)left / (double)progress->done;
    uint64_t seconds = (uint64_t)(left_ms / 1000 + 0.999);
    text_printf(out, "  %llu:%02llu left", (unsigned long long)(seconds / 60),
                (unsigned long long)(seconds % 60));
}

static void add_figures(const struct progress *progress, struct text *out)
{
    text_add_grouped(out, progress->events);
    text_add_text(out, " events");
    if (progress->elapsed_ms > 0) {
        text_add_text(out, "  ");
        text_add_grouped(out, progress->events * 1000 / (uint64_t)progress->elapsed_ms);
        text_add_text(out, "/s");
    }
    if (progress->total > 0 && progress->done > 0) {
        add_time_left(progress, out);
    }
}

static void add_bar(const struct progress *progress, unsigned width, struct text *out)
{
    uint64_t done = progress->done < progress->total ? progress->done : progress->total;
    double share = (double)done / (double)progress->total;
    text_add_byte(out, '[');
    for (unsigned i = 0; i < width; i++) {
        text_add_byte(out, i < (unsigned)(share * width) ? '#' : '-');
    }
    text_printf(out, "] %3u%%  ", (unsigned)(share * 100));
}

void progress_format(const struct progress *progress, unsigned columns, struct text *out)
{
    struct text figures = {0};
    add_figures(progress, &figures);
    size_t taken = figures.size + strlen("[]  100%  ") + 1;
    size_t width = columns > taken ? columns - taken : 0;
    if (progress->total > 0 && width >= BAR_COLUMNS_MIN) {
        add_bar(progress, width < BAR_COLUMNS_MAX ? (unsigned)width : BAR_COLUMNS_MAX, out);
    }
    size_t room = columns > 0 ? columns - 1 : 0;
    text_add(out, (struct ever_slice){figures.data, figures.size < room ? figures.size : room});
    text_deinit(&figures);
}

static int64_t now_ns(void)
{
    return env_real()->monotonic_ns(env_real());
}

void progress_begin(struct progress_bar *bar, uint64_t total)
{
    *bar = (struct progress_bar){
        .progress.total = total, .started_ns = now_ns(), .on_terminal = isatty(STDERR_FILENO) == 1};
}

static void draw(const struct progress_bar *bar)
{
    struct text line = {0};
    text_add_text(&line, "\r\x1b[K"); /* to the left edge, and nothing behind it */
    progress_format(&bar->progress, terminal_columns(STDERR_FILENO), &line);
    (void)fwrite(line.data, 1, line.size, stderr); /* a bar that cannot be seen stops nothing */
    text_deinit(&line);
}

void progress_update(struct progress_bar *bar, uint64_t done, uint64_t events)
{
    bar->progress.done = done;
    bar->progress.events = events;
    if (!bar->on_terminal) {
        return;
    }
    int64_t now = now_ns();
    bar->progress.elapsed_ms = (now - bar->started_ns) / NS_PER_MS;
    bool due = bar->progress.elapsed_ms >= DRAW_AFTER_MS &&
               (now - bar->drawn_ns) / NS_PER_MS >= DRAW_EVERY_MS;
    if (due) {
        bar->drawn_ns = now;
        draw(bar);
    }
}

int64_t progress_end(struct progress_bar *bar)
{
    if (bar->drawn_ns != 0) {
        (void)fputs("\r\x1b[K", stderr); /* as in draw() */
    }
    return (now_ns() - bar->started_ns) / NS_PER_MS;
}
