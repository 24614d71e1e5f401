# Flags that every target of ours shares, as the interface target `derrumbe_options`.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers and ccache agree only with these two relaxations.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CCACHE_PROGRAM})
endif()

add_library(derrumbe_options INTERFACE)
target_include_directories(derrumbe_options INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)
target_compile_options(derrumbe_options INTERFACE -Wall -Wextra -Wno-unknown-pragmas $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> -fpch-preprocess)
if(DERRUMBE_WERROR)
  target_compile_options(derrumbe_options INTERFACE -Werror)
endif()
if(DERRUMBE_SANITIZE)
  target_compile_options(derrumbe_options INTERFACE -fsanitize=${DERRUMBE_SANITIZE} -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Where variables live after each instruction: for a large table (src/shot/keys.cpp) GCC takes four minutes for it.
    target_compile_options(derrumbe_options INTERFACE -fno-var-tracking)
  endif()
  target_link_options(derrumbe_options INTERFACE -fsanitize=${DERRUMBE_SANITIZE})
endif()
if(DERRUMBE_FUZZ)
  # What counts coverage is linked into the fuzzers alone (tests/fuzz). Any report ends the program, and the library's own
  # assertions (an index past a vector's end) are reports too.
  target_compile_options(derrumbe_options INTERFACE -O1 -gline-tables-only -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS
    -fsanitize=address,undefined,float-cast-overflow,fuzzer-no-link -fno-sanitize-recover=all)
endif()
