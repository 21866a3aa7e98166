/* disk.c - files, names, faults and the loss of power. The vfs on top of it: disk_vfs.c. */
#include "disk_priv.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"

#include <stdlib.h>
#include <string.h>

/* --- Nodes: what a file is ------------------------------------------------------------------- */

struct disk_node *disk_node_create(struct disk *disk, bool is_dir)
{
    struct disk_node *node = mem_alloc_zero(sizeof *node);
    node->is_dir = is_dir;
    node->next = disk->nodes;
    disk->nodes = node;
    return node;
}

static void node_free(struct disk_node *node)
{
    free(node->seen);
    free(node->medium);
    free(node->dirty);
    free(node);
}

void disk_node_reserve(struct disk_node *node, size_t size)
{
    if (size <= node->capacity) {
        return;
    }
    size_t capacity = node->capacity == 0 ? 8 * DISK_SECTOR_BYTES : node->capacity;
    while (capacity < size) {
        capacity *= 2;
    }
    size_t sectors = capacity / DISK_SECTOR_BYTES;
    size_t sectors_before = node->capacity / DISK_SECTOR_BYTES;
    node->seen = mem_grow(node->seen, capacity);
    node->medium = mem_grow(node->medium, capacity);
    node->dirty = mem_grow(node->dirty, sectors);
    memset(node->seen + node->capacity, 0, capacity - node->capacity);
    memset(node->medium + node->capacity, 0, capacity - node->capacity);
    memset(node->dirty + sectors_before, 0, sectors - sectors_before);
    node->capacity = capacity;
}

static size_t sectors_of(size_t size)
{
    return (size + DISK_SECTOR_BYTES - 1) / DISK_SECTOR_BYTES;
}

void disk_node_write(struct disk_node *node, uint64_t offset, struct ever_slice bytes)
{
    if (bytes.size == 0) {
        return;
    }
    size_t end = (size_t)offset + bytes.size;
    disk_node_reserve(node, end);
    memcpy(node->seen + offset, bytes.data, bytes.size);
    for (size_t i = (size_t)offset / DISK_SECTOR_BYTES; i < sectors_of(end); i++) {
        node->dirty[i] = true;
    }
    node->seen_size = end > node->seen_size ? end : node->seen_size;
}

void disk_node_sync(struct disk_node *node, uint64_t offset, size_t size)
{
    size_t end = sectors_of((size_t)offset + size);
    for (size_t i = (size_t)offset / DISK_SECTOR_BYTES; i < end; i++) {
        if (node->dirty[i]) {
            size_t at = i * DISK_SECTOR_BYTES;
            memcpy(node->medium + at, node->seen + at, DISK_SECTOR_BYTES);
            node->dirty[i] = false;
        }
    }
    node->medium_size = node->seen_size;
}

/* After this, what is seen is what the medium holds. */
static void settle(struct disk_node *node)
{
    if (node->capacity == 0) {
        return;
    }
    size_t size = node->medium_size;
    memset(node->medium + size, 0, node->capacity - size);
    memcpy(node->seen, node->medium, node->capacity);
    memset(node->dirty, 0, node->capacity / DISK_SECTOR_BYTES);
    node->seen_size = size;
}

void disk_node_half_sync(struct disk_node *node, struct disk_choices *choices)
{
    for (size_t i = 0; i < node->capacity / DISK_SECTOR_BYTES; i++) {
        if (node->dirty[i] && choices->choose(choices, 2) == 0) {
            size_t at = i * DISK_SECTOR_BYTES;
            memcpy(node->medium + at, node->seen + at, DISK_SECTOR_BYTES);
        }
    }
    if (node->seen_size != node->medium_size && choices->choose(choices, 2) == 0) {
        node->medium_size = node->seen_size;
    }
    settle(node);
}

enum sector_fate { SECTOR_NEW, SECTOR_OLD, SECTOR_ZERO, SECTOR_GARBAGE, SECTOR_FATES };

static void fill_garbage(char *out)
{
    uint32_t state = 0x2545f491;
    for (size_t i = 0; i < DISK_SECTOR_BYTES; i++) {
        state = state * 1664525 + 1013904223;
        out[i] = (char)(state >> 24);
    }
}

static void decide_sector(struct disk_node *node, size_t sector, struct disk_choices *choices)
{
    char *medium = node->medium + sector * DISK_SECTOR_BYTES;
    const char *seen = node->seen + sector * DISK_SECTOR_BYTES;
    switch ((enum sector_fate)choices->choose(choices, SECTOR_FATES)) {
    case SECTOR_NEW:
        memcpy(medium, seen, DISK_SECTOR_BYTES);
        break;
    case SECTOR_ZERO:
        memset(medium, 0, DISK_SECTOR_BYTES);
        break;
    case SECTOR_GARBAGE:
        fill_garbage(medium);
        break;
    case SECTOR_OLD:
    case SECTOR_FATES:
        break;
    }
}

