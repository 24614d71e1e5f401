#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "render/plan.h"
#include "render/plan_second.h"
#include "support/byte_size.h"
#include "support/frame_range.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

std::string windowText(const Window& window) {
    return cat(window.width, "x", window.height, window.x < 0 ? "" : "+", window.x,
               window.y < 0 ? "" : "+", window.y);
}

std::string number(double value, int digits = 1) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

/// The estimate, the limit and the ways that keep it, a line each.
std::vector<std::string> memoryLines(const RenderPlan& plan) {
    const std::string limit =
        plan.fitting.limit == 0
            ? ""
            : " of at most " + byteSizeText(static_cast<double>(plan.fitting.limit));
    std::vector<std::string> lines{byteSizeText(plan.peakBytes) + limit};
    for (const std::string& text : fittingTexts(plan)) lines.push_back(text);
    return lines;
}

/// What was chosen to keep within the limit, for programs.
nlohmann::ordered_json memoryJson(const RenderPlan& plan) {
    const model::MemoryWays& ways = plan.fitting.ways;
    const auto number = [](auto value, bool there) {
        return there ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
    };
    const int scale = plan.model.spatialScale;
    return {{"limit_bytes", number(plan.fitting.limit, plan.fitting.limit > 0)},
            {"packed_transformer", ways.transformerPacked},
            {"resident_transformer_blocks",
             number(ways.transformerBlocks, ways.transformerBlocks >= 0)},
            {"encode_tile", number(ways.encodeTile * scale, ways.encodeTile > 0)},
            {"decode_tile", number(ways.decodeTile * scale, ways.decodeTile > 0)},
            {"frames_at_once", plan.framesAtOnce},
            {"exact", ways.exact()},
            {"held_bytes", plan.cost.heldBytes},
            {"stage_bytes",
             {{"text", plan.cost.textBytes},
              {"encode", plan.cost.encodeBytes},
              {"denoise", plan.cost.denoiseBytes},
              {"decode", plan.cost.decodeBytes}}}};
}

/// Where a crop that follows the matte goes, and how fast.
std::string pathText(const std::vector<Box>& path) {
    Box least = path.front(), most = path.front();
    double fastest = 0;
    for (size_t i = 0; i < path.size(); ++i) {
        least.x = std::min(least.x, path[i].x), least.y = std::min(least.y, path[i].y);
        most.x = std::max(most.x, path[i].x), most.y = std::max(most.y, path[i].y);
        if (i > 0)
            fastest =
                std::max(fastest, std::hypot(path[i].x - path[i - 1].x, path[i].y - path[i - 1].y));
    }
    return cat("follows the matte: x ", number(least.x), " to ", number(most.x), ", y ",
               number(least.y), " to ", number(most.y), ", up to ", number(fastest),
               " pixels a frame");
}

/// The second pass, for programs; tiles in its pixels.
nlohmann::ordered_json refineJson(const RenderPlan& second) {
    const int scale = second.model.spatialScale;
    nlohmann::ordered_json tiles = nlohmann::ordered_json::array();
    for (const clip::Tile& tile : second.tiles)
        tiles.push_back({tile.x * scale, tile.y * scale, tile.width * scale, tile.height * scale});
    return {{"width", second.region.width},
            {"height", second.region.height},
            {"start", second.sampler.start},
            {"steps", second.sampler.steps},
            {"tiles", tiles},
            {"tokens", second.cost.tokens},
            {"flops", second.work.total()}};
}

int deliveredFrames(const RenderPlan& plan) {
    int count = 0;
    for (const FrameJob& job : plan.frames) count += job.deliver ? 1 : 0;
    return count;
}

}  // namespace

std::pair<std::string, std::string> guideEnds(const RenderPlan& plan, size_t guide) {
    std::string first, last;
    for (const FrameJob& job : plan.frames)
        if (guide < job.guides.size() && !job.guides[guide].empty()) {
            if (first.empty()) first = job.guides[guide];
            last = job.guides[guide];
        }
    return {first, last};
}

std::string sparseText(const RenderPlan& plan) {
    std::int64_t computed = 0, all = 0;
    for (size_t i = 0; i < plan.windows.size(); ++i) {
        computed += plan.tokens(i);
        all += plan.allTokens(i);
    }
    return cat(computed, " of ", all, " tokens of ",
               plan.windows.size() == 1 ? "the window" : "all windows", " are computed (",
               number(100.0 * static_cast<double>(computed) / static_cast<double>(all), 0),
               " %), those at most ", *plan.sampler.sparse,
               " working pixels from the model's mask; elsewhere the plate's latents stand");
}

