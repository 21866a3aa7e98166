# How many root events does the flow engine take through native operators, and what does a key cost?
add_executable(bench_derive ${CMAKE_CURRENT_LIST_DIR}/derive.c)
target_link_libraries(bench_derive PRIVATE everfold_domain everfold_options)
set_target_properties(bench_derive PROPERTIES OUTPUT_NAME derive
                      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
