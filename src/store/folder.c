#include "store/folder.h"

#include "base/assert.h"
#include "base/slice.h"
#include "base/uuid.h"

#include <stdio.h>
#include <string.h>

#define STORE_FORMAT 1
#define STORE_FILE_BYTES_MAX 256
#define PARENT_OF_CURRENT "."
#define LOG_LINE "log begun" /* of the file `store`, once there is a log that could be missed */

/* --- What is there --------------------------------------------------------------------------- */

struct content {
    bool has_store;
    bool has_other; /* names that an interrupted creation does not leave */
};

static struct ever_err look_at_name(void *arg, const char *name)
{
    struct content *content = arg;
    if (strcmp(name, "store") == 0) {
        content->has_store = true;
    } else if (strcmp(name, "lock") != 0 && strcmp(name, "store.new") != 0) {
        content->has_other = true;
    }
    return ERR_OK;
}

static struct ever_err look(struct vfs *vfs, const char *dir, struct content *out_content)
{
    *out_content = (struct content){0};
    TRY(vfs->list(vfs, dir, look_at_name, out_content));
    if (!out_content->has_store && out_content->has_other) {
        return FAIL(EVER_FOREIGN, "data folder holds other things");
    }
    return ERR_OK;
}

/* --- The file `store` ------------------------------------------------------------------------ */

static struct ever_err read_small(struct vfs *vfs, const char *path,
                                  char out_text[static STORE_FILE_BYTES_MAX],
                                  struct ever_slice *out)
{
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(vfs->open(vfs, path, 0, &file));
    size_t size;
    TRY(file->methods->read_at(file, 0, out_text, STORE_FILE_BYTES_MAX, &size));
    *out = slice_of(out_text, size);
    return ERR_OK;
}

/* Cuts the next line off, without its end. */
static struct ever_slice next_line(struct ever_slice *text)
{
    size_t end = slice_find_byte(*text, '\n');
    struct ever_slice line = slice_first(*text, end);
    *text = slice_from(*text, end < text->size ? end + 1 : end);
    return line;
}

static struct ever_slice value_of(struct ever_slice line, const char *name)
{
    struct ever_slice prefix = slice_of_text(name);
    return slice_starts_with(line, prefix) ? slice_from(line, prefix.size) : SLICE_NONE;
}

static struct ever_err parse(struct ever_slice text, struct folder *folder)
{
    if (!slice_is(next_line(&text), "everfold store")) {
        return FAIL(EVER_FOREIGN, "file `store` is not Everfold's");
    }
    uint64_t format;
    if (!slice_parse_u64(value_of(next_line(&text), "format "), &format)) {
        return FAIL(EVER_CORRUPT, "file `store`: format");
    }
    if (format != STORE_FORMAT) {
        return FAIL(EVER_UNSUPPORTED, "data folder of another version");
    }
    if (!uuid_parse(value_of(next_line(&text), "id "), &folder->store_id)) {
        return FAIL(EVER_CORRUPT, "file `store`: id");
    }
    folder->has_log = slice_is(next_line(&text), LOG_LINE);
    return ERR_OK;
}

static struct ever_err read_store_file(struct folder *folder, const char *dir)
{
    char path[VFS_PATH_BYTES_MAX];
    char text[STORE_FILE_BYTES_MAX];
    struct ever_slice content;
    TRY(vfs_path(dir, "store", path));
    TRY(read_small(folder->vfs, path, text, &content));
    return parse(content, folder);
}

static struct ever_err write_new(struct vfs *vfs, const char *path, struct ever_slice bytes)
{
    struct ever_err err = vfs->remove(vfs, path); /* what an interrupted creation left */
    if (!IS_OK(err) && err.code != EVER_NOT_FOUND) {
        return err;
    }
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(vfs->open(vfs, path, VFS_WRITE | VFS_CREATE, &file));
    TRY(file->methods->write_at(file, 0, bytes, false));
    return file->methods->sync(file);
}

static struct ever_err write_store_file(struct folder *folder, const char *dir)
{
    char path[VFS_PATH_BYTES_MAX];
    char beside[VFS_PATH_BYTES_MAX];
    char text[STORE_FILE_BYTES_MAX];
    char id[UUID_TEXT_BYTES];
    TRY(vfs_path(dir, "store", path));
    TRY(vfs_path(dir, "store.new", beside));
    uuid_format(folder->store_id, id);
    int size = snprintf(text, sizeof text, "everfold store\nformat %d\nid %.*s\n%s", STORE_FORMAT,
                        UUID_TEXT_BYTES, id, folder->has_log ? LOG_LINE "\n" : "");
    TRY(write_new(folder->vfs, beside, slice_of(text, (size_t)size)));
    TRY(folder->vfs->rename(folder->vfs, beside, path));
    return folder->vfs->sync_dir(folder->vfs, dir);
}

