/* Catches: a file operation of the operating system that does not do, or does not report, what
 * base/vfs.h promises: bytes, sizes, locks, names, replacing a file at once. */
#include "unit/unit.h"

#include "base/vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char dir[32];
    char path[64];
};

static struct folder make_folder(void)
{
    struct folder folder = {.dir = "/tmp/everfold-vfs-XXXXXX"};
    assert_non_null(mkdtemp(folder.dir));
    snprintf(folder.path, sizeof folder.path, "%s/file", folder.dir);
    return folder;
}

static void remove_folder(struct folder *folder)
{
    unlink(folder->path); /* some tests have no file */
    assert_int_equal(rmdir(folder->dir), 0);
}

static struct vfs_file *open_file(const char *path, unsigned flags)
{
    struct vfs_file *file;
    assert_ok(vfs_real()->open(vfs_real(), path, flags, &file));
    return file;
}

static void what_is_written_is_read(void **state)
{
    (void)state; /* cmocka's signature */
    struct folder folder = make_folder();
    struct vfs_file *file = open_file(folder.path, VFS_WRITE | VFS_CREATE);
    char bytes[16];
    size_t got;
    uint64_t size;
    assert_ok(file->methods->map(file)); /* empty: does nothing */
    assert_ok(file->methods->read_at(file, 0, bytes, sizeof bytes, &got));
    assert_int_equal(got, 0);
    assert_ok(file->methods->write_at(file, 6, SLICE_LITERAL("world"), false));
    assert_ok(file->methods->write_at(file, 0, SLICE_LITERAL("hello "), true));
    assert_ok(file->methods->sync(file));
    assert_ok(file->methods->size(file, &size));
    assert_int_equal(size, 11);
    assert_ok(file->methods->read_at(file, 3, bytes, sizeof bytes, &got));
    assert_slice(slice_of(bytes, got), "lo world");
    assert_ok(file->methods->read_at(file, 11, bytes, sizeof bytes, &got));
    assert_int_equal(got, 0);
    assert_ok(file->methods->make_read_only(file));
    vfs_file_close(file);

    struct stat status;
    assert_int_equal(stat(folder.path, &status), 0);
    assert_int_equal(status.st_mode & 0222, 0);
    file = open_file(folder.path, 0);
    assert_ok(file->methods->map(file));
    assert_ok(file->methods->read_at(file, 3, bytes, sizeof bytes, &got));
    assert_slice(slice_of(bytes, got), "lo world");
    assert_ok(file->methods->read_at(file, 11, bytes, sizeof bytes, &got));
    assert_int_equal(got, 0);
    assert_int_equal(file->methods->write_at(file, 0, SLICE_LITERAL("x"), false).code, EVER_IO);
    vfs_file_close(file);
    vfs_file_close(NULL);
    remove_folder(&folder);
}

/* Whether direct I/O is granted depends on the file system; what is asked of the caller does not.
 */
static void direct_files_keep_to_their_alignment(void **state)
{
    (void)state; /* cmocka's signature */
    struct folder folder = make_folder();
    struct vfs_file *file = open_file(folder.path, VFS_WRITE | VFS_CREATE | VFS_DIRECT);
    uint32_t alignment = file->alignment;
    assert_true(alignment >= 512);
    assert_int_equal(alignment & (alignment - 1), 0);
    char *bytes = aligned_alloc(alignment, 3 * (size_t)alignment);
    memset(bytes, 'b', 3 * (size_t)alignment);
    assert_ok(file->methods->write_at(file, 0, slice_of(bytes, 2 * (size_t)alignment), true));
    memset(bytes, 'c', 3 * (size_t)alignment);
    size_t got;
    assert_ok(file->methods->read_at(file, alignment, bytes, 2 * (size_t)alignment, &got));
    assert_int_equal(got, alignment);
    assert_int_equal(bytes[0], 'b');
    assert_int_equal(bytes[alignment - 1], 'b');
    vfs_file_close(file);
    /* The end need not be aligned. */
    file = open_file(folder.path, VFS_WRITE);
    assert_ok(file->methods->write_at(file, 2 * (uint64_t)alignment, SLICE_LITERAL("xyz"), false));
    vfs_file_close(file);
    file = open_file(folder.path, VFS_DIRECT);
    assert_ok(file->methods->read_at(file, alignment, bytes, 3 * (size_t)alignment, &got));
    assert_int_equal(got, alignment + 3);
    vfs_file_close(file);
    free(bytes);
    remove_folder(&folder);
}

