#include "base/markup.h"

void markup_write(struct text *out, struct ever_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        switch (text.data[i]) {
        case '&':
            text_add_text(out, "&amp;");
            break;
        case '<':
            text_add_text(out, "&lt;");
            break;
        case '>':
            text_add_text(out, "&gt;");
            break;
        case '"':
            text_add_text(out, "&quot;");
            break;
        case '\'':
            text_add_text(out, "&#39;");
            break;
        default:
            text_add_byte(out, text.data[i]);
        }
    }
}
