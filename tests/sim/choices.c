/* choices.c - where a simulated disk's choices come from: a seed, or all of them in turn. */
#include "sim/disk.h"

#include "base/assert.h"

#include <string.h>

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t mixed = *state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

#define TASTES 6u /* 0 and 5: none; else seven times of eight choice number taste - 1 */

static uint32_t choose_random(struct disk_choices *choices, uint32_t count)
{
    struct disk_random *random = (struct disk_random *)choices;
    uint64_t value = next_random(&random->state);
    bool to_taste = random->taste > 0 && random->taste < TASTES - 1 && (value & 7) != 0;
    if (to_taste) {
        return random->taste - 1 < count ? random->taste - 1 : count - 1;
    }
    return (uint32_t)((value >> 8) % count);
}

void disk_random_init(struct disk_random *random, uint64_t seed)
{
    *random = (struct disk_random){.choices = {.choose = choose_random}, .state = seed};
    random->taste = (uint32_t)(next_random(&random->state) % TASTES);
}

static uint32_t choose_from_tape(struct disk_choices *choices, uint32_t count)
{
    struct disk_tape *tape = (struct disk_tape *)choices;
    if (tape->used == DISK_TAPE_MAX) {
        tape->is_too_short = true;
        return 0;
    }
    tape->count[tape->used] = count;
    ASSERT(tape->choice[tape->used] < count);
    return tape->choice[tape->used++];
}

void disk_tape_init(struct disk_tape *tape)
{
    *tape = (struct disk_tape){.choices = {.choose = choose_from_tape}};
}

bool disk_tape_next(struct disk_tape *tape)
{
    uint32_t at = tape->used;
    tape->used = 0;
    tape->is_too_short = false;
    while (at > 0 && tape->choice[at - 1] + 1 == tape->count[at - 1]) {
        tape->choice[--at] = 0;
    }
    if (at == 0) {
        return false;
    }
    tape->choice[at - 1]++;
    return true;
}

uint64_t disk_tape_span(const struct disk_tape *tape)
{
    uint64_t span = 1;
    for (uint32_t i = 0; i < tape->used; i++) {
        if (span > UINT64_MAX / tape->count[i]) {
            return UINT64_MAX;
        }
        span *= tape->count[i];
    }
    return tape->is_too_short ? UINT64_MAX : span;
}

uint64_t disk_power_off_span(const struct disk *disk)
{
    struct disk_tape tape;
    disk_tape_init(&tape);
    struct disk *probe = disk_clone(disk);
    disk_power_off(probe, &tape.choices);
    disk_destroy(probe);
    return disk_tape_span(&tape);
}
