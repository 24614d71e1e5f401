#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/commands.h"
#include "model/description.h"
#include "render/policies.h"

namespace derrumbe::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* kExperts[][2] = {{"transformer", "high noise"},
                                       {"transformer_2", "low noise"}};

/// Each of a pair of experts with its files' hash.
void printExperts(const model::Description& model,
                  const std::vector<render::WeightsDigest>& digests) {
    for (const auto& [part, noise] : kExperts) {
        std::vector<render::WeightsDigest> own;
        for (const auto& file : digests)
            if (file.part == part) own.push_back(file);
        fmt::print("  {} expert ({}, timesteps {} {:g}) sha256 {}\n", noise, part,
                   &noise == &kExperts[0][1] ? "from" : "below", model.boundary * 1000,
                   render::hashOf(own));
    }
}

ExitCode list(const std::vector<fs::path>& folders) {
    std::vector<Problem> broken;
    const auto found = model::listModels(folders);
    if (found.empty()) {
        std::string looked;
        for (const auto& folder : folders.empty() ? model::modelSearchPath() : folders)
            looked += "\n  " + folder.lexically_normal().string();
        fmt::print(stderr,
                   "no models found; looked for folders with a model_index.json, or a transformer "
                   "of a known family in a .safetensors or .gguf file, in{}\n",
                   looked);
    }
    for (const auto& folder : found) {
        try {
            const model::Description model = model::describeModel(folder);
            std::uint64_t bytes = 0;
            for (const auto& file : model.files) bytes += file.bytes;
            const auto digests = render::weightsDigests(model);
            fmt::print("{}\n  family {} · {:.1f} M parameters · {:.1f} MiB · licence {}\n",
                       model.name, model.family, model.parameters / 1e6, bytes / 1048576.0,
                       model.license.empty() ? "not stated" : model.license);
            fmt::print("  weights sha256 {}\n", render::hashOf(digests));
            if (model.boundary > 0) printExperts(model, digests);
            fmt::print("  {}\n", folder.string());
        } catch (const Error& error) {
            broken.insert(broken.end(), error.problems().begin(), error.problems().end());
        }
    }
    if (!broken.empty()) throw Error(broken);
    return ExitCode::Done;
}

ExitCode check(const std::string& folder) {
    const auto path = model::findModel(folder, fs::current_path());
    Problems problems;
    for (const std::string& line : model::checkModel(path)) problems.error(ExitCode::Model, line);
    problems.throwIfErrors();
    fmt::print("{}: complete\n", path.string());
    const model::Description model = model::describeModel(path);
    if (model.boundary > 0)
        for (const auto& [part, noise] : kExperts)
            for (const auto& file : model.files)
                if (file.part == part)
                    fmt::print("  {} expert ({}): {}\n", noise, part,
                               fs::path(file.path).lexically_relative(model.folder).string());
    return ExitCode::Done;
}

}  // namespace

Action addModels(CLI::App& app) {
    CLI::App* command = app.add_subcommand("models", "list models, or check one");
    struct Options {
        std::vector<fs::path> folders;
        std::string check;
    };
    auto options = std::make_shared<Options>();
    command->add_option("folders", options->folders,
                        "where to look (default: $DERRUMBE_MODEL_PATH and models/)");
    command
        ->add_option("--check", options->check,
                     "read every tensor's header; say what is missing or misshapen")
        ->type_name("DIR");
    return [options] {
        return options->check.empty() ? list(options->folders) : check(options->check);
    };
}

}  // namespace derrumbe::cli