/* A run of sectors that only brings zeroes where there was nothing is decided as one: whether the
 * medium had it or not looks the same. */
static bool is_fill(const struct disk_node *node, size_t sector)
{
    static const char zeroes[DISK_SECTOR_BYTES];
    size_t at = sector * DISK_SECTOR_BYTES;
    return memcmp(node->seen + at, zeroes, sizeof zeroes) == 0 &&
           memcmp(node->medium + at, zeroes, sizeof zeroes) == 0;
}

static size_t decide_fill(struct disk_node *node, size_t sector, struct disk_choices *choices)
{
    size_t last = sector;
    size_t count = node->capacity / DISK_SECTOR_BYTES;
    while (last + 1 < count && node->dirty[last + 1] && is_fill(node, last + 1)) {
        last++;
    }
    switch (choices->choose(choices, 3)) {
    case 1:
        fill_garbage(node->medium + sector * DISK_SECTOR_BYTES);
        break;
    case 2:
        fill_garbage(node->medium + last * DISK_SECTOR_BYTES);
        break;
    default:
        break;
    }
    return last;
}

static void decide_node(struct disk_node *node, struct disk_choices *choices)
{
    if (node == NULL) {
        return;
    }
    for (size_t i = 0; i < node->capacity / DISK_SECTOR_BYTES; i++) {
        if (node->dirty[i] && is_fill(node, i)) {
            i = decide_fill(node, i, choices);
        } else if (node->dirty[i]) {
            decide_sector(node, i, choices);
        }
    }
    if (node->seen_size != node->medium_size && choices->choose(choices, 2) == 0) {
        node->medium_size = node->seen_size;
    }
    settle(node);
}

/* --- Names ----------------------------------------------------------------------------------- */

static struct disk_name *find_name(const struct disk *disk, const char *path)
{
    for (uint32_t i = 0; i < disk->name_count; i++) {
        if (strcmp(disk->names[i].path, path) == 0) {
            return &disk->names[i];
        }
    }
    return NULL;
}

struct disk_node *disk_find(const struct disk *disk, const char *path)
{
    struct disk_name *name = find_name(disk, path);
    return name == NULL ? NULL : name->seen;
}

static struct disk_name *add_name(struct disk *disk, const char *path)
{
    disk->names = mem_grow(disk->names, (disk->name_count + 1) * sizeof *disk->names);
    struct disk_name *name = &disk->names[disk->name_count++];
    *name = (struct disk_name){.path = mem_copy_text((struct ever_slice){path, strlen(path)})};
    return name;
}

void disk_link(struct disk *disk, const char *path, struct disk_node *node)
{
    struct disk_name *name = find_name(disk, path);
    if (name == NULL) {
        name = add_name(disk, path);
    }
    name->seen = node;
}

static bool is_in(const char *path, const char *dir)
{
    size_t size = strlen(dir);
    return strncmp(path, dir, size) == 0 && path[size] == '/' &&
           strchr(path + size + 1, '/') == NULL;
}

void disk_sync_names(struct disk *disk, const char *dir)
{
    for (uint32_t i = 0; i < disk->name_count; i++) {
        if (is_in(disk->names[i].path, dir)) {
            disk->names[i].medium = disk->names[i].seen;
        }
    }
}

static void decide_names(struct disk *disk, struct disk_choices *choices)
{
    for (uint32_t i = 0; i < disk->name_count; i++) {
        struct disk_name *name = &disk->names[i];
        if (name->seen != name->medium && choices->choose(choices, 2) == 0) {
            name->medium = name->seen;
        }
        name->seen = name->medium;
    }
}

/* A folder that is not there has nothing in it. */
static void forget_orphans(struct disk *disk)
{
    for (uint32_t i = 0; i < disk->name_count; i++) {
        char parent[VFS_PATH_BYTES_MAX];
        const char *path = disk->names[i].path;
        const char *slash = strrchr(path, '/');
        if (slash == NULL || slash == path) {
            continue;
        }
        memcpy(parent, path, (size_t)(slash - path));
        parent[slash - path] = '\0';
        if (find_name(disk, parent) != NULL && disk_find(disk, parent) == NULL) {
            disk->names[i].seen = NULL;
            disk->names[i].medium = NULL;
        }
    }
}

/* --- The disk -------------------------------------------------------------------------------- */

