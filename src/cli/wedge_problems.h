#pragma once
#include <string>
#include <vector>

#include "support/error.h"

namespace derrumbe::cli {

/// What is wrong with one take of a wedge.
struct TakeProblems {
    std::vector<std::string> wedge;  ///< the take's KEY=VALUE; the same keys in every take
    std::vector<Problem> problems;
};

/// The problems of all takes, each once. One at a wedged key gets the place `--wedge KEY=VALUES`,
/// any other one that not all takes have says with which values it comes.
std::vector<Problem> wedgeProblems(const std::vector<TakeProblems>& takes);

}  // namespace derrumbe::cli
