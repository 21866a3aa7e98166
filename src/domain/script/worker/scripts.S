/* The scripts of everfold-js as NUL-terminated bytes; CMakeLists.txt says where the files are. */
    .section .rodata
    .global script_compiler
script_compiler:
    .incbin COMPILER_JS
    .byte 0
    .global script_lockdown
script_lockdown:
    .incbin LOCKDOWN_JS
    .byte 0
    .global script_runtime
script_runtime:
    .incbin RUNTIME_JS
    .byte 0
    .section .note.GNU-stack, "", %progbits