/* --- Opening --------------------------------------------------------------------------------- */

/* "a/b/" -> "a", "b" -> ".", "/b" -> "/". */
static struct ever_err parent_of(const char *dir, char out_parent[static VFS_PATH_BYTES_MAX])
{
    struct ever_slice path = slice_of_text(dir);
    while (path.size > 1 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    while (path.size > 0 && path.data[path.size - 1] != '/') {
        path.size--;
    }
    while (path.size > 1 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    if (path.size == 0) {
        path = slice_of_text(PARENT_OF_CURRENT);
    }
    int size = snprintf(out_parent, VFS_PATH_BYTES_MAX, "%.*s", SLICE_PRINT(path));
    return size < VFS_PATH_BYTES_MAX ? ERR_OK : FAIL(EVER_LIMIT, "path of the data folder");
}

static struct ever_err skip_name(void *arg, const char *name)
{
    (void)arg; /* that there is a folder to be listed is all */
    (void)name;
    return ERR_OK;
}

static struct ever_err check_log_dir(struct folder *folder)
{
    struct ever_err err = folder->vfs->list(folder->vfs, folder->log_dir, skip_name, NULL);
    return err.code == EVER_NOT_FOUND ? FAIL(EVER_NOT_FOUND, "the folder log/ is gone") : err;
}

/* A log that is missed is not begun anew: a whole copy may still come back to its place. */
static struct ever_err make_dirs(struct folder *folder, const char *dir)
{
    if (folder->has_log) {
        TRY(check_log_dir(folder));
    }
    TRY(folder->vfs->make_dir(folder->vfs, folder->log_dir));
    TRY(folder->vfs->make_dir(folder->vfs, folder->index_dir));
    return folder->vfs->sync_dir(folder->vfs, dir);
}

static struct ever_err open_to_write(struct folder *folder, struct env *env, const char *dir)
{
    char lock_path[VFS_PATH_BYTES_MAX];
    char parent[VFS_PATH_BYTES_MAX];
    TRY(vfs_path(dir, "lock", lock_path));
    TRY(parent_of(dir, parent));
    struct ever_err err = folder->vfs->make_dir(folder->vfs, dir);
    if (err.code == EVER_BUSY) {
        return FAIL_ERRNO(EVER_FOREIGN, err.sys_errno, "data folder is no folder");
    }
    TRY(err);
    struct content content;
    TRY(look(folder->vfs, dir, &content)); /* before the first byte is written there */
    if (content.has_store) {
        TRY(read_store_file(folder, dir)); /* it may be somebody else's of that name */
    }
    TRY(folder->vfs->lock(folder->vfs, lock_path, &folder->lock));
    TRY(look(folder->vfs, dir, &content)); /* the one before us may just have made it */
    if (!content.has_store) {
        TRY(folder->vfs->sync_dir(folder->vfs, parent));
        folder->store_id = uuid_v4(env);
        TRY(write_store_file(folder, dir));
    }
    TRY(read_store_file(folder, dir));
    return make_dirs(folder, dir);
}

static struct ever_err open_to_read(struct folder *folder, const char *dir)
{
    struct content content;
    TRY(look(folder->vfs, dir, &content));
    if (!content.has_store) {
        return FAIL(EVER_NOT_FOUND, "store");
    }
    TRY(read_store_file(folder, dir));
    return folder->has_log ? check_log_dir(folder) : ERR_OK;
}

struct ever_err folder_open(struct vfs *vfs, struct env *env, const char *dir, bool read_only,
                            struct folder *out_folder)
{
    *out_folder = (struct folder){.vfs = vfs};
    TRY(vfs_path(dir, "log", out_folder->log_dir));
    TRY(vfs_path(dir, "index", out_folder->index_dir));
    struct ever_err err =
        read_only ? open_to_read(out_folder, dir) : open_to_write(out_folder, env, dir);
    if (!IS_OK(err)) {
        folder_close(out_folder);
    }
    return err;
}

struct ever_err folder_note_log(struct folder *folder, const char *dir)
{
    ASSERT(folder->lock != NULL);
    ASSERT(!folder->has_log);
    folder->has_log = true;
    return write_store_file(folder, dir);
}

void folder_close(struct folder *folder)
{
    folder->vfs->unlock(folder->vfs, folder->lock);
    folder->lock = NULL;
}
