#pragma once
#include <cstdlib>

namespace derrumbe {

/// Asks LibTorch to ask the system for large pages (2 MiB) where it allocates that much at once:
/// tokens that go through a block's layers are hundreds of MiB, freed and allocated again for each,
/// and small pages are given and cleared one by one. Does nothing where the user has set the
/// variable, or the system gives none. Called before anything is allocated.
/// pytorch/pytorch:c10/core/impl/alloc_cpu.cpp
inline void useLargePages() {
    ::setenv("THP_MEM_ALLOC_ENABLE", "1", /*overwrite=*/0);
}

}  // namespace derrumbe
