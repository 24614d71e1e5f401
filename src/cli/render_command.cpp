#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <set>

#include "cli/commands.h"
#include "cli/shot_options.h"
#include "provenance/envelope.h"
#include "render/machine_speed.h"
#include "render/render.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "support/strings.h"

namespace derrumbe::cli {

namespace {

struct Options {
    ShotOptions shot;
    render::RenderOptions render;
    std::filesystem::path signingKey;
    int takes = 1;
    bool noResume = false;
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

/// Takes side by side: the shot's own, then others whose number and seed count up from it.
std::vector<render::RenderPlan> planTakes(const Options& options, Problems& problems) {
    std::vector<render::RenderPlan> plans(1);
    if (!options.shot.makePlan(plans[0], problems)) return plans;
    std::set<std::string> files;
    for (int i = 0; i < options.takes; ++i) {
        if (i > 0) {
            const shot::Shot& first = plans[0].shot;
            ShotOptions next = options.shot;
            next.overrides.push_back(cat("shot.take=", first.shot.take + i));
            next.overrides.push_back(
                cat("sampler.seed=", first.sampler.seed + static_cast<std::uint64_t>(i)));
            Problems own;  // warnings are the first take's
            plans.emplace_back();
            next.makePlan(plans.back(), own);
            if (own.hasErrors()) problems.add(own.list());
        }
        if (problems.hasErrors()) break;
        const render::RenderPlan& plan = plans.back();
        for (const auto& [key, file] :
             {std::pair{"output.path", plan.frames.front().output},
              std::pair{"provenance.path", plan.shot.provenance.path.string()}})
            if (!files.insert(file).second)
                problems.error(ExitCode::Usage,
                               cat("takes would write over each other: put {take} into ", key,
                                   ", which is ", file),
                               plans[0].shot.place(key));
    }
    return plans;
}

ExitCode renderShot(Options& options) {
    installInterruptHandler();
    Log log(options.log);
    options.render.signingKey = readSigningKey(options.signingKey);
    render::setThreads(options.shot.plan.threads);
    Problems problems;
    const std::vector<render::RenderPlan> plans = planTakes(options, problems);
    problems.throwIfErrors();
    for (const Problem& problem : problems.list()) log.problem(problem);
    options.render.resume = !options.noResume;
    if (plans.size() > 1) options.render.shared = render::makeSharedWork();
    for (const render::RenderPlan& plan : plans) {
        if (plans.size() > 1)
            log.info(cat("take ", plan.shot.shot.take, ", seed ", plan.sampler.seed));
        Progress progress(options.progress);
        const render::RenderResult result = render::render(plan, options.render, log, progress);
        std::printf("frames: %s\nlog: %s\n", plan.shot.output.path.path.c_str(),
                    result.log.c_str());
        std::fflush(stdout);
        log.info("done", {{"rendered", std::to_string(result.rendered)},
                          {"kept", std::to_string(result.kept)}});
    }
    return ExitCode::Done;
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
    CLI::Option* takes =
        command
            ->add_option("--takes", options->takes,
                         "render so many takes, numbers and seeds counting up from the shot's")
            ->check(CLI::Range(1, 1000))
            ->capture_default_str();
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
    command
        ->add_option(
            "--dump-tensors", options->render.dumpTensors,
            "write noise, conditioning, embeddings, latents and video for a replay in diffusers")
        ->type_name("FILE.safetensors")
        ->excludes(takes);
    command
        ->add_option("--sign", options->signingKey,
                     "sign the log with this Ed25519 key (see keygen)")
        ->type_name("KEY.pem");
    return [options] { return renderShot(*options); };
}

}  // namespace derrumbe::cli
