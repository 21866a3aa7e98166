/* disk.h - a simulated disk behind struct vfs: it fails, tears and forgets as real ones do.
 *
 * Every file has what the process sees and what the medium holds. They differ, sector by sector,
 * until a sync. Losing power decides for each sector of 512 bytes that was not synced: it is the
 * new one, the old one, zero, or garbage; for each file whether its size is the new or the old one;
 * for each change of a folder (a new name, a removed name; a rename is one of each) whether it
 * happened. Killing the process keeps all that was written.
 *
 * Calls are counted, and a fault is armed for one of them. A dead process's code runs on, but each
 * of its calls fails without effect, until disk_restart().
 *
 * Threads: one. Paths are compared as text; a folder's name is synced by its parent. */
#pragma once
#include "base/vfs.h"

#define DISK_SECTOR_BYTES 512u

struct disk; /* Opaque: a machine's disk, and the process that uses it. */

enum disk_fault {
    DISK_NO_FAULT,
    DISK_FAIL, /* EVER_IO. A write did some of its sectors; a sync lost some of them, for good */
    DISK_FULL, /* EVER_NO_SPACE where the call needs space, and from then on; else nothing */
    DISK_DIE,  /* the process dies before the call, or in the middle of it */
    DISK_DIE_AFTER, /* the call is done, but the process dies before it hears of it */
};

/* Syncs that do nothing, to see whether a test notices. */
enum disk_lie {
    DISK_LIE_WRITE = 1 << 0, /* durable writes are not */
    DISK_LIE_SYNC = 1 << 1,
    DISK_LIE_DIR = 1 << 2,
};

/* Where choices come from. choose() returns one of 0..count-1; count >= 2. */
struct disk_choices {
    uint32_t (*choose)(struct disk_choices *choices, uint32_t count);
};

/* `alignment` is what direct I/O wants, checked; 0: direct I/O is not granted. */
struct disk *disk_create(uint32_t alignment);
struct disk *disk_clone(const struct disk *disk); /* no file may be open, no lock held */
void disk_destroy(struct disk *disk);             /* NULL-safe; no file may be open */
struct vfs *disk_vfs(struct disk *disk);

/* The fault befalls call number `call`, counted from 0. `choices` decide what is done by halves and
 * are borrowed while armed. */
void disk_arm(struct disk *disk, enum disk_fault fault, uint64_t call,
              struct disk_choices *choices);
/* And the process dies before call number `call`, whatever befell it until then. */
void disk_arm_death(struct disk *disk, uint64_t call);
void disk_disarm(struct disk *disk); /* there is space again, too; death stays */
void disk_lie(struct disk *disk, unsigned lies);
uint64_t disk_calls(const struct disk *disk);
bool disk_is_dead(const struct disk *disk);

/* A new process on the same disk: calls count from 0, nothing is armed, locks are free. */
void disk_restart(struct disk *disk);
/* The same after power was lost. */
void disk_power_off(struct disk *disk, struct disk_choices *choices);

/* The bytes of a file, lent until the next call; SLICE_NONE when there is none. disk_poke() changes
 * what the medium holds and what is seen: bit rot, or a write that went astray. */
struct ever_slice disk_peek(const struct disk *disk, const char *path);
void disk_poke(struct disk *disk, const char *path, uint64_t offset, struct ever_slice bytes);
/* Makes the sectors that hold these bytes unreadable; no others of the file. Size 0: none. */
void disk_spoil(struct disk *disk, const char *path, uint64_t offset, size_t size);
/* Takes a file away, durably. */
void disk_lose(struct disk *disk, const char *path);
/* --- Choices --------------------------------------------------------------------------------- */

/* From a seed. Each has a taste of its own: some like the first choice, some the last, some none.
 */
struct disk_random {
    struct disk_choices choices;
    uint64_t state;
    uint32_t taste;
};
void disk_random_init(struct disk_random *random, uint64_t seed);

/* All combinations, one after the other: init, then use and next until it says false. Looks at the
 * first DISK_TAPE_MAX choices; later ones are always 0. */
#define DISK_TAPE_MAX 64u
struct disk_tape {
    struct disk_choices choices;
    uint32_t used;
    bool is_too_short;
    uint32_t choice[DISK_TAPE_MAX];
    uint32_t count[DISK_TAPE_MAX];
};
void disk_tape_init(struct disk_tape *tape);
bool disk_tape_next(struct disk_tape *tape);
/* How many combinations the choices asked for since the last next() span; UINT64_MAX: more than
 * fit the tape. */
uint64_t disk_tape_span(const struct disk_tape *tape);
/* Into how many states a loss of power could bring the disk now; likewise. */
uint64_t disk_power_off_span(const struct disk *disk);
