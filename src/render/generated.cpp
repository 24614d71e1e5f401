#include "render/generated.h"

#include <algorithm>
#include <cmath>

#include "clip/encoding.h"
#include "clip/plate_detail.h"
#include "image/resample.h"

namespace derrumbe::render {

namespace {

/// One frame of a clip as codes in [0, 1], enlarged over the crop.
Frame enlarged(const RenderPlan& plan, const Clip& clip, int index) {
    Frame codes;
    codes.data = codes.display = {0, 0, clip.width, clip.height};
    codes.channels = {"R", "G", "B"};
    codes.pixels.resize(clip.planeSize() * 3);
    for (int c = 0; c < 3; ++c) {
        const float* plane = clip.plane(c, index);
        for (size_t i = 0; i < clip.planeSize(); ++i)
            codes.pixels[i * 3 + c] = plane[i] * 0.5f + 0.5f;
    }
    return image::resizeInto(codes, plan.region.at(index), plan.plateDisplay,
                             image::enlargeFromModel);
}

/// The same of a mask, as it is.
Frame enlarged(const RenderPlan& plan, const ClipMask& mask, int index) {
    Frame values;
    values.data = values.display = {0, 0, mask.width, mask.height};
    values.channels = {"Y"};
    const size_t size = static_cast<size_t>(mask.height) * mask.width;
    values.pixels.assign(mask.plane(index), mask.plane(index) + size);
    return image::resizeInto(values, plan.region.at(index), plan.plateDisplay,
                             image::Filter::Triangle);
}

/// The plate's light in the model's space. What a float holds may overflow there, and infinity
/// times no weight would be no number: it is brought back to where no conversion overflows.
Frame lightOf(const RenderPlan& plan, const image::ColorConfig& colours, const Frame& plate,
              const Window& crop) {
    constexpr float most = 1e30f;
    Frame light = image::cropColour(plate, crop);
    colours.transform(plan.plateSpace, plan.modelSpace).apply(light);
    for (float& value : light.pixels)
        value = std::isnan(value) ? 0.f : std::clamp(value, -most, most);
    return light;
}

/// Light that has no code (below 0, above the encoding's maximum) comes back as far as the plate's
/// detail does.
void addBeyond(Frame& light, const Frame& plate, const Frame& weight, float maximum) {
    for (size_t i = 0; i < light.pixels.size(); ++i) {
        const float value = plate.pixels[i];
        if (value < 0 || value > maximum)
            light.pixels[i] += weight.pixels[i / 3] * (value - std::clamp(value, 0.f, maximum));
    }
}

}  // namespace

Frame generatedFrame(const RenderPlan& plan, const image::ColorConfig& colours,
                     const Generated& generated, int index, const Frame& plate) {
    const clip::Encoding encoding = clip::Encoding::named(plan.model.encoding);
    Frame frame = enlarged(plan, generated.picture, index);
    const bool detailed = generated.reconstruction.frames > 0;
    Frame light, weight;
    if (detailed) {
        light = lightOf(plan, colours, plate, frame.data);
        Frame codes = light;
        for (float& value : codes.pixels) value = encoding.encode(value);
        weight = enlarged(plan, generated.detail, index);
        clip::addPlateDetail(frame, codes, enlarged(plan, generated.reconstruction, index), weight);
    }
    for (float& value : frame.pixels) value = encoding.decode(value);
    if (detailed) addBeyond(frame, light, weight, encoding.maximum());
    colours.transform(plan.modelSpace, plan.plateSpace).apply(frame);
    if (generated.grain.any())
        clip::addGrain(frame, generated.grain, plan.sampler.seed, plan.frames[index].frame, weight);
    return frame;
}

}  // namespace derrumbe::render
