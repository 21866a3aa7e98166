/* vfs.h - every file operation of the log and the store, as tables of functions.
 *
 * vfs_real() is the operating system. Tests put a simulated disk in its place, which fails, tears
 * and forgets. Nothing in src/log/ and src/store/ may reach a file in another way.
 *
 * Threads: vfs_real() may be used from any thread; a file too, but for writes one thread at a time.
 * Errors:  EVER_NOT_FOUND, EVER_BUSY (lock, file exists), EVER_LIMIT (too many open files),
 *          EVER_NO_SPACE, EVER_NO_MEMORY, else EVER_IO; each with sys_errno. EINTR and short
 *          transfers are handled below this line. */
#pragma once
#include "base/err.h"

enum vfs_open_flags {
    VFS_WRITE = 1 << 0,  /* else read only */
    VFS_CREATE = 1 << 1, /* make it; EVER_BUSY when it exists already */
    VFS_DIRECT = 1 << 2, /* past the page cache where possible; keep to `alignment` either way */
};

struct vfs_file;
struct vfs_lock;

struct vfs_file_methods {
    /* Reads up to `size` bytes; fewer only at the end of the file. EVER_IO with EIO: it is there,
     * but the disk does not give it. */
    struct ever_err (*read_at)(struct vfs_file *file, uint64_t offset, void *buffer, size_t size,
                               size_t *out_size);
    /* Writes all bytes or fails; a failed write may have written some of them. `durable`: they and
     * the size are on disk when it returns OK. */
    struct ever_err (*write_at)(struct vfs_file *file, uint64_t offset, struct ever_slice bytes,
                                bool durable);
    struct ever_err (*sync)(struct vfs_file *file); /* data and size reach the disk */
    struct ever_err (*size)(struct vfs_file *file, uint64_t *out_size);
    struct ever_err (*make_read_only)(struct vfs_file *file); /* takes the write permissions away */
    /* From now on read_at() copies out of memory that the file is mapped to, as long as the file is
     * now: without a system call. An advice: where a bad page could not be caught (base/fault.h),
     * it reads as before. For files that do not change any more. One thread; once. */
    struct ever_err (*map)(struct vfs_file *file);
    void (*close)(struct vfs_file *file); /* not NULL; vfs_file_close() takes that */
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
    /* Calls `each` for every name in it, in any order, until one fails. */
    struct ever_err (*list)(struct vfs *vfs, const char *dir, vfs_list_fn *each, void *arg);
    struct ever_err (*make_dir)(struct vfs *vfs, const char *path); /* OK when it exists */
    struct ever_err (*rename)(struct vfs *vfs, const char *from, const char *to); /* replaces */
    struct ever_err (*remove)(struct vfs *vfs, const char *path); /* for what can be rebuilt only */
    /* What open, rename and remove did to the names in it reaches the disk. */
    struct ever_err (*sync_dir)(struct vfs *vfs, const char *path);
    /* Held until released or the process ends. EVER_BUSY: another has it; the file holds the number
     * of that process. */
    struct ever_err (*lock)(struct vfs *vfs, const char *path, struct vfs_lock **out_lock);
    void (*unlock)(struct vfs *vfs, struct vfs_lock *lock); /* NULL-safe. */
};

struct vfs *vfs_real(void);

void vfs_file_close(struct vfs_file *file); /* NULL-safe. */
void vfs_file_closep(struct vfs_file **file);

#define VFS_PATH_BYTES_MAX 4096

/* Writes dir/name into `out_path`. EVER_LIMIT when it does not fit. */
struct ever_err vfs_path(const char *dir, const char *name,
                         char out_path[static VFS_PATH_BYTES_MAX]);

/* Makes the file for writing; removes what an earlier try may have left under this name. */
struct ever_err vfs_open_fresh(struct vfs *vfs, const char *path, unsigned flags,
                               struct vfs_file **out_file);

/* Writes or replaces the file dir/name at once: after a crash it holds the old bytes or the new
 * ones, whole. Durable when it returns OK. Uses the name `name`.tmp on the way. */
struct ever_err vfs_write_file(struct vfs *vfs, const char *dir, const char *name,
                               struct ever_slice bytes);

/* Gives the whole file in memory to free(). EVER_LIMIT: longer than `size_max`. */
struct ever_err vfs_read_file(struct vfs *vfs, const char *path, size_t size_max, char **out_data,
                              size_t *out_size);
