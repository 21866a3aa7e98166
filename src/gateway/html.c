#include "gateway/html.h"

#include "base/markup.h"
#include "base/slice.h"

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1c2230;--soft:#667085;--line:#e3e6ec;--back:#fbfbfc;"
    "--card:#fff;--link:#2456c7}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8eaf0;--soft:#98a1b3;--line:#2b3240;"
    "--back:#12151c;--card:#191e27;--link:#8fb2ff}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--back);color:var(--ink);"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',sans-serif}"
    "main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}"
    "h1{font-size:1.9rem;margin:0;letter-spacing:-.02em}"
    "h2{font-size:1.05rem;margin:0 0 .6rem}"
    "p{margin:.4rem 0}"
    ".soft{color:var(--soft)}"
    "a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}"
    "code,pre{font:14px/1.5 ui-monospace,Menlo,Consolas,monospace}"
    "pre{margin:.5rem 0 0;padding:.7rem .9rem;background:var(--back);border:1px solid var(--line);"
    "border-radius:8px;overflow-x:auto}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem;"
    "margin-top:1.5rem}"
    "section{background:var(--card);border:1px solid var(--line);border-radius:12px;"
    "padding:1.1rem 1.25rem}"
    "section.wide{grid-column:1/-1}"
    "ul{list-style:none;margin:0;padding:0}li{padding:.18rem 0}"
    "table{border-collapse:collapse;width:100%}"
    "td{padding:.3rem .8rem .3rem 0;border-top:1px solid var(--line);vertical-align:top}"
    ".state{display:inline-block;padding:0 .5rem;border:1px solid var(--line);border-radius:99px;"
    "font-size:.8rem;color:var(--soft)}";

void html_begin(struct text *out, const char *title)
{
    text_add_text(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                       "<title>");
    markup_write(out, slice_of_text(title));
    text_add_text(out, "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>");
    text_add_text(out, style);
    text_add_text(out, "</style>\n</head>\n<body>\n<main>\n");
}

void html_end(struct text *out)
{
    text_add_text(out, "</main>\n</body>\n</html>\n");
}

#define POLICY                                                                                     \
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "              \
    "form-action 'none'; frame-ancestors 'none'"

static void answer(struct call *call, const struct text *page, struct ever_slice policy)
{
    call_header(call, SLICE_LITERAL("Content-Security-Policy"), policy);
    call_header(call, SLICE_LITERAL("X-Content-Type-Options"), SLICE_LITERAL("nosniff"));
    call_header(call, SLICE_LITERAL("Referrer-Policy"), SLICE_LITERAL("no-referrer"));
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-store"));
    call_answer(call, 200, MEDIA_HTML, text_slice(page));
}

void html_answer(struct call *call, const struct text *page)
{
    answer(call, page, SLICE_LITERAL(POLICY));
}

void html_answer_with_script(struct call *call, const struct text *page)
{
    answer(call, page, SLICE_LITERAL(POLICY "; script-src 'self'; connect-src 'self'"));
}
