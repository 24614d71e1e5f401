#include "render/fitting.h"

#include <algorithm>

#include "provenance/machine.h"
#include "render/plan.h"
#include "support/byte_size.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

using model::Estimate;
using model::MemoryWays;

/// Latents a side. A margin is about as wide.
constexpr int kSmallestTile = 8;

/// The plan's memory by the ways it is computed.
class Need {
  public:
    Need(const RenderPlan& plan, const MemoryNeed& need) : plan_(plan), need_(need) {}

    /// Of one pass. What a second one denoises is as large as its tiles.
    Estimate passEstimate(const RenderPlan& pass, const MemoryWays& ways) const {
        const auto of = [&](int height, int width) {
            return model::estimate(pass.model, need_.windowFrames, height, width,
                                   static_cast<int>(pass.shot.references.size()), need_.dtypeBytes,
                                   pass.clipFrames, ways,
                                   pass.tiles.empty() ? need_.keptTokens : 0);
        };
        Estimate e = of(pass.region.height, pass.region.width);
        if (pass.tiles.empty()) return e;
        const int scale = pass.model.spatialScale;
        const clip::Tile& tile = pass.tiles.front();
        const Estimate seen = of(tile.height * scale, tile.width * scale);
        e.tokens = seen.tokens;
        e.forwardFlops = seen.forwardFlops;
        e.denoiseBytes = seen.denoiseBytes;
        return e;
    }

    /// The first pass' work, and at each stage the memory of the pass that needs more.
    Estimate estimate(const MemoryWays& ways) const {
        Estimate e = passEstimate(plan_, ways);
        if (plan_.second) {
            const Estimate second = passEstimate(*plan_.second, ways);
            for (double Estimate::*bytes :
                 {&Estimate::heldBytes, &Estimate::textBytes, &Estimate::encodeBytes,
                  &Estimate::denoiseBytes, &Estimate::decodeBytes})
                e.*bytes = std::max(e.*bytes, second.*bytes);
        }
        e.peakBytes =
            e.heldBytes + std::max({e.textBytes, e.encodeBytes, e.denoiseBytes, e.decodeBytes});
        return e;
    }

    /// What stands beside a stage's own memory where that is counted.
    double beside(const Estimate& e) const { return onCard() ? 0 : e.heldBytes + need_.keptBytes; }

    /// While so many frames at once are written.
    double delivery(int frames) const {
        return need_.deliveryBytes + need_.frameBytes * (frames - 1);
    }

    double peak(const Estimate& e) const {
        return std::max(e.peakBytes + need_.keptBytes, delivery(plan_.framesAtOnce));
    }

    /// A card would merge LoRAs with other roundings.
    bool packs() const { return !onCard() || plan_.loras.empty(); }

  private:
    bool onCard() const { return plan_.device != "cpu"; }

    const RenderPlan& plan_;
    const MemoryNeed& need_;
};

/// Takes ways, the least costly first, until every stage that can be helped is within the limit.
MemoryWays choose(const Need& need, const RenderPlan& plan, double limit) {
    MemoryWays ways = plan.fitting.ways;
    const auto over = [&](double Estimate::*stage) {
        const Estimate e = need.estimate(ways);
        return need.beside(e) + e.*stage > limit;
    };
    /// The largest tiles that fit; small ones cost more for their margins.
    const auto tiled = [&](int MemoryWays::*tile, double Estimate::*stage) {
        if (!over(stage)) return;
        const int scale = plan.model.spatialScale;
        const clip::CropPlan& region = plan.last().region;
        const int longest = std::max(region.height, region.width) / scale;
        for (ways.*tile = longest - 1; ways.*tile > kSmallestTile && over(stage);) --(ways.*tile);
    };
    tiled(&MemoryWays::encodeTile, &Estimate::encodeBytes);
    tiled(&MemoryWays::decodeTile, &Estimate::decodeBytes);
    const auto denoise = &Estimate::denoiseBytes;
    // Unpacking takes little time beside products with many tokens, and none where a block would be
    // read again.
    if (over(denoise) && need.packs()) {
        const double before = need.estimate(ways).denoiseBytes;
        ways.transformerPacked = true;
        if (need.estimate(ways).denoiseBytes >= before) ways.transformerPacked = false;
    }
    // As many blocks as fit; none of them where even that is too much. With two more on their way,
    // all but two are all.
    if (over(denoise)) {
        ways.transformerBlocks = std::max(0, model::transformerBlocks(plan.model) - 3);
        while (ways.transformerBlocks > 0 && over(denoise)) --ways.transformerBlocks;
    }
    return ways;
}

