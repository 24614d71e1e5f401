#include "cli/shot_options.h"

#include <CLI/CLI.hpp>

namespace derrumbe::cli {

void ShotOptions::add(CLI::App& command) {
    command.add_option("shot", shot, "the shot file (YAML)")->required();
    command.add_option("--frames", plan.frames,
                       "frames to deliver: 1001-1049, 1001-1049x2, 1001,1005, 1001-1010:3");
    command.add_option("--set", overrides, "override a key of the shot file: sampler.seed=7")
        ->type_name("KEY=VALUE")
        ->take_all()
        ->allow_extra_args(false);
}

bool ShotOptions::makePlan(render::RenderPlan& result, Problems& problems) const {
    try {
        const shot::Shot loaded = shot::loadShot(shot, overrides);
        problems.add(loaded.warnings);
        result = render::makePlan(loaded, plan, problems);
        return true;
    } catch (const Error& error) {
        problems.add(error.problems());
        return false;
    }
}

}  // namespace derrumbe::cli
