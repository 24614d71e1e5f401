#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "cli/commands.h"
#include "cli/shot_options.h"
#include "cli/takes.h"
#include "provenance/envelope.h"
#include "render/machine_speed.h"
#include "render/render.h"
#include "render/together.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"

namespace derrumbe::cli {

namespace {

struct Options {
    ShotOptions shot;
    render::RenderOptions render;
    std::filesystem::path signingKey;
    TakeOptions takes;
    bool noResume = false;
    bool distributed = false;
    ProgressStyle progress = ProgressStyle::Auto;
    LogFormat log = LogFormat::Text;
};

/// The key as PEM text; a key that cannot sign is found before the render, not after it.
std::string readSigningKey(const std::filesystem::path& file) {
    if (file.empty()) return {};
    const std::string pem = readFile(file, ExitCode::Usage, size_t{1} << 16);
    try {
        provenance::signEnvelope("{}", pem);
    } catch (const Error& error) {
        throw Error(error.code(), error.problems().front().message, {file.string()});
    }
    return pem;
}

ExitCode renderTakes(Options& options, Log& log) {
    options.render.signingKey = readSigningKey(options.signingKey);
    render::setThreads(options.shot.plan.threads);
    Problems problems;
    const std::vector<render::RenderPlan> plans = planTakes(options.shot, options.takes, problems);
    problems.throwIfErrors();
    for (const Problem& problem : problems.list()) log.problem(problem);
    options.render.resume = !options.noResume;
    if (plans.size() > 1) options.render.shared = render::makeSharedWork();
    for (const render::RenderPlan& plan : plans) {
        if (plans.size() > 1) log.info(takeText(plan));
        Progress progress(options.progress);
        const render::RenderResult result = render::render(plan, options.render, log, progress);
        std::printf("frames: %s\nlog: %s\n", plan.shot.output.path.path.c_str(),
                    result.log.c_str());
        std::fflush(stdout);
        log.info("done", {{"rendered", std::to_string(result.rendered)},
                          {"kept", std::to_string(result.kept)}});
    }
    if (plans.size() > 1) std::printf("sheet: %s\n", sheetCommand(plans).c_str());
    return ExitCode::Done;
}

ExitCode renderShot(Options& options) {
    installInterruptHandler();
    Log log(options.log);
    if (!options.distributed) return renderTakes(options, log);
    return render::together(options.shot.plan, log, [&](const std::shared_ptr<model::Crew>& crew) {
        options.render.crew = crew;
        return renderTakes(options, log);
    });
}

}  // namespace

Action addRender(CLI::App& app) {
    CLI::App* command =
        app.add_subcommand("render", "render a shot: EXR frames and a provenance log");
    auto options = std::make_shared<Options>();
    options->shot.add(*command);
    const std::map<std::string, ProgressStyle> styles{
        {"auto", ProgressStyle::Auto},         {"bar", ProgressStyle::Bar},
        {"plain", ProgressStyle::Plain},       {"tractor", ProgressStyle::Tractor},
        {"deadline", ProgressStyle::Deadline}, {"openjd", ProgressStyle::OpenJd},
        {"json", ProgressStyle::Json},         {"none", ProgressStyle::None}};
    const std::map<std::string, LogFormat> formats{{"text", LogFormat::Text},
                                                   {"json", LogFormat::Json}};
    command->add_option("--device", options->shot.plan.device, "auto, cpu, cuda or cuda:N")
        ->capture_default_str();
    command->add_option("--threads", options->shot.plan.threads, "processor threads (0: all)")
        ->check(CLI::Range(0, 1024));
    command->add_flag("--distributed", options->distributed,
                      "share the render with the other processes that torchrun, srun or mpirun "
                      "started for it");
    command->add_flag("--overwrite", options->render.overwrite,
                      "render frames again that are already delivered");
    command->add_flag("--no-resume", options->noResume,
                      "start over, whatever state an interrupted render left");
    command
        ->add_option("--progress", options->progress,
                     "auto, bar, plain, tractor, deadline, openjd, json or none")
        ->transform(CLI::CheckedTransformer(styles))
        ->default_str("auto");
    command->add_option("--log", options->log, "text or json, on standard error")
        ->transform(CLI::CheckedTransformer(formats))
        ->default_str("text");
    CLI::Option* dump =
        command
            ->add_option("--dump-tensors", options->render.dumpTensors,
                         "write noise, conditioning, embeddings, latents and video for a replay in "
                         "diffusers")
            ->type_name("FILE.safetensors");
    options->takes.add(*command, dump);
    command
        ->add_option("--sign", options->signingKey,
                     "sign the log with this Ed25519 key (see keygen)")
        ->type_name("KEY.pem");
    return [options] { return renderShot(*options); };
}

}  // namespace derrumbe::cli
