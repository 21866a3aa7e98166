/* disk_vfs.c - struct vfs on the simulated disk, and the faults that befall its calls. */
#include "disk_priv.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct disk_file {
    struct vfs_file base;
    struct disk *disk;
    struct disk_node *node;
    bool can_write;
    bool was_made_read_only; /* by its own writer, who must not write any more */
    bool is_mapped;
};

struct vfs_lock {
    struct vfs_lock *next;
    char *path;
};

/* --- What befalls a call --------------------------------------------------------------------- */

struct call {
    bool runs;    /* its effect happens */
    bool is_full; /* if it needs space, there is none */
    bool is_half; /* it does not run, but some of its effect may show */
    struct ever_err err;
};

static struct ever_err fail_dead(void)
{
    return FAIL(EVER_IO, "the process is dead");
}

static struct call befall(struct disk *disk, enum disk_fault fault)
{
    switch (fault) {
    case DISK_FAIL:
        return (struct call){.is_half = true, .err = FAIL(EVER_IO, "the disk failed")};
    case DISK_FULL:
        return (struct call){.runs = true, .is_full = true};
    case DISK_DIE:
        disk->is_dead = true;
        return (struct call){.is_half = true, .err = fail_dead()};
    case DISK_DIE_AFTER:
        disk->is_dead = true;
        return (struct call){.runs = true, .err = fail_dead()};
    case DISK_NO_FAULT:
        break;
    }
    return (struct call){.runs = true};
}

static struct call begin(struct disk *disk)
{
    if (disk->is_dead) {
        return (struct call){.err = fail_dead()};
    }
    uint64_t number = disk->calls++;
    if (disk->death_call != 0 && number >= disk->death_call) {
        disk->is_dead = true;
        return (struct call){.err = fail_dead()};
    }
    bool is_it = number == disk->fault_call;
    bool lasts = disk->fault == DISK_FULL && number > disk->fault_call;
    return befall(disk, is_it || lasts ? disk->fault : DISK_NO_FAULT);
}

static struct ever_err no_space(void)
{
    return FAIL(EVER_NO_SPACE, "the disk is full");
}

/* --- Files ----------------------------------------------------------------------------------- */

static struct disk_file *ours(struct vfs_file *file)
{
    return (struct disk_file *)file;
}

static void check_alignment(const struct disk_file *file, uint64_t offset, const void *memory,
                            size_t size)
{
    if (file->base.direct) {
        ASSERT(offset % file->base.alignment == 0);
        ASSERT(size % file->base.alignment == 0);
        ASSERT((uintptr_t)memory % file->base.alignment == 0);
    }
}

static struct ever_err file_read_at(struct vfs_file *file, uint64_t offset, void *buffer,
                                    size_t size, size_t *out_size)
{
    const struct disk_node *node = ours(file)->node;
    check_alignment(ours(file), offset, buffer, size);
    struct call call = begin(ours(file)->disk);
    if (call.runs && offset < node->spoiled_to && offset + size > node->spoiled_from) {
        return FAIL_ERRNO(EVER_IO, EIO, "the sectors cannot be read");
    }
    if (call.runs) {
        size_t rest = offset < node->seen_size ? node->seen_size - (size_t)offset : 0;
        *out_size = rest < size ? rest : size;
        if (*out_size > 0) {
            memcpy(buffer, node->seen + offset, *out_size);
        }
    }
    return call.err;
}

/* Some sectors of it, any. */
static void write_half(struct disk_file *file, uint64_t offset, struct ever_slice bytes)
{
    struct disk_choices *choices = file->disk->choices;
    for (size_t at = 0; at < bytes.size; at += DISK_SECTOR_BYTES) {
        size_t rest = bytes.size - at;
        size_t part = rest < DISK_SECTOR_BYTES ? rest : DISK_SECTOR_BYTES;
        if (choices->choose(choices, 2) == 0) {
            disk_node_write(file->node, offset + at, slice_of(bytes.data + at, part));
        }
    }
}

/* As many sectors as there is space for; space is given in pieces that direct I/O can use. */
static struct ever_err write_until_full(struct disk_file *file, uint64_t offset,
                                        struct ever_slice bytes)
{
    struct disk_choices *choices = file->disk->choices;
    size_t piece = file->base.alignment;
    size_t fit = choices->choose(choices, (uint32_t)(bytes.size / piece) + 2) * piece;
    disk_node_write(file->node, offset, slice_first(bytes, fit < bytes.size ? fit : 0));
    return no_space();
}

