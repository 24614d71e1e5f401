# What the binary says of itself (`derrumbe --version`, EXR header, log, content hash): after Libraries, which finds LibTorch.
find_package(Git QUIET)
set(DERRUMBE_GIT_COMMIT "")
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${CMAKE_SOURCE_DIR} describe --always --dirty --abbrev=12 --exclude=*
                  OUTPUT_VARIABLE DERRUMBE_GIT_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  # A commit or checkout asks for it again at the next build.
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${CMAKE_SOURCE_DIR} rev-parse --git-path logs/HEAD
                  OUTPUT_VARIABLE _commits OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  get_filename_component(_commits "${_commits}" ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
  if(EXISTS ${_commits} AND NOT IS_DIRECTORY ${_commits})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_commits})
  endif()
endif()
if(NOT DERRUMBE_GIT_COMMIT)
  set(DERRUMBE_GIT_COMMIT "unknown")
endif()
if(NOT LibTorch_VERSION)
  message(FATAL_ERROR "LibTorch's version is not known: the content hash of a render depends on it")
endif()
configure_file(${CMAKE_SOURCE_DIR}/cmake/version.h.in ${CMAKE_BINARY_DIR}/generated/support/version.h)
