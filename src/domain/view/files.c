#include "domain/view/files_priv.h"

#include "base/slice.h"
#include "domain/view/source_priv.h"

#include <dirent.h>
#include <errno.h>

#define ENDING ".db"

void view_files_path(struct text *out, const char *dir, const char *name, const char *version)
{
    text_printf(out, "%s/%s-%s" ENDING, dir, name, version);
}

static bool is_version(struct ever_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
            return false;
        }
    }
    return text.size == VIEW_VERSION_TEXT_BYTES - 1;
}

/* NAME-VERSION.db; another view's name may begin with this one's. */
static bool is_of_view(struct ever_slice file, const char *name, struct ever_slice *out_version)
{
    struct ever_slice start = slice_of_text(name);
    struct ever_slice end = SLICE_LITERAL(ENDING);
    if (!slice_starts_with(file, start) || file.size < start.size + 1 + end.size ||
        file.data[start.size] != '-') {
        return false;
    }
    struct ever_slice rest = slice_from(file, start.size + 1);
    *out_version = slice_first(rest, rest.size - end.size);
    return slice_equal(slice_from(rest, out_version->size), end) && is_version(*out_version);
}

struct ever_err view_files_others(const char *dir, const char *name, const char *version,
                                  view_files_fn *each, void *arg)
{
    DIR *folder = opendir(dir);
    if (folder == NULL) {
        int number = errno;
        return FAIL_ERRNO(err_code_of_errno(number), number, "open views folder");
    }
    struct ever_err err = ERR_OK;
    struct text path = {0};
    for (struct dirent *entry; IS_OK(err) && (entry = readdir(folder)) != NULL;) {
        struct ever_slice found;
        if (is_of_view(slice_of_text(entry->d_name), name, &found) && !slice_is(found, version)) {
            text_clear(&path);
            text_printf(&path, "%s/%s", dir, entry->d_name);
            err = each(arg, path.data);
        }
    }
    text_deinit(&path);
    (void)closedir(folder); /* it was only read */
    return err;
}