std::string planText(const RenderPlan& plan) {
    const FrameJob &first = plan.frames.front(), &last = plan.frames.back();
    const int generated = static_cast<int>(plan.frames.size()) - plan.firstGenerated();
    const bool runs = !plan.region.crop.empty();
    std::string text;
    const auto row = [&](const char* name, const std::string& value) {
        char head[16];
        std::snprintf(head, sizeof head, "%-10s", name);
        text += head + value + "\n";
    };
    row("frames", cat(formatFrameRange(plan.shot.frames), " (", plan.frames.size(), "), ",
                      deliveredFrames(plan), " to deliver, ", generated, " generated"));
    row("plate", first.plate);
    row("", last.plate);
    const auto rows = [&](const char* name, std::vector<std::string> FrameJob::*files) {
        for (size_t i = 0; i < (last.*files).size(); ++i) {
            row(i == 0 ? name : "", (plan.frames[plan.firstGenerated()].*files)[i]);
            row("", (last.*files)[i]);
        }
    };
    rows("matte", &FrameJob::mattes);
    rows("holdout", &FrameJob::holdouts);
    for (size_t g = 0; g < plan.shot.guides.size(); ++g) {
        const auto [from, to] = guideEnds(plan, g);
        row(g == 0 ? "guides" : "",
            cat(shot::text(plan.shot.guides[g].type), " ", from.empty() ? "in no frame" : from));
        if (to != from) row("", to);
    }
    row("output", first.output);
    row("", last.output);
    row("picture",
        cat(windowText(plan.plateData), " in ", windowText(plan.plateDisplay), ", pixel aspect ",
            plan.pixelAspect, ", ", number(plan.fps.value(), 3), " fps"));
    row("colour", cat(plan.plateSpace, " (", plan.plateSpaceReason, ") -> ", plan.modelSpace, ", ",
                      plan.model.encoding, " -> ", plan.outputSpace));
    row("crop", !runs ? "none: nothing is generated, the model does not run"
                      : cat(windowText(plan.region.crop), " at ", plan.region.width, "x",
                            plan.region.height, ", matte ", windowText(plan.matteBounds), ", ",
                            number(plan.matteCoverage * 100), " % of the frame"));
    if (!plan.region.path.empty()) row("", pathText(plan.region.path));
    row("model",
        cat(plan.model.name, " (", plan.model.family, ", ", number(plan.model.parameters / 1e6),
            " M parameters, ", plan.dtype,
            plan.shot.model.dtype == shot::DType::Auto ? " (auto)" : "", " on ", plan.device, ")"));
    for (const auto& [key, told] : roundingsTold(plan)) row(key, told);
    for (const model::LoraFile& lora : plan.loras)
        row(&lora == &plan.loras.front() ? "loras" : "",
            cat(lora.path.string(), " x ", lora.strength,
                lora.experts == model::Experts::High  ? ", high noise"
                : lora.experts == model::Experts::Low ? ", low noise"
                                                      : ""));
    if (!runs) return text;
    row("sampler",
        cat(plan.sampler.scheduler, ", ", plan.sampler.steps, " steps, guidance ",
            plan.sampler.guidance, ", shift ", plan.sampler.shift, ", seed ", plan.sampler.seed));
    if (plan.sampler.cache > 0)
        row("cache", cat("up to ", number(plan.sampler.cache * 100, 1),
                         " % change of the velocity; how many evaluations that leaves out shows "
                         "while it renders"));
    if (plan.sampler.sparse) row("sparse", sparseText(plan));
    if (plan.sampler.boundary > 0)
        row("experts", cat("the second from timestep ", plan.sampler.boundary * 1000,
                           " down, guidance ", plan.sampler.guidance2));
    row("windows",
        cat(plan.windows.size(), " of ", plan.windows.empty() ? 0 : plan.windows.front().length,
            " latent frames; ", plan.latentFrames, "x", plan.latentHeight, "x", plan.latentWidth,
            " latents, ", plan.cost.tokens, " tokens a window",
            plan.kept.empty() ? "" : " at most"));
    if (plan.prompts.size() > 1)
        row("beats", cat(plan.prompts.size() - 1,
                         " beside the prompt; each window is evaluated "
                         "once for every one that holds in it"));
    const auto hints = std::max_element(plan.hintScales.begin(), plan.hintScales.end());
    if (hints != plan.hintScales.end() && *hints > 1)
        row("hints", cat("VACE's scaled up to ", *hints, " times, by the guides' strength"));
    if (plan.second) row("refine", secondPassText(*plan.second));
    row("work", cat(number(plan.flops() / 1e12, 2), " TFLOP"));
    if (plan.processes > 1)
        row("processes", cat(plan.processes,
                             " share the denoising; beside process 0, whose memory is below, "
                             "each needs at most ",
                             byteSizeText(plan.cost.heldBytes + plan.cost.denoiseBytes)));
    const std::vector<std::string> memory = memoryLines(plan);
    for (size_t i = 0; i < memory.size(); ++i) row(i == 0 ? "memory" : "", memory[i]);
    return text;
}

