#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "render/plan.h"
#include "support/log.h"

namespace CLI {
class App;
}

namespace derrumbe::cli {

/// The options that render, validate and plan share.
struct ShotOptions {
    std::string shot;
    std::vector<std::string> overrides;
    render::PlanOptions plan;
    std::string maxMemory;  ///< as --max-memory gives it; empty: no limit

    void add(CLI::App& command);
    /// `plan` with the studio's policies: $DERRUMBE_POLICY names files, with `:` between them. A
    /// shot file has no say in it. Throws Error(Usage) where --max-memory is no size.
    render::PlanOptions planOptions() const;
    /// Reads shot, plates, mattes and model headers; everything that is wrong ends in `problems`.
    /// False where the shot itself could not be read, so that there is no plan.
    bool makePlan(render::RenderPlan& plan, Problems& problems) const;
    /// The same, with frames and log going into `folder` under their own names.
    bool makePlanInto(const std::filesystem::path& folder, render::RenderPlan& plan,
                      Problems& problems) const;
};

}  // namespace derrumbe::cli
