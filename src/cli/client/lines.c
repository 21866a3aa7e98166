#include "cli/client/lines.h"

#include "base/slice.h"

static struct ever_slice without_return(struct ever_slice line)
{
    bool has_it = line.size > 0 && line.data[line.size - 1] == '\r';
    return slice_first(line, line.size - (has_it ? 1 : 0));
}

bool lines_add(struct lines *lines, struct ever_slice piece, lines_fn *each, void *arg)
{
    for (;;) {
        size_t size = slice_find_byte(piece, '\n');
        if (size == piece.size) {
            text_add(&lines->partial, piece);
            return true;
        }
        struct ever_slice line = slice_first(piece, size);
        if (lines->partial.size > 0) {
            text_add(&lines->partial, line);
            line = text_slice(&lines->partial);
        }
        bool more = each(arg, without_return(line));
        text_clear(&lines->partial);
        if (!more) {
            return false;
        }
        piece = slice_from(piece, size + 1);
    }
}

void lines_deinit(struct lines *lines)
{
    text_deinit(&lines->partial);
}
