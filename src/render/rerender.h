#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "provenance/statement.h"
#include "support/log.h"
#include "support/progress.h"

namespace derrumbe::model {
class Crew;
}

namespace derrumbe::render {

/// One delivered frame of a log, and what rendering it again gives.
struct Rerendered {
    int frame = 0;
    std::string name;            ///< as the log has it
    std::string logged, pixels;  ///< pixel digests: the log's, and those of now
    bool same() const { return logged == pixels; }
};

struct Rerender {
    std::vector<Rerendered> frames;  ///< in the log's order
    std::string otherwise;           ///< what differs beside the pixels: another build, another
                                     ///< kind of processor; empty where the content is the same
};

/// Renders the frames that a log names again, from the shot in it, on the device and threads that
/// it names, into a temporary folder that is gone afterwards; nothing of the user's is written to.
/// Whether the inputs are the log's has been looked at before (provenance::verifyFiles).
/// @param file the log's; its folder is what names in it count from
/// Throws Error(Usage) where the log does not hold a shot with its file's place, names no frame
/// with a pixel digest, or another number of processes, and Error(Input) where the shot now reads
/// other files than it did then (a model of the same name from elsewhere).
/// @param crew  the processes that share it, as many as the log names; null: this one alone
Rerender rerender(const provenance::Statement& logged, const std::filesystem::path& file,
                  const std::shared_ptr<model::Crew>& crew, Log& log, Progress& progress);

}  // namespace derrumbe::render
