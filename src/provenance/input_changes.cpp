#include "provenance/input_changes.h"

#include <map>
#include <utility>

namespace derrumbe::provenance {

namespace {

/// Those of `inputs` that `others` do not have, in their order.
std::vector<Dependency> without(const std::vector<Dependency>& inputs,
                                const std::vector<Dependency>& others) {
    std::map<std::pair<std::string, std::string>, int> left;
    for (const Dependency& other : others) ++left[{other.role, other.sha256}];
    std::vector<Dependency> rest;
    for (const Dependency& input : inputs)
        if (left[{input.role, input.sha256}]-- <= 0) rest.push_back(input);
    return rest;
}

}  // namespace

InputChanges inputChanges(const std::vector<Dependency>& before,
                          const std::vector<Dependency>& now) {
    return {without(before, now), without(now, before)};
}

}  // namespace derrumbe::provenance