static struct ever_err file_write_at(struct vfs_file *file, uint64_t offset,
                                     struct ever_slice bytes, bool durable)
{
    struct disk_file *own = ours(file);
    ASSERT(own->can_write);
    ASSERT(!own->was_made_read_only);
    check_alignment(own, offset, bytes.data, bytes.size);
    struct call call = begin(own->disk);
    if (call.is_half) {
        write_half(own, offset, bytes);
    }
    if (call.is_half && durable && !own->disk->is_dead) {
        disk_node_half_sync(own->node, own->disk->choices);
    }
    if (call.is_full && offset + bytes.size > own->node->seen_size) {
        return write_until_full(own, offset, bytes);
    }
    if (call.runs) {
        disk_node_write(own->node, offset, bytes);
    }
    if (call.runs && durable && (own->disk->lies & DISK_LIE_WRITE) == 0) {
        disk_node_sync(own->node, offset, bytes.size);
    }
    return call.err;
}

static struct ever_err file_sync(struct vfs_file *file)
{
    struct disk_file *own = ours(file);
    struct call call = begin(own->disk);
    if (call.runs && (own->disk->lies & DISK_LIE_SYNC) == 0) {
        disk_node_sync(own->node, 0, own->node->capacity);
    }
    if (call.is_half && !own->disk->is_dead) {
        disk_node_half_sync(own->node, own->disk->choices);
    }
    return call.err;
}

static struct ever_err file_size(struct vfs_file *file, uint64_t *out_size)
{
    struct call call = begin(ours(file)->disk);
    *out_size = ours(file)->node->seen_size;
    return call.err;
}

static struct ever_err file_make_read_only(struct vfs_file *file)
{
    struct call call = begin(ours(file)->disk);
    if (call.runs) {
        ours(file)->node->is_read_only = true;
        ours(file)->was_made_read_only = true;
    }
    return call.err;
}

static struct ever_err file_map(struct vfs_file *file)
{
    struct disk_file *own = ours(file);
    ASSERT(!own->is_mapped);
    ASSERT(!own->can_write);
    struct call call = begin(own->disk);
    own->is_mapped = IS_OK(call.err);
    return call.err;
}

static void file_close(struct vfs_file *file)
{
    ours(file)->disk->open_count--;
    free(file);
}

static const struct vfs_file_methods disk_file_methods = {
    .read_at = file_read_at,
    .write_at = file_write_at,
    .sync = file_sync,
    .size = file_size,
    .make_read_only = file_make_read_only,
    .map = file_map,
    .close = file_close,
};

/* --- Names ----------------------------------------------------------------------------------- */

static struct disk *disk_of(struct vfs *vfs)
{
    return (struct disk *)vfs;
}

static struct vfs_file *open_node(struct disk *disk, struct disk_node *node, unsigned flags)
{
    struct disk_file *file = mem_alloc_zero(sizeof *file);
    bool direct = (flags & VFS_DIRECT) != 0 && disk->alignment != 0;
    file->base.methods = &disk_file_methods;
    file->base.direct = direct;
    file->base.alignment = direct ? disk->alignment : DISK_SECTOR_BYTES;
    file->disk = disk;
    file->node = node;
    file->can_write = (flags & VFS_WRITE) != 0;
    disk->open_count++;
    return &file->base;
}

static struct ever_err disk_open(struct vfs *vfs, const char *path, unsigned flags,
                                 struct vfs_file **out_file)
{
    struct disk *disk = disk_of(vfs);
    struct call call = begin(disk);
    struct disk_node *node = disk_find(disk, path);
    bool creates = (flags & VFS_CREATE) != 0;
    if (!call.runs) {
        return call.err;
    }
    if (creates && node != NULL) {
        return FAIL(EVER_BUSY, "file exists");
    }
    if (!creates && node == NULL) {
        return FAIL(EVER_NOT_FOUND, "no such file");
    }
    if (!creates && node->is_read_only && (flags & VFS_WRITE) != 0) {
        return FAIL(EVER_IO, "file is read only");
    }
    if (creates && call.is_full) {
        return no_space();
    }
    if (creates) {
        node = disk_node_create(disk, false);
        disk_link(disk, path, node);
    }
    if (IS_OK(call.err)) {
        *out_file = open_node(disk, node, flags);
    }
    return call.err;
}

