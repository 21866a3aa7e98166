# What an event costs; bench/flow.mjs prints it beside RxJS and Bacon.js.
add_executable(flow-bench ${CMAKE_CURRENT_LIST_DIR}/flow.c ${CMAKE_CURRENT_LIST_DIR}/flow_functions.c)
target_link_libraries(flow-bench PRIVATE everfold_flow everfold_options)
