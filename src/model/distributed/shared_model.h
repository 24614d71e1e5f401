#pragma once
#include <memory>
#include <string>

#include "model/distributed/crew.h"
#include "model/video_model.h"

namespace derrumbe::model {

/// Opens a model in all processes of a crew; called by process 0. What it evaluates, all of them
/// evaluate: each guidance branch, or beat, in a group of processes that share the tokens.
/// Everything else is done by process 0 alone. Throws as loadVideoModel, and PeerError.
std::unique_ptr<VideoModel> shareModel(std::shared_ptr<Crew> crew,
                                       const std::filesystem::path& folder,
                                       const LoadOptions& options);

/// What the other processes do: serves process 0 until it says that all is done, and returns the
/// code to end with. Throws Error with what goes wrong here, PeerError for another process.
ExitCode serve(Crew& crew, at::Device device);

}  // namespace derrumbe::model
