#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "model/memory_ways.h"
#include "support/error.h"

namespace derrumbe::render {

struct RenderPlan;

/// How a render keeps within `--max-memory`.
struct Fitting {
    std::uint64_t limit = 0;         ///< bytes; 0: none was asked for
    model::MemoryWays ways;          ///< that it takes; without a limit none
    bool fewerFramesAtOnce = false;  ///< than there are threads and plates allow
};

/// What the memory of a render depends on beside its plan.
struct MemoryNeed {
    int windowFrames = 0;         ///< that the transformer sees at once
    int dtypeBytes = 4;           ///< a number of the transformer
    double keptBytes = 0;         ///< of what is kept from the decoding on, beside the model
    double deliveryBytes = 0;     ///< while frames are written one by one, the program included
    double frameBytes = 0;        ///< for each frame more that is written at the same time
    std::int64_t keptTokens = 0;  ///< of the window's, those that are computed; 0: all
};

/// Estimates the memory of a plan whose clip, region and windows are made, and chooses the ways of
/// working that keep it within `limit` bytes (0: none), each only where a stage needs it. Of a plan
/// for a card the limit holds for the card, where the stages work, and for the host, which holds
/// the clip. Sets `plan.cost`, `plan.peakBytes` and `plan.fitting`, and may lower
/// `plan.framesAtOnce`. Where nothing fits that is an
/// error (ExitCode::Memory) which says what is needed at least; without a limit, more than this
/// machine has free is a warning.
void fitMemory(RenderPlan& plan, const MemoryNeed& need, std::uint64_t limit, Problems& problems);

/// What a plan rounds of its model because the shot says so. `key` is that of the shot, without
/// `model.`; `text` is for people.
struct RoundingTold {
    const char* key = "";
    std::string text;
};
std::vector<RoundingTold> roundingsTold(const RenderPlan& plan);

/// The ways that a plan takes to keep within its limit, a line each, for people.
std::vector<std::string> fittingTexts(const RenderPlan& plan);

}  // namespace derrumbe::render
