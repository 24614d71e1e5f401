#pragma once
#include <functional>
#include <string>
#include <vector>

#include "support/error.h"

namespace CLI {
class App;
}

namespace derrumbe::cli {

/// What a command does once its options are parsed.
using Action = std::function<ExitCode()>;

/// Each adds its sub-command to the application and returns what runs it: options in, results out.
Action addRender(CLI::App& app);
Action addValidate(CLI::App& app);
Action addPlan(CLI::App& app);
Action addPreview(CLI::App& app);
Action addModels(CLI::App& app);
Action addCompare(CLI::App& app);
Action addGolden(CLI::App& app);
Action addVerify(CLI::App& app);
Action addKeygen(CLI::App& app);
Action addReport(CLI::App& app);

/// This program: version, commit, LibTorch's version, compiler.
std::string versionText();

/// Parses the command line and runs the command. Throws Error.
ExitCode run(int argc, char** argv);

}  // namespace derrumbe::cli
