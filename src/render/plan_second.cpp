#include "render/plan_second.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "model/sampling/sampler.h"
#include "render/inputs.h"
#include "render/plan_prompts.h"
#include "render/plan_tokens.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

/// Takes the second pass' noise from another place of the generator than the first one's: its
/// picture holds what that noise became.
constexpr std::uint64_t kOtherNoise = 0x9e3779b97f4a7c15ull;

/// Latents that are worked on around the model's mask, so that it sees what its picture meets.
constexpr int kAround = 2;

std::string scaleText(double scale) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", scale);
    return text;
}

/// How many times the working size the crop's plate pixels are, where they are finest.
double fullScale(const clip::CropPlan& region) {
    const Box crop = region.at(0);
    return std::max(static_cast<double>(crop.width) / region.width,
                    static_cast<double>(crop.height) / region.height);
}

/// Tiles of the first pass' size over everything that the model may change.
std::vector<clip::Tile> tilesOf(const RenderPlan& first, const RenderPlan& second, int overlap) {
    const model::Description& model = second.model;
    const int scale = model.spatialScale;
    const int height = std::min(first.latentHeight, second.latentHeight),
              width = std::min(first.latentWidth, second.latentWidth);
    const CropPart& matte = second.matteInCrop;
    const double around = static_cast<double>(maskGrow(second.region)) / scale + kAround;
    const clip::Span rows = clip::snappedSpan(matte.top * second.latentHeight - around,
                                              matte.bottom * second.latentHeight + around,
                                              second.latentHeight, height, model.patch[1]);
    const clip::Span columns = clip::snappedSpan(matte.left * second.latentWidth - around,
                                                 matte.right * second.latentWidth + around,
                                                 second.latentWidth, width, model.patch[2]);
    return clip::planTiles({rows.first, columns.first, rows.length, columns.length}, height, width,
                           overlap);
}

/// Latents that tiles share, a multiple of the model's patch: a token is not cut.
int overlapOf(const RenderPlan& first, int shortest) {
    const int patch = std::max(first.model.patch[1], first.model.patch[2]);
    const int asked =
        first.shot.refine.overlap
            ? (*first.shot.refine.overlap + first.model.spatialScale - 1) / first.model.spatialScale
            : shortest / 4;
    return (asked + patch - 1) / patch * patch;
}

}  // namespace

std::shared_ptr<RenderPlan> planSecondPass(const RenderPlan& first, Problems& problems) {
    const shot::Refine& asked = first.shot.refine;
    if (asked.strength <= 0) return nullptr;
    const double full = fullScale(first.region);
    if (asked.scale && *asked.scale > full)
        problems.warning(cat("refine.scale ", scaleText(*asked.scale),
                             " is more than the crop's full resolution, ", scaleText(full),
                             " times the working size, which is taken"),
                         first.shot.place("refine.scale"));
    const double scale = std::min(full, asked.scale.value_or(full));
    const auto sized = [&](int side) {
        const int multiple = first.model.sizeMultiple;
        return std::max(side, static_cast<int>(std::lround(side * scale / multiple)) * multiple);
    };
    auto second = std::make_shared<RenderPlan>(first);
    second->region.width = sized(first.region.width);
    second->region.height = sized(first.region.height);
    if (second->region.width == first.region.width &&
        second->region.height == first.region.height) {
        problems.warning(
            cat("refine: the crop is not larger than the model's working size, ",
                first.region.width, "x", first.region.height, ": there is no second pass"),
            first.shot.place("refine"));
        return nullptr;
    }
    second->latentHeight = second->region.height / first.model.spatialScale;
    second->latentWidth = second->region.width / first.model.spatialScale;
    const int shortest = std::min(first.latentHeight, first.latentWidth);
    const int overlap = overlapOf(first, shortest);
    if (overlap >= shortest) {
        problems.error(ExitCode::Usage,
                       cat("tiles of ", first.region.width, "x", first.region.height,
                           " pixels, the model's working size, cannot overlap by ",
                           overlap * first.model.spatialScale),
                       first.shot.place("refine.overlap"));
        return nullptr;
    }
    second->tiles = tilesOf(first, *second, overlap);
    second->sampler.start = asked.strength;
    second->sampler.steps =
        model::stepsFrom(asked.strength, first.sampler.steps, first.sampler.shift);
    second->sampler.seed ^= kOtherNoise;
    // The plate's grain was measured for the first pass.
    second->shot.grain = shot::Grain::Off;
    Problems again;  // whatever is odd was said of the first pass
    planPrompts(*second, again);
    second->kept.clear();
    planTokens(*second, again);
    if (again.hasErrors()) problems.add(again.list());
    return second;
}

std::string secondPassText(const RenderPlan& second) {
    const int scale = second.model.spatialScale;
    const clip::Tile& tile = second.tiles.front();
    return cat(second.region.width, "x", second.region.height, " from noise level ",
               scaleText(second.sampler.start), ": ", second.sampler.steps,
               second.sampler.steps == 1 ? " step, " : " steps, ", second.tiles.size(),
               second.tiles.size() == 1 ? " tile of " : " tiles of ", tile.width * scale, "x",
               tile.height * scale);
}

}  // namespace derrumbe::render