std::string planJson(const RenderPlan& plan) {
    using nlohmann::ordered_json;
    const auto window = [](const Window& w) { return ordered_json{w.x, w.y, w.width, w.height}; };
    ordered_json files = ordered_json::array();
    for (const FrameJob& job : plan.frames)
        files.push_back({{"frame", job.frame},
                         {"plate", job.plate},
                         {"mattes", job.mattes},
                         {"holdouts", job.holdouts},
                         {"guides", job.guides},
                         {"output", job.output},
                         {"generated", job.generated},
                         {"deliver", job.deliver}});
    ordered_json path = ordered_json::array();
    for (const Box& place : plan.region.path) path.push_back({place.x, place.y});
    ordered_json loras = ordered_json::array();
    for (const model::LoraFile& lora : plan.loras)
        loras.push_back({{"path", lora.path.string()}, {"strength", lora.strength}});
    ordered_json windows = ordered_json::array();
    for (size_t w = 0; w < plan.windows.size(); ++w)
        windows.push_back({{"first", plan.windows[w].first},
                           {"length", plan.windows[w].length},
                           {"hint_scale", plan.hintScales[w]},
                           {"tokens", plan.tokens(w)}});
    ordered_json sampler = {{"scheduler", plan.sampler.scheduler},
                            {"steps", plan.sampler.steps},
                            {"guidance", plan.sampler.guidance},
                            {"shift", plan.sampler.shift},
                            {"seed", plan.sampler.seed}};
    if (plan.sampler.cache > 0) sampler["cache"] = plan.sampler.cache;
    if (plan.sampler.sparse) sampler["sparse"] = *plan.sampler.sparse;
    if (plan.sampler.boundary > 0) {
        sampler["boundary"] = plan.sampler.boundary;
        sampler["guidance_2"] = plan.sampler.guidance2;
    }
    const ordered_json json = {
        {"shot", ordered_json::parse(shot::resolvedJson(plan.shot))},
        {"frames", files},
        {"plate",
         {{"data_window", window(plan.plateData)},
          {"display_window", window(plan.plateDisplay)},
          {"pixel_aspect", plan.pixelAspect},
          {"fps", plan.fps.value()}}},
        {"colour",
         {{"plate", plan.plateSpace},
          {"reason", plan.plateSpaceReason},
          {"model", plan.modelSpace},
          {"encoding", plan.model.encoding},
          {"output", plan.outputSpace}}},
        {"region",
         {{"crop", window(plan.region.crop)},
          {"width", plan.region.width},
          {"height", plan.region.height},
          {"path", path},
          {"matte", window(plan.matteBounds)},
          {"coverage", plan.matteCoverage}}},
        {"model",
         {{"name", plan.model.name},
          {"family", plan.model.family},
          {"folder", plan.model.folder.string()},
          {"parameters", plan.model.parameters},
          {"loras", loras},
          {"dtype", plan.dtype},
          {"weights", shot::text(plan.shot.model.weights)},
          {"products", shot::text(plan.shot.model.products)},
          {"vae_dtype", shot::text(plan.shot.model.vaeDtype)},
          {"device", plan.device}}},
        {"sampler", sampler},
        {"processes", plan.processes},
        {"latents", {plan.latentFrames, plan.latentHeight, plan.latentWidth}},
        {"windows", windows},
        {"refine", plan.second ? refineJson(*plan.second) : ordered_json()},
        {"estimate",
         {{"tokens", plan.cost.tokens}, {"flops", plan.flops()}, {"peak_bytes", plan.peakBytes}}},
        {"memory", memoryJson(plan)}};
    return json.dump(2) + "\n";
}

}  // namespace derrumbe::render
