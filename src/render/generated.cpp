#include "render/generated.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "clip/encoding.h"
#include "clip/plate_detail.h"
#include "image/resample.h"
#include "render/inputs.h"

namespace derrumbe::render {

namespace {

/// Planes [-1, 1] of a frame of `height` x `width` as codes in [0, 1], enlarged over the crop.
Frame enlargedCodes(const RenderPlan& plan, const std::array<const float*, 3>& planes, int height,
                    int width, int index) {
    Frame codes;
    codes.data = codes.display = {0, 0, width, height};
    codes.channels = {"R", "G", "B"};
    const size_t size = static_cast<size_t>(height) * width;
    codes.pixels.resize(size * 3);
    for (int c = 0; c < 3; ++c)
        for (size_t i = 0; i < size; ++i) codes.pixels[i * 3 + c] = planes[c][i] * 0.5f + 0.5f;
    return image::resizeInto(codes, plan.region.at(index), plan.plateDisplay,
                             image::enlargeFromModel);
}

Frame enlarged(const RenderPlan& plan, const Clip& clip, int index) {
    return enlargedCodes(plan, {clip.plane(0, index), clip.plane(1, index), clip.plane(2, index)},
                         clip.height, clip.width, index);
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

/// Where the plate's things are now, as addCarriedDetail takes it.
Frame carriedFields(const RenderPlan& plan, const clip::SourcePlaces& places,
                    const ClipMask& weight, int index) {
    const Box box = plan.region.at(index);
    const auto scaleX = static_cast<float>(box.width) / static_cast<float>(weight.width),
               scaleY = static_cast<float>(box.height) / static_cast<float>(weight.height);
    Frame fields;
    fields.data = fields.display = {0, 0, weight.width, weight.height};
    fields.channels = {"x", "y", "speed x", "speed y", "weight"};
    const size_t size = static_cast<size_t>(weight.height) * weight.width;
    fields.pixels.resize(size * 5);
    for (size_t i = 0; i < size; ++i) {
        float* field = fields.pixels.data() + i * 5;
        field[0] = static_cast<float>(box.x) + (places.x[i] + 0.5f) * scaleX;
        field[1] = static_cast<float>(box.y) + (places.y[i] + 0.5f) * scaleY;
        field[2] = places.speedX[i] * scaleX;
        field[3] = places.speedY[i] * scaleY;
        field[4] = weight.plane(index)[i];
    }
    return image::resizeInto(fields, box, plan.plateDisplay, image::Filter::Triangle);
}

/// The detail of what moved; `weight` becomes that of all detail. What a holdout keeps in front
/// stays where it is.
void addCarried(const RenderPlan& plan, const Generated& generated, int index, const Frame& codes,
                Frame& frame, Frame& weight) {
    const Clip& known = generated.reconstruction;
    const clip::SourcePlaces places = clip::sourcePlaces(generated.carried.motion, index);
    const std::vector<float> base = clip::carriedBase(places, known, index);
    const float* plane = base.data();
    const Frame fields = carriedFields(plan, places, generated.carried.weight, index);
    const FrameJob& job = plan.frames[static_cast<size_t>(index)];
    Matte front;
    if (!job.holdouts.empty()) front = readFront(plan, job);
    clip::addCarriedDetail(
        frame, codes, fields,
        enlargedCodes(plan, {plane, plane + known.planeSize(), plane + 2 * known.planeSize()},
                      known.height, known.width, index),
        front);
    for (size_t i = 0; i < weight.pixels.size(); ++i)
        weight.pixels[i] = std::max(weight.pixels[i], fields.pixels[i * 5 + 4]);
}

}  // namespace

Frame generatedFrame(const RenderPlan& plan, const image::ColorConfig& colours,
                     const Generated& generated, int index, const Frame& plate) {
    const clip::Encoding encoding = clip::Encoding::named(plan.model.encoding);
    Frame frame = enlarged(plan, generated.picture, index);
    const bool detailed = generated.reconstruction.frames > 0;
    Frame light, codes, weight;
    if (detailed) {
        codes = light = lightOf(plan, colours, plate, frame.data);
        for (float& value : codes.pixels) value = encoding.encode(value);
        weight = enlarged(plan, generated.detail, index);
        clip::addPlateDetail(frame, codes, enlarged(plan, generated.reconstruction, index), weight);
    }
    Frame brought = weight;
    if (generated.carried.any(index)) addCarried(plan, generated, index, codes, frame, brought);
    for (float& value : frame.pixels) value = encoding.decode(value);
    if (detailed) addBeyond(frame, light, weight, encoding.maximum());
    colours.transform(plan.modelSpace, plan.plateSpace).apply(frame);
    if (generated.grain.any())
        clip::addGrain(frame, generated.grain, plan.sampler.seed, plan.frames[index].frame,
                       brought);
    return frame;
}

}  // namespace derrumbe::render
