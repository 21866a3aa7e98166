/* folder.h - the data folder: is it ours, whose is it, and may we write there?
 *
 *   store     text: what it is, the format, the store's id. Written first; without it and not
 *             empty, the folder is foreign and is left alone. Says, too, whether there was a log
 *             already, so that one that was deleted is missed.
 *   lock      held by the one process that writes
 *   log/      segment files
 *   index/    what can be made again from the log */
#pragma once
#include "base/env.h"
#include "base/vfs.h"

struct folder {
    struct vfs *vfs;
    struct vfs_lock *lock; /* NULL: read only */
    struct ever_uuid store_id;
    bool has_log; /* it was begun: that there is none now is a loss */
    char log_dir[VFS_PATH_BYTES_MAX];
    char index_dir[VFS_PATH_BYTES_MAX];
};

/* Opens the folder, or creates it when it is missing or empty. EVER_FOREIGN, EVER_BUSY,
 * EVER_UNSUPPORTED: see ever_open(). EVER_NOT_FOUND: read only, and there is none; or
 * the folder of its log is gone. */
struct ever_err folder_open(struct vfs *vfs, struct env *env, const char *dir, bool read_only,
                            struct folder *out_folder);
/* From now on the log is missed when it is not there. After folder_open() to write, with the first
 * segment on disk and nothing acknowledged. */
struct ever_err folder_note_log(struct folder *folder, const char *dir);
void folder_close(struct folder *folder);
