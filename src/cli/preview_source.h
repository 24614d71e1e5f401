#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace derrumbe::cli {

/// What is to be shown: files by frame number, and what a log says of them.
struct PreviewSource {
    std::vector<std::pair<int, std::string>> files;
    double fps = 0;                  ///< 0: not said
    std::string plateSpace;          ///< empty: not said
    nlohmann::json shot;             ///< the resolved shot, by JSON pointers; null without a log
    std::vector<std::string> wedge;  ///< KEY=VALUE that a --wedge gave it
};

/// From a sequence pattern, or from the frames that a log names. Throws Error(Input) where there is
/// none.
PreviewSource readPreviewSource(const std::string& name);

/// What sets a source apart from the others, `sampler.guidance=5 shot.take=2`: the keys that it was
/// wedged by, then every other key of its shot that is not the same in all of them, paths of
/// outputs left out.
std::string difference(const PreviewSource& source, const std::vector<PreviewSource>& all);

}  // namespace derrumbe::cli
