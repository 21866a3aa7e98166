# How many events a second does an embedded store take, beside SQLite?
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
add_executable(bench_append ${CMAKE_CURRENT_LIST_DIR}/append.c
                            ${CMAKE_CURRENT_LIST_DIR}/append_sqlite.c)
target_link_libraries(bench_append PRIVATE everfold_store PkgConfig::SQLITE everfold_options)
set_target_properties(bench_append PROPERTIES OUTPUT_NAME append
                      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
