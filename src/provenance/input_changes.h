#pragma once
#include <vector>

#include "provenance/statement.h"

namespace derrumbe::provenance {

/// Inputs that only one of two renders read.
struct InputChanges {
    std::vector<Dependency> gone, added;
    bool none() const { return gone.empty() && added.empty(); }
};

/// Compares by role and content: places and names have no say, what is read twice counts twice.
InputChanges inputChanges(const std::vector<Dependency>& before,
                          const std::vector<Dependency>& now);

}  // namespace derrumbe::provenance
