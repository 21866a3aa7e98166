/* vfs_real.c - the operating system behind struct vfs. */
#include "base/vfs.h"

#include "base/assert.h"
#include "base/fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define ALIGNMENT_MIN 512u
#define ALIGNMENT_SAFE 4096u /* good for every device where nobody says what it needs */

struct real_file {
    struct vfs_file base;
    int fd;
    bool no_dsync;         /* RWF_DSYNC is not known here: sync by a call of its own */
    struct ever_slice map; /* empty: not mapped */
};

struct vfs_lock {
    int fd;
};

static struct ever_err fail_errno(int number, const char *what)
{
    enum ever_code code = err_code_of_errno(number);
    if (number == ENOENT) {
        code = EVER_NOT_FOUND;
    } else if (number == EEXIST || number == EWOULDBLOCK) {
        code = EVER_BUSY;
    } else if (number == EMFILE || number == ENFILE) {
        code = EVER_LIMIT;
    }
    return (struct ever_err){.code = (uint16_t)code, .sys_errno = number, .what = what};
}

#define FAIL_SYSTEM(text) fail_errno(errno, __FILE_NAME__ ":" ERR_TEXT(__LINE__) ": " text)

/* --- Files ----------------------------------------------------------------------------------- */

static struct real_file *real(struct vfs_file *file)
{
    return (struct real_file *)file;
}

/* False: not mapped, or not all of it can be read. Reading it by a call tells how it is. */
static bool read_mapped(const struct real_file *file, uint64_t offset, void *buffer, size_t size,
                        size_t *out_size)
{
    uint64_t rest = offset < file->map.size ? file->map.size - offset : 0;
    *out_size = rest < size ? (size_t)rest : size;
    return rest > 0 && IS_OK(fault_copy(buffer, file->map.data + offset, *out_size));
}

static struct ever_err real_read_at(struct vfs_file *file, uint64_t offset, void *buffer,
                                    size_t size, size_t *out_size)
{
    if (read_mapped(real(file), offset, buffer, size, out_size)) {
        return ERR_OK;
    }
    size_t done = 0;
    while (done < size) {
        ssize_t got =
            pread(real(file)->fd, (char *)buffer + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return FAIL_SYSTEM("read file");
        }
        done += (size_t)got;
        bool off_grid = file->direct && done % file->alignment != 0;
        if (got == 0 || off_grid) {
            break; /* the end; a direct read cannot go on from between two sectors anyway */
        }
    }
    *out_size = done;
    return ERR_OK;
}

static ssize_t write_once(struct real_file *file, uint64_t offset, struct ever_slice bytes,
                          bool durable)
{
    if (!durable || file->no_dsync) {
        return pwrite(file->fd, bytes.data, bytes.size, (off_t)offset);
    }
    struct iovec vector = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.size};
    ssize_t got = pwritev2(file->fd, &vector, 1, (off_t)offset, RWF_DSYNC);
    if (got < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
        file->no_dsync = true;
        return write_once(file, offset, bytes, durable);
    }
    return got;
}

/* What a limit on the size of files cuts off in the middle of a sector, direct I/O calls invalid.
 */
static bool passes_size_limit(uint64_t end)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && end > limit.rlim_cur;
}

static struct ever_err real_sync(struct vfs_file *file)
{
    /* Not repeated after a failure, EINTR or not: a second call could say OK for lost bytes. */
    return fdatasync(real(file)->fd) == 0 ? ERR_OK : FAIL_SYSTEM("sync file");
}

static struct ever_err real_write_at(struct vfs_file *file, uint64_t offset,
                                     struct ever_slice bytes, bool durable)
{
    for (size_t done = 0; done < bytes.size;) {
        struct ever_slice rest = {.data = bytes.data + done, .size = bytes.size - done};
        ssize_t got = write_once(real(file), offset + done, rest, durable);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EINVAL && passes_size_limit(offset + bytes.size)) {
            errno = EFBIG;
        }
        if (got < 0) {
            return FAIL_SYSTEM("write file");
        }
        if (got == 0) {
            return FAIL(EVER_IO, "write file: no progress");
        }
        done += (size_t)got;
    }
    return durable && real(file)->no_dsync ? real_sync(file) : ERR_OK;
}

