/* everfold new: a small working APP in a folder, to be changed. */
#include "base/slice.h"
#include "cli/arguments.h"
#include "cli/output/terminal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* From new_app.S. */
extern const char new_app_decider[], new_app_decider_end[];
extern const char new_app_view[], new_app_view_end[];
extern const char new_app_routes[], new_app_routes_end[];
extern const char new_app_test[], new_app_test_end[];
extern const char new_app_readme[], new_app_readme_end[];

static const struct new_file {
    const char *folder; /* "": the APP's own */
    const char *path;
    const char *start;
    const char *end;
} files[] = {
    {"/deciders", "deciders/task.js", new_app_decider, new_app_decider_end},
    {"/views", "views/tasks.sql", new_app_view, new_app_view_end},
    {"", "routes.js", new_app_routes, new_app_routes_end},
    {"/tests", "tests/task.test.js", new_app_test, new_app_test_end},
    {"", "README.md", new_app_readme, new_app_readme_end},
};

static const struct command_parameter parameters[] = {
    {.name = "DIR", .help = "a new folder, or an empty one"},
    {.name = NULL},
};

static bool is_empty(const char *dir)
{
    DIR *folder = opendir(dir);
    size_t names = 0;
    if (folder == NULL) {
        return false;
    }
    while (readdir(folder) != NULL) {
        names++;
    }
    (void)closedir(folder); /* was read only */
    return names == 2;      /* "." and ".." */
}

static bool make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) {
        return true;
    }
    (void)terminal_fail("cannot make the folder %s: %s", path, strerror(errno)); /* false says it */
    return false;
}

static bool write_file(const char *path, struct ever_slice content)
{
    FILE *file = fopen(path, "wxe");
    bool written = file != NULL && fwrite(content.data, 1, content.size, file) == content.size;
    if (file != NULL && fclose(file) != 0) {
        written = false;
    }
    if (!written) {
        (void)terminal_fail("cannot write %s: %s", path, strerror(errno)); /* false says it */
    }
    return written;
}

static bool write_new_file(const char *dir, const struct new_file *file)
{
    struct text folder = {0};
    struct text path = {0};
    text_printf(&folder, "%s%s", dir, file->folder);
    text_printf(&path, "%s/%s", dir, file->path);
    struct ever_slice content = slice_of(file->start, (size_t)(file->end - file->start));
    bool written = make_folder(folder.data) && write_file(path.data, content);
    text_deinit(&folder);
    text_deinit(&path);
    return written;
}

static void print_what_next(const char *dir)
{
    struct text out = {0};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        text_printf(&out, "%s/%s\n", dir, files[i].path);
    }
    text_printf(&out, "\nNext:\n  everfold test %s\n  everfold serve %s\n", dir, dir);
    terminal_write(text_slice(&out));
    text_deinit(&out);
}

static enum exit_code run(const struct arguments *arguments)
{
    const char *dir = arguments->parameters[0];
    if (mkdir(dir, 0777) != 0) {
        if (errno != EEXIST) {
            return terminal_fail("cannot make the folder %s: %s", dir, strerror(errno));
        }
        if (!is_empty(dir)) {
            return terminal_fail("%s is there already and not an empty folder; nothing was written",
                                 dir);
        }
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (!write_new_file(dir, &files[i])) {
            return EXIT_FAILED;
        }
    }
    print_what_next(dir);
    return EXIT_DONE;
}

const struct command cli_new = {
    .name = "new",
    .summary = "Make a small working APP to change",
    .parameters = parameters,
    .run = run,
};
