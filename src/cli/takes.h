#pragma once
#include <string>
#include <vector>

#include "cli/shot_options.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace derrumbe::cli {

/// Several takes of one shot in one command: seeds, or the values of a wedge.
struct TakeOptions {
    int takes = 1;
    std::vector<std::string> wedges;  ///< KEY=V1,V2,...; several make every combination

    /// Adds --takes and --wedge. Neither goes together with `alone`, an option of one take; null
    /// where there is none.
    void add(CLI::App& command, CLI::Option* alone);
};

/// The plans of all takes, whose numbers count up from the shot's. Without a wedge the seeds count
/// up too; a wedge leaves them alone, so that nothing but its keys differs. Everything that is
/// wrong with any of them ends in `problems`, once, with the value of the wedge that it comes from;
/// the plans are usable only if none is an error.
std::vector<render::RenderPlan> planTakes(const ShotOptions& shot, const TakeOptions& options,
                                          Problems& problems);

/// What a take is called among the others: its number, and what sets it apart.
std::string takeText(const render::RenderPlan& plan);

/// The command that makes one sheet of these takes, for a shell; the sheet lies beside the first
/// take's log.
std::string sheetCommand(const std::vector<render::RenderPlan>& plans);

}  // namespace derrumbe::cli