struct disk *disk_create(uint32_t alignment)
{
    struct disk *disk = mem_alloc_zero(sizeof *disk);
    disk->alignment = alignment;
    disk->vfs = disk_vfs_methods;
    return disk;
}

static struct disk_node *clone_node(struct disk *clone, const struct disk_node *node)
{
    if (node == NULL) {
        return NULL;
    }
    for (struct disk_node *made = clone->nodes; made != NULL; made = made->next) {
        if (made->origin == node) {
            return made;
        }
    }
    struct disk_node *made = disk_node_create(clone, node->is_dir);
    disk_node_reserve(made, node->capacity);
    if (node->capacity > 0) {
        memcpy(made->seen, node->seen, node->capacity);
        memcpy(made->medium, node->medium, node->capacity);
        memcpy(made->dirty, node->dirty, node->capacity / DISK_SECTOR_BYTES);
    }
    made->seen_size = node->seen_size;
    made->medium_size = node->medium_size;
    made->origin = node;
    return made;
}

struct disk *disk_clone(const struct disk *disk)
{
    ASSERT(disk->open_count == 0);
    struct disk *clone = disk_create(disk->alignment);
    for (uint32_t i = 0; i < disk->name_count; i++) {
        const struct disk_name *name = &disk->names[i];
        if (name->seen != NULL || name->medium != NULL) {
            struct disk_name *made = add_name(clone, name->path);
            made->seen = clone_node(clone, name->seen);
            made->medium = clone_node(clone, name->medium);
        }
    }
    clone->lies = disk->lies;
    return clone;
}

void disk_destroy(struct disk *disk)
{
    if (disk == NULL) {
        return;
    }
    ASSERT(disk->open_count == 0);
    for (uint32_t i = 0; i < disk->name_count; i++) {
        free(disk->names[i].path);
    }
    free(disk->names);
    for (struct disk_node *node = disk->nodes; node != NULL;) {
        struct disk_node *next = node->next;
        node_free(node);
        node = next;
    }
    free(disk);
}

struct vfs *disk_vfs(struct disk *disk)
{
    return &disk->vfs;
}

void disk_arm(struct disk *disk, enum disk_fault fault, uint64_t call, struct disk_choices *choices)
{
    disk->fault = fault;
    disk->fault_call = call;
    disk->choices = choices;
}

void disk_arm_death(struct disk *disk, uint64_t call)
{
    disk->death_call = call;
}

void disk_disarm(struct disk *disk)
{
    disk->fault = DISK_NO_FAULT;
    disk->choices = NULL;
}

void disk_lie(struct disk *disk, unsigned lies)
{
    disk->lies = lies;
}

uint64_t disk_calls(const struct disk *disk)
{
    return disk->calls;
}

bool disk_is_dead(const struct disk *disk)
{
    return disk->is_dead;
}

void disk_restart(struct disk *disk)
{
    ASSERT(disk->open_count == 0);
    disk_disarm(disk);
    disk->death_call = 0;
    disk->is_dead = false;
    disk->calls = 0;
}

void disk_power_off(struct disk *disk, struct disk_choices *choices)
{
    disk_restart(disk);
    for (uint32_t i = 0; i < disk->name_count; i++) {
        decide_node(disk->names[i].seen, choices);
        decide_node(disk->names[i].medium, choices); /* often the same: then nothing is left */
    }
    decide_names(disk, choices);
    forget_orphans(disk);
}

struct ever_slice disk_peek(const struct disk *disk, const char *path)
{
    const struct disk_node *node = disk_find(disk, path);
    return node == NULL ? SLICE_NONE : slice_of(node->seen, node->seen_size);
}

void disk_poke(struct disk *disk, const char *path, uint64_t offset, struct ever_slice bytes)
{
    struct disk_node *node = disk_find(disk, path);
    ASSERT(node != NULL);
    disk_node_write(node, offset, bytes);
    disk_node_sync(node, offset, bytes.size);
}

void disk_spoil(struct disk *disk, const char *path, uint64_t offset, size_t size)
{
    struct disk_node *node = disk_find(disk, path);
    ASSERT(node != NULL);
    node->spoiled_from = size == 0 ? 0 : offset / DISK_SECTOR_BYTES * DISK_SECTOR_BYTES;
    node->spoiled_to =
        size == 0 ? 0
                  : (offset + size + DISK_SECTOR_BYTES - 1) / DISK_SECTOR_BYTES * DISK_SECTOR_BYTES;
}

void disk_lose(struct disk *disk, const char *path)
{
    struct disk_name *name = find_name(disk, path);
    ASSERT(name != NULL);
    name->seen = NULL;
    name->medium = NULL;
}
