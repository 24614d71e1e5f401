#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "render/plan.h"
#include "support/log.h"

namespace derrumbe::model {
class Crew;
}

namespace derrumbe::render {

/// What process 0 does, with the others at its service.
using Lead = std::function<ExitCode(const std::shared_ptr<model::Crew>& crew)>;

/// Does `lead` together with the other processes that a launcher started for it (`--distributed`):
/// runs it in process 0, and serves it in the others until it ends, with the same code. Each
/// process takes a card of its own where `options.device` leaves that open, and its share of the
/// cores where `options.threads` does; both are set in `options`, as is `options.processes`. Throws
/// Error, in every process, for what goes wrong in any of them.
ExitCode together(PlanOptions& options, Log& log, const Lead& lead);

/// The processes, a line each, for people and the log: rank, machine, kind of processor.
std::vector<std::string> processTexts(const model::Crew& crew);
/// Whether they run on more than one machine.
bool onSeveralMachines(const model::Crew& crew);

}  // namespace derrumbe::render