static void says_what_is_wrong_with_a_name(void **state)
{
    (void)state; /* cmocka's signature */
    struct folder folder = make_folder();
    struct vfs *vfs = vfs_real();
    struct vfs_file *file;
    struct ever_err err = vfs->open(vfs, folder.path, 0, &file);
    assert_int_equal(err.code, EVER_NOT_FOUND);
    assert_int_equal(err.sys_errno, ENOENT);
    vfs_file_close(open_file(folder.path, VFS_WRITE | VFS_CREATE));
    assert_err(vfs->open(vfs, folder.path, VFS_WRITE | VFS_CREATE, &file), EVER_BUSY);
    assert_ok(vfs_open_fresh(vfs, folder.path, 0, &file));
    vfs_file_close(file);
    assert_err(vfs->make_dir(vfs, folder.path), EVER_BUSY);
    assert_ok(vfs->make_dir(vfs, folder.dir));
    assert_ok(vfs->remove(vfs, folder.path));
    assert_err(vfs->remove(vfs, folder.path), EVER_NOT_FOUND);
    assert_err(vfs->rename(vfs, folder.path, folder.path), EVER_NOT_FOUND);
    assert_err(vfs->sync_dir(vfs, folder.path), EVER_NOT_FOUND);
    char path[VFS_PATH_BYTES_MAX];
    char name[VFS_PATH_BYTES_MAX];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_err(vfs_path(folder.dir, name, path), EVER_LIMIT);
    remove_folder(&folder);
}

static struct ever_err count_name(void *arg, const char *name)
{
    assert_string_equal(name, "file");
    ++*(int *)arg;
    return ERR_OK;
}

static struct ever_err refuse_name(void *arg, const char *name)
{
    (void)arg;  /* any folder */
    (void)name; /* any name */
    return FAIL(EVER_LIMIT, "enough");
}

static void replaces_a_file_at_once(void **state)
{
    (void)state; /* cmocka's signature */
    struct folder folder = make_folder();
    struct vfs *vfs = vfs_real();
    char tmp[80];
    snprintf(tmp, sizeof tmp, "%s.tmp", folder.path);
    vfs_file_close(open_file(tmp, VFS_WRITE | VFS_CREATE)); /* left by a crash */
    assert_ok(vfs_write_file(vfs, folder.dir, "file", SLICE_LITERAL("one and only")));
    assert_ok(vfs_write_file(vfs, folder.dir, "file", SLICE_LITERAL("two")));
    int count = 0;
    assert_ok(vfs->list(vfs, folder.dir, count_name, &count));
    assert_int_equal(count, 1);
    assert_err(vfs->list(vfs, folder.dir, refuse_name, NULL), EVER_LIMIT);
    assert_err(vfs->list(vfs, folder.path, count_name, &count), EVER_IO);
    char *data;
    size_t size;
    assert_ok(vfs_read_file(vfs, folder.path, 3, &data, &size));
    assert_slice(slice_of(data, size), "two");
    assert_string_equal(data, "two");
    free(data);
    assert_err(vfs_read_file(vfs, folder.path, 2, &data, &size), EVER_LIMIT);
    remove_folder(&folder);
}

static void one_holds_a_lock(void **state)
{
    (void)state; /* cmocka's signature */
    struct folder folder = make_folder();
    struct vfs *vfs = vfs_real();
    struct vfs_lock *lock;
    struct vfs_lock *other;
    assert_ok(vfs->lock(vfs, folder.path, &lock));
    assert_err(vfs->lock(vfs, folder.path, &other), EVER_BUSY);
    vfs->unlock(vfs, lock);
    assert_ok(vfs->lock(vfs, folder.path, &lock));
    vfs->unlock(vfs, lock);
    vfs->unlock(vfs, NULL);
    remove_folder(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(direct_files_keep_to_their_alignment),
        cmocka_unit_test(says_what_is_wrong_with_a_name),
        cmocka_unit_test(replaces_a_file_at_once),
        cmocka_unit_test(one_holds_a_lock),
    };
    return cmocka_run_group_tests_name("vfs", tests, NULL, NULL);
}
