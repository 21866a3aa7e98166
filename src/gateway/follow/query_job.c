#include "gateway/follow/query_job.h"

#include "base/assert.h"

static void run(uv_work_t *work)
{
    static const struct view_limits limits = {
        .rows_max = QUERY_ROWS_MAX,
        .time_limit_ms = QUERY_TIME_LIMIT_MS,
        .bytes_max = QUERY_BYTES_MAX,
    };
    struct query_job *job = work->data;
    job->err = view_query(job->view, job->query, job->arguments, job->argument_count, &limits,
                          &job->rows, &job->position, &job->report);
    if (job->err.code == EVER_TIMEOUT) {
        text_printf(&job->report, "the query %s, with the wait for its turn, took longer than %u s",
                    job->query->name, QUERY_TIME_LIMIT_MS / 1000);
    } else if (!IS_OK(job->err) && job->report.size == 0) {
        text_add_text(&job->report, err_sentence(job->err));
    }
}

static void finished(uv_work_t *work, int status)
{
    ASSERT(status == 0); /* nobody cancels it */
    struct query_job *job = work->data;
    struct gateway *gateway = job->gateway;
    struct text rows = job->rows; /* `done` may end the life of the job */
    struct text report = job->report;
    gateway->open_queries--;
    job->done(job);
    text_deinit(&rows);
    text_deinit(&report);
    gateway_work_ended(gateway);
}

struct ever_err query_job_start(struct query_job *job)
{
    if (job->gateway->open_queries == QUERY_JOBS_MAX) {
        return FAIL(EVER_BUSY, "too many queries at once");
    }
    job->err = ERR_OK;
    job->rows = (struct text){0};
    job->report = (struct text){0};
    job->work.data = job;
    int failed = uv_queue_work(job->gateway->parts.loop, &job->work, run, finished);
    ASSERT(failed == 0); /* it fails for a missing function only */
    job->gateway->open_queries++;
    gateway_work_begun(job->gateway);
    return ERR_OK;
}
