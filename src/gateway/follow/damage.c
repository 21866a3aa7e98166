#include "gateway/follow/damage.h"

#include "base/slice.h"

bool damage_find(const struct ever_cursor *cursor, const struct reading *reading,
                 struct damage *out_damage)
{
    struct damage damage;
    if (!ever_cursor_damage(cursor, &damage.from, &damage.to)) {
        return false;
    }
    bool by_position = !reading->of_stream && !reading->read.backward;
    if (by_position && damage.to > reading->last) {
        damage.to = reading->last;
    }
    *out_damage = damage.from <= damage.to ? damage : (struct damage){0};
    return true;
}

bool damage_join(struct damage *damage, struct damage more)
{
    if (damage->from != 0 && (more.from > damage->to + 1 || more.to + 1 < damage->from)) {
        return false;
    }
    damage->from = damage->from != 0 && damage->from < more.from ? damage->from : more.from;
    damage->to = damage->to > more.to ? damage->to : more.to;
    return true;
}

void damage_write(struct text *out, struct damage damage)
{
    text_printf(out, "\"damaged\":{\"from\":%llu,\"to\":%llu}", (unsigned long long)damage.from,
                (unsigned long long)damage.to);
}

static void write_members(struct text *out, struct damage damage)
{
    text_add_byte(out, ',');
    damage_write(out, damage);
}

static void write_sentence(struct text *out, struct damage damage)
{
    text_printf(out,
                "Events between the positions %llu and %llu cannot be read. What lies behind "
                "them can be.",
                (unsigned long long)damage.from, (unsigned long long)damage.to);
}

void damage_write_problem(struct text *out, struct damage damage)
{
    const struct problem_info *info = problem_info(PROBLEM_DATA_DAMAGED);
    struct text members = {0};
    struct text detail = {0};
    write_members(&members, damage);
    write_sentence(&detail, damage);
    problem_write(out, info, info->status, text_slice(&detail), SLICE_NONE, text_slice(&members));
    text_deinit(&members);
    text_deinit(&detail);
}

void damage_answer(struct call *call, struct damage damage)
{
    struct text members = {0};
    struct text detail = {0};
    write_members(&members, damage);
    write_sentence(&detail, damage);
    call_problem(call, PROBLEM_DATA_DAMAGED, text_slice(&members), "%s", detail.data);
    text_deinit(&members);
    text_deinit(&detail);
}