static struct ever_err disk_list(struct vfs *vfs, const char *dir, vfs_list_fn *each, void *arg)
{
    struct disk *disk = disk_of(vfs);
    struct call call = begin(disk);
    size_t size = strlen(dir);
    for (uint32_t i = 0; call.runs && i < disk->name_count; i++) {
        const struct disk_name *name = &disk->names[i];
        bool is_in = strncmp(name->path, dir, size) == 0 && name->path[size] == '/' &&
                     strchr(name->path + size + 1, '/') == NULL;
        if (is_in && name->seen != NULL) {
            TRY(each(arg, name->path + size + 1));
        }
    }
    return call.err;
}

static struct ever_err disk_make_dir(struct vfs *vfs, const char *path)
{
    struct disk *disk = disk_of(vfs);
    struct call call = begin(disk);
    struct disk_node *node = disk_find(disk, path);
    if (!call.runs || (node != NULL && node->is_dir)) {
        return call.err;
    }
    if (node != NULL) {
        return FAIL(EVER_BUSY, "a file has this name");
    }
    if (call.is_full) {
        return no_space();
    }
    disk_link(disk, path, disk_node_create(disk, true));
    return call.err;
}

static struct ever_err disk_rename(struct vfs *vfs, const char *from, const char *to)
{
    struct disk *disk = disk_of(vfs);
    struct call call = begin(disk);
    struct disk_node *node = disk_find(disk, from);
    if (!call.runs) {
        return call.err;
    }
    if (node == NULL) {
        return FAIL(EVER_NOT_FOUND, "no such file");
    }
    if (call.is_full) {
        return no_space();
    }
    disk_link(disk, to, node);
    disk_link(disk, from, NULL);
    return call.err;
}

static struct ever_err disk_remove(struct vfs *vfs, const char *path)
{
    struct disk *disk = disk_of(vfs);
    struct call call = begin(disk);
    if (call.runs && disk_find(disk, path) == NULL) {
        return FAIL(EVER_NOT_FOUND, "no such file");
    }
    if (call.runs) {
        disk_link(disk, path, NULL);
    }
    return call.err;
}

static struct ever_err disk_sync_dir(struct vfs *vfs, const char *path)
{
    struct disk *disk = disk_of(vfs);
    struct call call = begin(disk);
    if (call.runs && (disk->lies & DISK_LIE_DIR) == 0) {
        disk_sync_names(disk, path);
    }
    return call.err;
}

/* --- Locks ----------------------------------------------------------------------------------- */

static struct ever_err disk_lock(struct vfs *vfs, const char *path, struct vfs_lock **out_lock)
{
    struct disk *disk = disk_of(vfs);
    struct call call = begin(disk);
    if (!IS_OK(call.err)) {
        return call.err; /* a lock dies with its process anyway */
    }
    for (const struct vfs_lock *held = disk->locks; held != NULL; held = held->next) {
        if (strcmp(held->path, path) == 0) {
            return FAIL(EVER_BUSY, "lock is held");
        }
    }
    struct vfs_lock *lock = mem_alloc(sizeof *lock);
    *lock = (struct vfs_lock){.next = disk->locks, .path = mem_copy_text(slice_of_text(path))};
    disk->locks = lock;
    disk->open_count++;
    *out_lock = lock;
    return ERR_OK;
}

static void disk_unlock(struct vfs *vfs, struct vfs_lock *lock)
{
    struct disk *disk = disk_of(vfs);
    if (lock == NULL) {
        return;
    }
    struct vfs_lock **at = &disk->locks;
    while (*at != lock) {
        at = &(*at)->next;
    }
    *at = lock->next;
    disk->open_count--;
    free(lock->path);
    free(lock);
}

const struct vfs disk_vfs_methods = {
    .open = disk_open,
    .list = disk_list,
    .make_dir = disk_make_dir,
    .rename = disk_rename,
    .remove = disk_remove,
    .sync_dir = disk_sync_dir,
    .lock = disk_lock,
    .unlock = disk_unlock,
};
