/* assets.S - the files of src/gateway/assets, as bytes of the program. */
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

    embed asset_flow_js, "flow.js"
    embed asset_schemas_json, "schemas.json"
