# Finds LibTorch without its own TorchConfig.cmake, which asks for a CUDA toolkit when the build knows CUDA.
# Looked for, in this order: Torch_DIR, CMAKE_PREFIX_PATH (an unpacked libtorch or a wheel's torch folder),
# the pinned wheel in .venv, the torch of the python3 on PATH.
# Gives LibTorch::LibTorch, LibTorch_VERSION, LibTorch_CUDA (ON where libtorch_cuda is there).
set(_hints "")
if(Torch_DIR)
  list(APPEND _hints ${Torch_DIR} ${Torch_DIR}/../../..)
endif()
list(APPEND _hints ${CMAKE_PREFIX_PATH})
foreach(prefix ${CMAKE_PREFIX_PATH})
  list(APPEND _hints ${prefix}/torch)
endforeach()
file(GLOB _wheel ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
list(APPEND _hints ${_wheel})

# What was found before counts only for the same hints: a LibTorch named later must win over the cached one.
if(NOT "${_hints}" STREQUAL "${LibTorch_HINTS}")
  foreach(_entry INCLUDE_DIR TORCH CPU C10 CUDA_LIB C10_CUDA)
    unset(LibTorch_${_entry} CACHE)
  endforeach()
  set(LibTorch_HINTS "${_hints}" CACHE INTERNAL "the places that LibTorch was looked for in")
endif()

find_path(LibTorch_INCLUDE_DIR ATen/ATen.h HINTS ${_hints} PATH_SUFFIXES include NO_DEFAULT_PATH)
if(NOT LibTorch_INCLUDE_DIR)
  find_program(_python3 python3)
  if(_python3)
    execute_process(COMMAND ${_python3} -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
                    OUTPUT_VARIABLE _torch OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    find_path(LibTorch_INCLUDE_DIR ATen/ATen.h HINTS ${_torch} PATH_SUFFIXES include)
  endif()
endif()
get_filename_component(LibTorch_ROOT "${LibTorch_INCLUDE_DIR}/.." ABSOLUTE)
find_library(LibTorch_TORCH torch HINTS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)
find_library(LibTorch_CPU torch_cpu HINTS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)
find_library(LibTorch_C10 c10 HINTS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)
find_library(LibTorch_CUDA_LIB torch_cuda HINTS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)
find_library(LibTorch_C10_CUDA c10_cuda HINTS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)

set(LibTorch_VERSION "unknown")
foreach(file ${LibTorch_ROOT}/version.py ${LibTorch_ROOT}/build-version)
  if(EXISTS ${file})
    file(STRINGS ${file} _line REGEX "[0-9]+\\.[0-9]+\\.[0-9]+" LIMIT_COUNT 1)
    string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+[+a-z0-9]*" LibTorch_VERSION "${_line}")
    break()
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_TORCH LibTorch_CPU LibTorch_C10 LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or set CMAKE_PREFIX_PATH to a LibTorch")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
    ${LibTorch_INCLUDE_DIR} ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include)
  target_compile_definitions(LibTorch::LibTorch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
  set(LibTorch_CUDA OFF)
  set(_libs ${LibTorch_CPU} ${LibTorch_C10})
  if(LibTorch_CUDA_LIB AND LibTorch_C10_CUDA)
    set(LibTorch_CUDA ON)
    # Nothing of ours names a symbol of libtorch_cuda, its kernels register themselves when it is loaded.
    # What those need in turn (cuBLAS, cuDNN) the loader finds by their own run paths, the linker need not.
    list(APPEND _libs -Wl,--no-as-needed ${LibTorch_CUDA_LIB} ${LibTorch_C10_CUDA} -Wl,--as-needed)
    set_property(TARGET LibTorch::LibTorch APPEND PROPERTY INTERFACE_LINK_OPTIONS
                 -Wl,--unresolved-symbols=ignore-in-shared-libs)
  endif()
  target_link_libraries(LibTorch::LibTorch INTERFACE ${_libs})
  set_property(TARGET LibTorch::LibTorch APPEND PROPERTY INTERFACE_LINK_OPTIONS -Wl,-rpath,${LibTorch_ROOT}/lib)
endif()

# LibTorch::Threads: at::parallel_for in our own files. It is a template that goes parallel only where the compiler speaks OpenMP (in LibTorch
# built with it), and the threads must be LibTorch's: of the library that came with it, if one did. Clang would bring a second runtime.
if(LibTorch_FOUND AND NOT TARGET LibTorch::Threads)
  add_library(LibTorch::Threads INTERFACE IMPORTED)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    file(GLOB _gomp ${LibTorch_ROOT}/lib/libgomp*.so*)
    if(NOT _gomp)
      set(_gomp gomp)
    endif()
    list(GET _gomp 0 _gomp)
    target_compile_options(LibTorch::Threads INTERFACE -fopenmp)
    target_link_libraries(LibTorch::Threads INTERFACE ${_gomp})
  endif()
endif()
