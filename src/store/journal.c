#include "store/journal.h"

#include "base/err.h"

static struct ever_err propose_local(struct journal *journal, struct journal_batch *batch)
{
    journal->apply(journal->arg, batch);
    return ERR_OK;
}

void journal_local_init(struct journal *journal, journal_apply_fn *apply, void *arg)
{
    *journal = (struct journal){.propose = propose_local, .apply = apply, .arg = arg};
}