static struct ever_err real_size(struct vfs_file *file, uint64_t *out_size)
{
    struct stat status;
    if (fstat(real(file)->fd, &status) != 0) {
        return FAIL_SYSTEM("size of file");
    }
    *out_size = (uint64_t)status.st_size;
    return ERR_OK;
}

static struct ever_err real_make_read_only(struct vfs_file *file)
{
    struct stat status;
    if (fstat(real(file)->fd, &status) != 0 ||
        fchmod(real(file)->fd, status.st_mode & 0777 & ~(mode_t)0222) != 0) {
        return FAIL_SYSTEM("make file read only");
    }
    return ERR_OK;
}

static struct ever_err real_map(struct vfs_file *file)
{
    ASSERT(real(file)->map.data == NULL);
    uint64_t size;
    TRY(real_size(file, &size));
    if (size == 0 || !fault_catch()) {
        return ERR_OK; /* an empty file cannot be mapped */
    }
    void *start = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, real(file)->fd, 0);
    if (start == MAP_FAILED) {
        return FAIL_SYSTEM("map file");
    }
    real(file)->map = (struct ever_slice){.data = start, .size = (size_t)size};
    return ERR_OK;
}

static void real_close(struct vfs_file *file)
{
    if (real(file)->map.data != NULL) {
        (void)munmap((void *)(uintptr_t)real(file)->map.data, real(file)->map.size);
    }
    (void)close(real(file)->fd); /* what had to be durable was synced, and that was checked */
    free(file);
}

static const struct vfs_file_methods real_file_methods = {
    .read_at = real_read_at,
    .write_at = real_write_at,
    .sync = real_sync,
    .size = real_size,
    .make_read_only = real_make_read_only,
    .map = real_map,
    .close = real_close,
};

/* --- Opening --------------------------------------------------------------------------------- */

/* What direct I/O on this file must be aligned to; 0 where it is not possible at all. Kernels from
 * 6.1 say it for the common file systems. Trying is no way to learn it: a new file has nothing to
 * read, and a read at its end succeeds with any alignment. */
static uint32_t direct_alignment(int fd)
{
#ifdef STATX_DIOALIGN
    struct statx status;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
        (status.stx_mask & STATX_DIOALIGN) != 0) {
        if (status.stx_dio_offset_align == 0) {
            return 0;
        }
        uint32_t alignment = status.stx_dio_offset_align > status.stx_dio_mem_align
                                 ? status.stx_dio_offset_align
                                 : status.stx_dio_mem_align;
        return alignment < ALIGNMENT_MIN ? ALIGNMENT_MIN : alignment;
    }
#endif
    return ALIGNMENT_SAFE;
}

static int open_fd(const char *path, int flags)
{
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, 0644);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Turns direct I/O on where it is possible. Otherwise forgets the cached pages, so that what is
 * read next is what the disk has: a page whose write failed once looks clean and whole. Dirty pages
 * cannot be forgotten, so they are written first. */
static struct ever_err try_direct(struct real_file *file, int open_flags)
{
    uint32_t alignment = direct_alignment(file->fd);
    if (alignment != 0 && fcntl(file->fd, F_SETFL, open_flags | O_DIRECT) == 0) {
        file->base.direct = true;
        file->base.alignment = alignment;
        return ERR_OK;
    }
    file->base.alignment = ALIGNMENT_SAFE;
    TRY(real_sync(&file->base));
    (void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED); /* an advice, best effort */
    return ERR_OK;
}

static struct ever_err real_open(struct vfs *vfs, const char *path, unsigned flags,
                                 struct vfs_file **out_file)
{
    (void)vfs; /* the real one has no state */
    int open_flags = (flags & VFS_WRITE) != 0 ? O_RDWR : O_RDONLY;
    struct real_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return FAIL(EVER_NO_MEMORY, "open file");
    }
    file->base.methods = &real_file_methods;
    file->base.alignment = ALIGNMENT_MIN;
    file->fd = open_fd(path, open_flags | ((flags & VFS_CREATE) != 0 ? O_CREAT | O_EXCL : 0));
    if (file->fd < 0) {
        struct ever_err err = FAIL_SYSTEM("open file");
        free(file);
        return err;
    }
    if ((flags & VFS_DIRECT) != 0) {
        struct ever_err err = try_direct(file, open_flags);
        if (!IS_OK(err)) {
            real_close(&file->base);
            return err;
        }
    }
    *out_file = &file->base;
    return ERR_OK;
}

