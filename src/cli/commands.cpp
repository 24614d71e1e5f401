#include "cli/commands.h"

#include <CLI/CLI.hpp>

#include "render/failure.h"
#include "support/strings.h"
#include "support/version.h"

namespace derrumbe::cli {

std::string versionText() {
    return "derrumbe " DERRUMBE_VERSION " (" DERRUMBE_GIT_COMMIT
           ", LibTorch " DERRUMBE_TORCH_VERSION ", " DERRUMBE_COMPILER ")";
}

ExitCode run(int argc, char** argv) {
    CLI::App app{
        "Derrumbe: destruction for a matte and a plate, rendered by a latent video model."};
    app.set_version_flag("--version", versionText());
    app.require_subcommand(1);

    using Add = Action (*)(CLI::App&);
    const Add table[] = {addRender,  addValidate, addPlan,   addPreview, addModels,
                         addCompare, addGolden,   addVerify, addKeygen,  addReport};
    std::vector<std::pair<CLI::App*, Action>> commands;
    for (const Add add : table) {
        Action action = add(app);
        commands.emplace_back(app.get_subcommands([](CLI::App*) { return true; }).back(),
                              std::move(action));
    }

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // Help and version are results, everything else is a wrong command line.
        if (error.get_exit_code() == 0) return app.exit(error), ExitCode::Done;
        throw Error(ExitCode::Usage, cat(error.what(), "; run with --help for more information"));
    }
    for (const auto& [command, action] : commands) {
        if (!command->parsed()) continue;
        try {
            return action();
        } catch (const Error&) {
            throw;
        } catch (const std::exception& failure) {
            throw render::asError(failure);
        }
    }
    return ExitCode::Usage;
}

}  // namespace derrumbe::cli
