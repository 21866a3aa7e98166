# What every target of the project shares: warnings, include paths, sanitizers.

add_library(everfold_plain_options INTERFACE) # all but the sanitizers
target_include_directories(everfold_plain_options INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(everfold_plain_options INTERFACE _GNU_SOURCE EVERFOLD_VERSION="${PROJECT_VERSION}")
target_compile_options(everfold_plain_options INTERFACE
  $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes
  -Wimplicit-fallthrough -Wformat=2 -Werror -fno-omit-frame-pointer>)

add_library(everfold_options INTERFACE)
target_link_libraries(everfold_options INTERFACE everfold_plain_options)
set(EVERFOLD_SANITIZE "" CACHE STRING "asan (address and undefined), tsan, fuzz, or empty")
if(EVERFOLD_SANITIZE STREQUAL "asan")
  target_compile_options(everfold_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_link_options(everfold_options INTERFACE -fsanitize=address,undefined)
elseif(EVERFOLD_SANITIZE STREQUAL "tsan")
  target_compile_options(everfold_options INTERFACE -fsanitize=thread)
  target_link_options(everfold_options INTERFACE -fsanitize=thread)
elseif(EVERFOLD_SANITIZE STREQUAL "fuzz")
  target_compile_options(everfold_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined)
  target_link_options(everfold_options INTERFACE -fsanitize=address,undefined)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(everfold_plain_options INTERFACE EVERFOLD_SLOW_ASSERTS)
endif()

# everfold_layer(NAME [DEPENDS lib...] [EXCEPT folder...]): an object library of all .c files in the
# folder and below, but for those of folders that are programs of their own. Its code is hidden unless
# a public header exports it.
function(everfold_layer name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;EXCEPT" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  foreach(folder ${ARG_EXCEPT})
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${folder}/")
  endforeach()
  if(NOT sources)
    add_library(everfold_${name} INTERFACE)
    target_link_libraries(everfold_${name} INTERFACE everfold_options ${ARG_DEPENDS})
    return()
  endif()
  add_library(everfold_${name} STATIC ${sources})
  set_target_properties(everfold_${name} PROPERTIES C_VISIBILITY_PRESET hidden)
  target_link_libraries(everfold_${name} PUBLIC everfold_options ${ARG_DEPENDS})
endfunction()

# What runs on one thread has no races: the thread sanitizer is spared it.
if(EVERFOLD_SANITIZE STREQUAL "tsan")
  set(EVERFOLD_SINGLE_THREADED_TESTS OFF)
else()
  set(EVERFOLD_SINGLE_THREADED_TESTS ON)
endif()

# everfold_test(NAME SOURCE LIBS...): one cmocka program; ./dev test runs all that ctest knows.
function(everfold_test name source)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${ARGN} everfold_options cmocka)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