/* --- Folders --------------------------------------------------------------------------------- */

static struct ever_err list_stream(DIR *stream, vfs_list_fn *each, void *arg)
{
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            return errno == 0 ? ERR_OK : FAIL_SYSTEM("list folder");
        }
        const char *name = entry->d_name;
        bool dots = name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
        if (!dots) {
            TRY(each(arg, name));
        }
    }
}

static struct ever_err real_list(struct vfs *vfs, const char *dir, vfs_list_fn *each, void *arg)
{
    (void)vfs; /* the real one has no state */
    DIR *stream = opendir(dir);
    if (stream == NULL) {
        return FAIL_SYSTEM("open folder");
    }
    struct ever_err err = list_stream(stream, each, arg);
    (void)closedir(stream); /* only read */
    return err;
}

static struct ever_err real_make_dir(struct vfs *vfs, const char *path)
{
    (void)vfs; /* the real one has no state */
    if (mkdir(path, 0755) == 0) {
        return ERR_OK;
    }
    int number = errno;
    struct stat status;
    if (number == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return ERR_OK;
    }
    errno = number;
    return FAIL_SYSTEM("make folder");
}

static struct ever_err real_rename(struct vfs *vfs, const char *from, const char *to)
{
    (void)vfs; /* the real one has no state */
    return rename(from, to) == 0 ? ERR_OK : FAIL_SYSTEM("rename file");
}

static struct ever_err real_remove(struct vfs *vfs, const char *path)
{
    (void)vfs; /* the real one has no state */
    return unlink(path) == 0 ? ERR_OK : FAIL_SYSTEM("remove file");
}

static struct ever_err real_sync_dir(struct vfs *vfs, const char *path)
{
    (void)vfs; /* the real one has no state */
    int fd = open_fd(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        return FAIL_SYSTEM("open folder");
    }
    struct ever_err err = fsync(fd) == 0 ? ERR_OK : FAIL_SYSTEM("sync folder");
    (void)close(fd); /* only read */
    return err;
}

/* --- Locks ----------------------------------------------------------------------------------- */

/* Who waits at a locked folder wants to know for whom. The lock holds without it too. */
static void write_holder(int fd)
{
    (void)(ftruncate(fd, 0) == 0 && dprintf(fd, "%ld\n", (long)getpid()) > 0);
}

static struct ever_err real_lock(struct vfs *vfs, const char *path, struct vfs_lock **out_lock)
{
    (void)vfs; /* the real one has no state */
    int fd = open_fd(path, O_RDWR | O_CREAT);
    if (fd < 0) {
        return FAIL_SYSTEM("open lock file");
    }
    struct vfs_lock *lock = NULL;
    struct ever_err err = ERR_OK;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        err = FAIL_SYSTEM("lock folder");
    } else if ((lock = malloc(sizeof *lock)) == NULL) {
        err = FAIL(EVER_NO_MEMORY, "lock folder");
    }
    if (!IS_OK(err)) {
        (void)close(fd); /* nothing was written */
        return err;
    }
    write_holder(fd);
    lock->fd = fd;
    *out_lock = lock;
    return ERR_OK;
}

static void real_unlock(struct vfs *vfs, struct vfs_lock *lock)
{
    (void)vfs; /* the real one has no state */
    if (lock != NULL) {
        (void)close(lock->fd); /* releases it */
        free(lock);
    }
}

struct vfs *vfs_real(void)
{
    static struct vfs vfs = {
        .open = real_open,
        .list = real_list,
        .make_dir = real_make_dir,
        .rename = real_rename,
        .remove = real_remove,
        .sync_dir = real_sync_dir,
        .lock = real_lock,
        .unlock = real_unlock,
    };
    return &vfs;
}
