/* directive_priv.h - the comment lines of a view file that begin a part: "-- on Opened, Closed".
 *
 * A line is a directive when its first word is one. What merely looks like one (a word with a
 * typing error before what would be right behind the real word) is told apart from prose, because
 * the statements below it would silently go to the part above. */
#pragma once
#include "domain/view/source_priv.h"

enum view_line_kind {
    VIEW_LINE_PROSE,  /* an ordinary comment */
    VIEW_LINE_PART,   /* begins `part` */
    VIEW_LINE_POLICY, /* sets `policy` */
    VIEW_LINE_FAULTY, /* `message` says what is wrong */
};

struct view_line {
    enum view_line_kind kind;
    struct view_part part; /* without line and sql; its names are in the arena */
    struct ever_slice view_name;
    enum view_policy policy;
    struct ever_slice message;
};

/* `comment` begins with "--" and has no blanks at its ends. */
struct view_line view_line_read(struct arena *arena, struct ever_slice comment);
