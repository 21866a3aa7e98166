/* segment_files.c - the segment files readers have open: a bounded cache, least recently used goes.
 *
 * A file is opened outside the lock; when two readers open the same one, the second gives his up.
 * A segment that was read while it grew is opened again, and mapped, once it is sealed. */
#include "log/segments_priv.h"

#include "base/assert.h"

#include <errno.h>

/* Under the lock. NULL: it has to be opened. */
static struct segment_file *find_open(struct segments *segments, uint32_t index)
{
    struct segment_file *open = &segments->files[segments_at(segments, index)->file_place];
    bool is_it = open->file != NULL && open->index == index;
    bool is_current = open->is_mapped || segments_is_last(segments, index);
    return is_it && is_current ? open : NULL;
}

/* Under the lock: an empty place, or the one that was not used for longest. NULL: all in use. */
static struct segment_file *find_victim(struct segments *segments)
{
    struct segment_file *oldest = NULL;
    for (uint32_t i = 0; i < SEGMENT_FILES_MAX; i++) {
        struct segment_file *open = &segments->files[i];
        if (open->file == NULL) {
            return open;
        }
        if (open->users == 0 && (oldest == NULL || open->used_at < oldest->used_at)) {
            oldest = open;
        }
    }
    return oldest;
}

static struct segment_file *use(struct segments *segments, struct segment_file *open)
{
    open->users++;
    open->used_at = ++segments->use_count;
    return open;
}

static struct ever_err open_segment(struct segments *segments, uint32_t index,
                                    struct segment_file *out_opened)
{
    char name[SEGMENT_NAME_BYTES];
    char path[VFS_PATH_BYTES_MAX];
    segment_name(index + 1, name);
    TRY(vfs_path(segments->dir, name, path));
    CLEANUP(vfs_file_closep) struct vfs_file *file = NULL;
    TRY(segments->vfs->open(segments->vfs, path, 0, &file));
    bool is_sealed = !segments_is_last(segments, index);
    if (is_sealed) {
        TRY(file->methods->map(file));
    }
    *out_opened = (struct segment_file){.file = TAKE(file), .is_mapped = is_sealed, .index = index};
    return ERR_OK;
}

/* Puts what was just opened in its place; gives back in `opened` the file that is to be closed. */
static struct segment_file *keep(struct segments *segments, struct segment_file *opened)
{
    struct segment_file *place = find_open(segments, opened->index);
    if (place == NULL) {
        place = find_victim(segments);
        if (place == NULL) {
            return NULL;
        }
        struct segment_file victim = *place;
        *place = *opened;
        *opened = victim;
        segments_at(segments, place->index)->file_place = (uint32_t)(place - segments->files);
    }
    return use(segments, place);
}

struct ever_err segments_acquire(struct segments *segments, uint32_t index,
                                 struct segment_file **out_file)
{
    pthread_mutex_lock(&segments->lock);
    struct segment_file *found = find_open(segments, index);
    if (found != NULL) {
        *out_file = use(segments, found);
    }
    pthread_mutex_unlock(&segments->lock);
    if (found != NULL) {
        return ERR_OK;
    }

    struct segment_file opened;
    TRY(open_segment(segments, index, &opened));
    pthread_mutex_lock(&segments->lock);
    found = keep(segments, &opened);
    pthread_mutex_unlock(&segments->lock);
    vfs_file_close(opened.file);
    if (found == NULL) {
        return FAIL(EVER_BUSY, "too many readers at once");
    }
    *out_file = found;
    return ERR_OK;
}

void segments_release(struct segments *segments, struct segment_file *file)
{
    pthread_mutex_lock(&segments->lock);
    ASSERT(file->users > 0);
    file->users--;
    pthread_mutex_unlock(&segments->lock);
}

struct ever_err segment_file_read(struct segment_file *open, uint64_t offset, void *buffer,
                                  size_t size, size_t *out_size)
{
    struct ever_err err = open->file->methods->read_at(open->file, offset, buffer, size, out_size);
    bool is_unreadable = err.code == EVER_IO && err.sys_errno == EIO;
    return is_unreadable ? FAIL_ERRNO(EVER_CORRUPT, EIO, "the disk cannot read the segment") : err;
}
