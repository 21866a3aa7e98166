# How fast do durable flows run over the log, beside a loop by hand?
add_executable(bench_flows ${CMAKE_CURRENT_LIST_DIR}/flows.c)
target_link_libraries(bench_flows PRIVATE everfold_domain everfold_options)
set_target_properties(bench_flows PROPERTIES OUTPUT_NAME flows
                      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
