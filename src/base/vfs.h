/* vfs.h - every file operation of the log and the store, as tables of functions.
 *
 * vfs_real() is the operating system. Tests put a simulated disk in its place, which fails, tears
 * and forgets. Nothing in src/log/ and src/store/ may reach a file in another way.
 *
 * Threads: vfs_real() may be used from any thread; a file too, but for writes one thread at a time.
 * Errors:  EVER_NOT_FOUND, EVER_BUSY (lock), EVER_NO_SPACE, EVER_NO_MEMORY, else EVER_IO; each with
 *          sys_errno. EINTR and short transfers are handled below this line. */
#pragma once
#include "base/err.h"

enum vfs_open_flags {
    VFS_WRITE = 1 << 0,  /* else read only */
    VFS_CREATE = 1 << 1, /* make it; EVER_BUSY when it exists already */
    VFS_DIRECT =
        1 << 2, /* past the page cache where possible; then align to vfs_file_alignment() */
};

struct vfs_file;
struct vfs_lock;

struct vfs_file_methods {
    /* Reads up to `size` bytes; fewer only at the end of the file. */
    struct ever_err (*read_at)(struct vfs_file *file, uint64_t offset, void *buffer, size_t size,
                               size_t *out_size);
    /* Writes all bytes or fails. `durable`: they are on disk when it returns OK. */
    struct ever_err (*write_at)(struct vfs_file *file, uint64_t offset, struct ever_slice bytes,
                                bool durable);
    struct ever_err (*sync)(struct vfs_file *file); /* data and size reach the disk */
    struct ever_err (*size)(struct vfs_file *file, uint64_t *out_size);
    struct ever_err (*make_read_only)(struct vfs_file *file); /* mode 0444; further if permitted */
    /* Maps the whole file for reading; lent until close. */
    struct ever_err (*map)(struct vfs_file *file, struct ever_slice *out_bytes);
    void (*close)(struct vfs_file *file); /* NULL-safe. */
};
struct vfs_file {
    const struct vfs_file_methods *methods;
    uint32_t alignment; /* of offset, size and memory for VFS_DIRECT; a power of two, >= 512 */
    bool direct;        /* VFS_DIRECT was asked for and granted */
};

typedef struct ever_err vfs_list_fn(void *arg, const char *name);

struct vfs {
    struct ever_err (*open)(struct vfs *vfs, const char *path, unsigned flags,
                            struct vfs_file **out_file);
    struct ever_err (*list)(struct vfs *vfs, const char *dir, vfs_list_fn *each, void *arg);
    struct ever_err (*make_dir)(struct vfs *vfs, const char *path); /* OK when it exists */
    struct ever_err (*rename)(struct vfs *vfs, const char *from, const char *to); /* replaces */
    struct ever_err (*remove)(struct vfs *vfs, const char *path); /* for what can be rebuilt only */
    struct ever_err (*sync_dir)(struct vfs *vfs, const char *path);
    /* Held until released or the process ends. EVER_BUSY: another has it. */
    struct ever_err (*lock)(struct vfs *vfs, const char *path, struct vfs_lock **out_lock);
    void (*unlock)(struct vfs *vfs, struct vfs_lock *lock); /* NULL-safe. */
};

struct vfs *vfs_real(void);

void vfs_file_close(struct vfs_file *file); /* NULL-safe. */
void vfs_file_closep(struct vfs_file **file);
