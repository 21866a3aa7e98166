# libeverfold, shared and static, and what `cmake --install` puts where. Of log and base both take
# only the objects that the store needs; nothing is visible but ever_*.
set(store_objects $<TARGET_OBJECTS:everfold_store>)
set(library_map ${CMAKE_SOURCE_DIR}/cmake/everfold.map)
add_library(libeverfold SHARED ${store_objects})
target_link_libraries(libeverfold PRIVATE everfold_log)
target_link_options(libeverfold PRIVATE -Wl,--version-script=${library_map} -Wl,--no-undefined)
set_target_properties(libeverfold PROPERTIES
  OUTPUT_NAME everfold LINKER_LANGUAGE C LINK_DEPENDS ${library_map}
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})

# One object, whose other names are local to it: a static library has no other way to hide them.
set(archive ${CMAKE_BINARY_DIR}/lib/libeverfold.a)
add_custom_command(OUTPUT ${archive}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/lib
  COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
  COMMAND ${CMAKE_LINKER} -r -o everfold_all.o ${store_objects}
    $<TARGET_FILE:everfold_log> $<TARGET_FILE:everfold_base>
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=ever_* everfold_all.o
  COMMAND ${CMAKE_AR} rcs ${archive} everfold_all.o
  DEPENDS everfold_store everfold_log everfold_base ${store_objects} COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(libeverfold-static ALL DEPENDS ${archive})

configure_file(cmake/everfold.pc.in ${CMAKE_BINARY_DIR}/lib/everfold.pc @ONLY)
install(TARGETS everfold)
install(TARGETS libeverfold LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${archive} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${CMAKE_BINARY_DIR}/lib/everfold.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES include/everfold.h include/everfold_types.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
