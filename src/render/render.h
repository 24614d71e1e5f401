#pragma once
#include <memory>
#include <string>
#include <vector>

#include "render/deliver.h"
#include "render/plan.h"
#include "support/log.h"
#include "support/progress.h"

namespace derrumbe::model {
class Crew;
}

namespace derrumbe::render {

struct SharedWork;

/// Room for what renders of one shot's takes have in common.
std::shared_ptr<SharedWork> makeSharedWork();

struct RenderOptions {
    bool overwrite = false;   ///< render frames again that the same content already delivered
    bool resume = true;       ///< use saved denoising state
    std::string dumpTensors;  ///< a .safetensors file for a replay in diffusers; empty: none
    std::string signingKey;   ///< PEM text of an Ed25519 private key; empty: the log is not signed
    /// Used and filled where given, for takes rendered one after the other; what does not fit a
    /// plan is made anew. Not with `dumpTensors`, which wants every part to be made.
    std::shared_ptr<SharedWork> shared = nullptr;
    /// The processes that share the model's work; none: this one alone. `RenderPlan::processes` is
    /// their number.
    std::shared_ptr<model::Crew> crew = nullptr;
};

struct RenderResult {
    std::vector<Delivered> frames;
    std::string log;  ///< the provenance log's path
    int rendered = 0, kept = 0;
};

/// Renders what the plan says: the way of the data, one call an arrow. Frames appear one by one,
/// each whole; the log is written at the end, also (with its outcome) when the render fails or is
/// interrupted, unless it would replace a log of delivered frames by one of none. Throws Error.
RenderResult render(const RenderPlan& plan, const RenderOptions& options, Log& log,
                    Progress& progress);

}  // namespace derrumbe::render
