/* scripts.h - the JavaScript that is part of everfold-js, embedded by scripts.S. */
#pragma once

/* NUL-terminated texts. */
extern const char script_compiler[]; /* js/compiler.js and its packages, bundled at build time */
extern const char script_lockdown[]; /* js/lockdown.js and what it imports, bundled */
extern const char script_runtime[];  /* js/runtime.js and what it imports, bundled */