/// What would make the worst stage smaller.
std::string remedy(const RenderPlan& plan, const std::string& stage) {
    const clip::CropPlan& region = plan.last().region;
    std::string text = cat("a smaller ", plan.second ? "refine.scale" : "region", " (now ",
                           region.width, "x", region.height, ")");
    if (stage == "denoising")
        text += cat(", shorter windows (now ",
                    (plan.windows.front().length - 1) * plan.model.temporalScale + 1, " frames)");
    else if (stage != "encoding prompts")
        text += cat(" or fewer frames (now ", plan.frames.size(), ")");
    const bool halved = plan.dtype != "float32";
    if (stage == "encoding prompts") return halved ? "" : "model.dtype=bfloat16 would need less";
    if (stage == "denoising" && !halved) text += " or model.dtype=bfloat16";
    if (stage == "denoising" && plan.fitting.ways.rounding == model::Rounding::None)
        text += " or model.weights=int8 (which changes the picture a little)";
    return text + " would need less";
}

void refuse(const RenderPlan& plan, const Need& need, const Estimate& e, double limit,
            Problems& problems) {
    const double beside = need.beside(e);
    const std::pair<const char*, double> stages[] = {
        {"encoding prompts", beside + e.textBytes},
        {"encoding the plates", beside + e.encodeBytes},
        {"denoising", beside + e.denoiseBytes},
        {"decoding", beside + e.decodeBytes},
        {"writing frames", need.delivery(plan.framesAtOnce)}};
    const auto worst =
        *std::max_element(std::begin(stages), std::end(stages),
                          [](const auto& a, const auto& b) { return a.second < b.second; });
    if (worst.second <= limit) return;
    const std::string help = remedy(plan, worst.first);
    problems.error(
        ExitCode::Memory,
        cat("this render needs about ", byteSizeText(worst.second), " at least (", worst.first,
            "), and may use ", byteSizeText(limit), help.empty() ? "" : "; ", help),
        {"--max-memory", 0, 0});
}

void warnOfMachine(const RenderPlan& plan, Problems& problems) {
    const double free = static_cast<double>(provenance::availableMemory());
    if (plan.device != "cpu" || free <= 0 || plan.peakBytes <= free) return;
    problems.warning(cat("this render needs about ", byteSizeText(plan.peakBytes),
                         " of memory, and this machine has ", byteSizeText(free),
                         " free; --max-memory takes ways that need less"));
}

}  // namespace

void fitMemory(RenderPlan& plan, const MemoryNeed& need, std::uint64_t limit, Problems& problems) {
    const Need memory(plan, need);
    const auto most = static_cast<double>(limit);
    plan.fitting.limit = limit;
    const int atOnce = plan.framesAtOnce;
    if (limit > 0) {
        plan.fitting.ways = choose(memory, plan, most);
        while (plan.framesAtOnce > 1 && memory.delivery(plan.framesAtOnce) > most)
            --plan.framesAtOnce;
    }
    plan.fitting.fewerFramesAtOnce = plan.framesAtOnce < atOnce;
    plan.cost = memory.estimate(plan.fitting.ways);
    if (plan.second) {
        plan.second->cost = memory.passEstimate(*plan.second, plan.fitting.ways);
        plan.second->framesAtOnce = plan.framesAtOnce;
        plan.second->fitting = plan.fitting;
    }
    plan.peakBytes = memory.peak(plan.cost);
    if (limit > 0)
        refuse(plan, memory, plan.cost, most, problems);
    else
        warnOfMachine(plan, problems);
}

std::vector<RoundingTold> roundingsTold(const RenderPlan& plan) {
    const MemoryWays& ways = plan.fitting.ways;
    std::vector<RoundingTold> told;
    if (ways.products != model::Rounding::None)
        told.push_back(
            {"products", cat("the large products of the transformer's blocks are computed in ",
                             shot::text(plan.shot.model.products),
                             ": weights and tokens are rounded to it, with a scale a row")});
    else if (ways.rounding != model::Rounding::None)
        told.push_back(
            {"weights", cat("the matrices of the transformer's blocks are rounded to ",
                            shot::text(plan.shot.model.weights), ", with a scale a row")});
    if (ways.vaeBfloat16)
        told.push_back({"vae_dtype",
                        "the VAE's convolutions multiply bfloat16: weights and what they are "
                        "multiplied with are rounded to it"});
    return told;
}

std::vector<std::string> fittingTexts(const RenderPlan& plan) {
    const MemoryWays& ways = plan.fitting.ways;
    std::vector<std::string> texts;
    if (ways.transformerPacked)
        texts.push_back(
            "the transformer's matrices stay as small as their file has them, and are unpacked at "
            "each use");
    if (ways.transformerBlocks >= 0)
        texts.push_back(cat(ways.transformerBlocks, " of the transformer's ",
                            model::transformerBlocks(plan.model),
                            " blocks stay in memory, the others are read at their turns"));
    const auto tiles = [&](const char* work, int side) {
        if (side > 0)
            texts.push_back(cat("the VAE ", work, " tiles of up to ",
                                side * plan.model.spatialScale,
                                " pixels; that changes the last digits of the pixels"));
    };
    if (plan.fitting.fewerFramesAtOnce)
        texts.push_back(cat(plan.framesAtOnce, plan.framesAtOnce == 1 ? " frame is" : " frames are",
                            " written at a time"));
    tiles("encodes", ways.encodeTile);
    tiles("decodes", ways.decodeTile);
    return texts;
}

}  // namespace derrumbe::render
