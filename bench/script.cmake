# How many events a second pass through a flow's JavaScript in its worker?
add_executable(bench_script ${CMAKE_CURRENT_LIST_DIR}/script.c)
target_link_libraries(bench_script PRIVATE everfold_domain everfold_options)
set_target_properties(bench_script PROPERTIES OUTPUT_NAME script
                      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
