# How much slower than the same statements by hand is a SQL view?
add_executable(bench_view ${CMAKE_CURRENT_LIST_DIR}/view.c)
target_link_libraries(bench_view PRIVATE everfold_domain everfold_options)
set_target_properties(bench_view PROPERTIES OUTPUT_NAME view
                      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
