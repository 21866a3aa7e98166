/* vfs.c - what can be said with struct vfs alone. */
#include "base/vfs.h"

#include "base/slice.h"

#include <stdio.h>
#include <stdlib.h>

void vfs_file_close(struct vfs_file *file)
{
    if (file != NULL) {
        file->methods->close(file);
    }
}

void vfs_file_closep(struct vfs_file **file)
{
    vfs_file_close(*file);
}

struct ever_err vfs_path(const char *dir, const char *name,
                         char out_path[static VFS_PATH_BYTES_MAX])
{
    int size = snprintf(out_path, VFS_PATH_BYTES_MAX, "%s/%s", dir, name);
    if (size < 0 || size >= VFS_PATH_BYTES_MAX) {
        return FAIL(EVER_LIMIT, "path is too long");
    }
    return ERR_OK;
}

struct ever_err vfs_open_fresh(struct vfs *vfs, const char *path, unsigned flags,
                               struct vfs_file **out_file)
{
    flags |= VFS_WRITE | VFS_CREATE;
    struct ever_err err = vfs->open(vfs, path, flags, out_file);
    if (err.code == EVER_BUSY) {
        TRY(vfs->remove(vfs, path));
        err = vfs->open(vfs, path, flags, out_file);
    }
    return err;
}

static struct ever_err write_and_sync(struct vfs *vfs, const char *path, struct ever_slice bytes)
{
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(vfs_open_fresh(vfs, path, 0, &file));
    TRY(file->methods->write_at(file, 0, bytes, false));
    return file->methods->sync(file);
}

struct ever_err vfs_write_file(struct vfs *vfs, const char *dir, const char *name,
                               struct ever_slice bytes)
{
    char path[VFS_PATH_BYTES_MAX];
    char path_tmp[VFS_PATH_BYTES_MAX];
    TRY(vfs_path(dir, name, path));
    if (snprintf(path_tmp, sizeof path_tmp, "%s.tmp", path) >= (int)sizeof path_tmp) {
        return FAIL(EVER_LIMIT, "path is too long");
    }
    TRY(write_and_sync(vfs, path_tmp, bytes));
    TRY(vfs->rename(vfs, path_tmp, path));
    return vfs->sync_dir(vfs, dir);
}

struct ever_err vfs_read_file(struct vfs *vfs, const char *path, size_t size_max, char **out_data,
                              size_t *out_size)
{
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(vfs->open(vfs, path, 0, &file));
    uint64_t size;
    TRY(file->methods->size(file, &size));
    if (size > size_max) {
        return FAIL(EVER_LIMIT, "file is longer than expected");
    }
    char *data = malloc((size_t)size + 1);
    if (data == NULL) {
        return FAIL(EVER_NO_MEMORY, "read file");
    }
    struct ever_err err = file->methods->read_at(file, 0, data, (size_t)size, out_size);
    if (!IS_OK(err)) {
        free(data);
        return err;
    }
    data[*out_size] = '\0'; /* a text can be read as one */
    *out_data = data;
    return ERR_OK;
}
