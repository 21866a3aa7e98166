/* new_app.S - the files of src/cli/commands/new_app, which everfold new writes, as bytes of the program. */
#if defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
    .section .rodata
#endif

    .macro embed name, path
    .global \name
    .hidden \name
    .global \name\()_end
    .hidden \name\()_end
\name:
    .incbin "\path"
\name\()_end:
    .byte 0
    .endm

    embed new_app_decider, "deciders/task.js"
    embed new_app_view, "views/tasks.sql"
    embed new_app_routes, "routes.js"
    embed new_app_test, "tests/task.test.js"
    embed new_app_readme, "README.md"
