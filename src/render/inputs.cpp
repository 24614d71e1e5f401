#include "render/inputs.h"

#include <algorithm>
#include <cmath>

#include "clip/encoding.h"
#include "clip/model_mask.h"
#include "clip/windows.h"
#include "image/matte.h"
#include "image/resample.h"
#include "support/interrupt.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

/// How far the model's mask reaches beyond the matte, in working pixels: debris and the first dust
/// leave the silhouette, and published models were trained with loose mattes
/// (reference/wan-vace.md, 5).
constexpr int maskGrow = 6;

/// R, G, B of a frame's window, interleaved; a plate with one channel gives it three times.
std::vector<float> rgb(const Frame& frame, const Window& window) {
    int index[3] = {frame.channel("R"), frame.channel("G"), frame.channel("B")};
    if (index[0] < 0 || index[1] < 0 || index[2] < 0)
        std::fill(index, index + 3, std::max(0, frame.channel("Y")));
    std::vector<float> pixels(static_cast<size_t>(window.width) * window.height * 3);
    float* out = pixels.data();
    for (int y = window.y; y < window.bottom(); ++y)
        for (int x = window.x; x < window.right(); ++x)
            for (int c = 0; c < 3; ++c) *out++ = frame.at(x, y)[index[c]];
    return pixels;
}

void putPlane(Clip& clip, int frame, const std::vector<float>& interleaved) {
    for (int c = 0; c < 3; ++c) {
        float* plane = clip.plane(c, frame);
        for (size_t i = 0; i < clip.planeSize(); ++i)
            plane[i] = std::clamp(interleaved[i * 3 + c] * 2 - 1, -1.0f, 1.0f);
    }
}

/// Scene-linear plate pixels to the model's code in [0, 1]. The picture is resized as code, not as
/// light: a filter's negative lobes around a highlight would otherwise ring across the whole
/// picture.
std::vector<float> codesFromPlate(const image::ColorTransform& transform,
                                  const clip::Encoding& encoding, std::vector<float> pixels) {
    transform.apply(pixels.data(), pixels.size() / 3);
    for (float& value : pixels) value = encoding.encode(value);
    return pixels;
}

/// An image fitted inside the canvas, aspect kept, centred on white, as VACE's references are
/// (diffusers, WanVACEPipeline.preprocess_conditions).
Clip fitOnWhite(const std::vector<float>& codes, int width, int height, int canvasWidth,
                int canvasHeight) {
    const double scale = std::min(static_cast<double>(canvasWidth) / width,
                                  static_cast<double>(canvasHeight) / height);
    const int newWidth = std::max(1, static_cast<int>(width * scale)),
              newHeight = std::max(1, static_cast<int>(height * scale));
    const std::vector<float> small = image::resize(codes, width, height, 3, newWidth, newHeight);
    Clip clip = Clip::filled(1, canvasHeight, canvasWidth, 1.0f);
    const int left = (canvasWidth - newWidth) / 2, top = (canvasHeight - newHeight) / 2;
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < newHeight; ++y)
            for (int x = 0; x < newWidth; ++x)
                clip.plane(c, 0)[static_cast<size_t>(top + y) * canvasWidth + left + x] =
                    std::clamp(small[(static_cast<size_t>(y) * newWidth + x) * 3 + c] * 2 - 1,
                               -1.0f, 1.0f);
    return clip;
}

}  // namespace

image::PlateImage readJobPlate(const RenderPlan& plan, const FrameJob& job) {
    image::PlateImage plate;
    if (job.plate.empty()) {
        // missing: black. The first plate there is says what a frame looks like.
        const auto whole = std::find_if(plan.frames.begin(), plan.frames.end(),
                                        [](const FrameJob& other) { return !other.plate.empty(); });
        plate = image::readPlate(whole->plate);
        std::fill(plate.frame.pixels.begin(), plate.frame.pixels.end(), 0.0f);
    } else {
        plate = image::readPlate(job.plate);
    }
    if (!(plate.frame.data == plan.plateData) || !(plate.frame.display == plan.plateDisplay))
        throw Error(
            ExitCode::Input,
            cat(job.plate, ": its windows differ from the first plate's (", plate.frame.data.width,
                "x", plate.frame.data.height, " instead of ", plan.plateData.width, "x",
                plan.plateData.height, "); conform the plate to one size"));
    return plate;
}

Matte readJobMatte(const RenderPlan& plan, const FrameJob& job) {
    if (job.mattes.empty()) {
        Matte full{plan.plateData, {}};
        full.values.assign(static_cast<size_t>(full.window.width) * full.window.height, 1.0f);
        return full;
    }
    std::vector<Matte> mattes;
    for (size_t i = 0; i < job.mattes.size(); ++i) {
        const shot::MatteSource& source = plan.shot.mattes[i];
        image::MatteOptions options;
        options.channel = source.channel;
        options.invert = source.invert;
        options.grow = source.grow;
        options.feather = source.feather;
        mattes.push_back(
            image::readMatte(job.mattes[i], options, plan.plateData, plan.plateDisplay));
    }
    return image::unite(mattes);
}

ModelInputs loadInputs(const RenderPlan& plan, const image::ColorConfig& colours,
                       const model::Tick& tick) {
    const clip::CropPlan& region = plan.region;
    const clip::Encoding encoding = clip::Encoding::named(plan.model.encoding);
    const image::ColorTransform toModel = colours.transform(plan.plateSpace, plan.modelSpace);
    ModelInputs inputs{Clip::filled(plan.clipFrames, region.height, region.width, 0.0f),
                       clip::emptyMask(plan.clipFrames, region.height, region.width),
                       {}};
    const int frames = static_cast<int>(plan.frames.size());
    for (int i = 0; i < frames; ++i) {
        throwIfInterrupted();
        const FrameJob& job = plan.frames[i];
        std::string file = job.plate;
        const shot::Keyframe* keyframe = nullptr;
        for (const shot::Keyframe& key : plan.shot.keyframes)
            if (key.frame == job.frame) keyframe = &key;
        const Frame frame = keyframe ? image::readPlate(keyframe->path.string()).frame
                                     : readJobPlate(plan, job).frame;
        if (keyframe && !(frame.data == plan.plateData))
            throw Error(ExitCode::Input,
                        cat(keyframe->path.string(), ": a keyframe has the plate's size, ",
                            plan.plateData.width, "x", plan.plateData.height));
        const std::vector<float> codes = codesFromPlate(toModel, encoding, rgb(frame, region.crop));
        putPlane(inputs.plate, i,
                 image::resize(codes, region.crop.width, region.crop.height, 3, region.width,
                               region.height));
        if (job.generated && !keyframe)
            clip::setMaskFrame(inputs.mask, i, readJobMatte(plan, job), region.crop, maskGrow);
        tick(i + 1, frames);
    }
    for (int i = frames; i < plan.clipFrames; ++i) {
        const int held = clip::heldFrame(i, frames);
        for (int c = 0; c < 3; ++c)
            std::copy_n(inputs.plate.plane(c, held), inputs.plate.planeSize(),
                        inputs.plate.plane(c, i));
        std::copy_n(inputs.mask.plane(held), inputs.plate.planeSize(), inputs.mask.plane(i));
    }
    for (const shot::FilePath& path : plan.shot.references) {
        const Frame image = image::readPlate(path.string()).frame;
        inputs.references.push_back(
            fitOnWhite(codesFromPlate(toModel, encoding, rgb(image, image.data)), image.data.width,
                       image.data.height, region.width, region.height));
    }
    return inputs;
}

Frame generatedFrame(const RenderPlan& plan, const image::ColorConfig& colours,
                     const Clip& generated, int index) {
    const clip::CropPlan& region = plan.region;
    const clip::Encoding encoding = clip::Encoding::named(plan.model.encoding);
    std::vector<float> codes(generated.planeSize() * 3);
    for (int c = 0; c < 3; ++c) {
        const float* plane = generated.plane(c, index);
        for (size_t i = 0; i < generated.planeSize(); ++i)
            codes[i * 3 + c] = plane[i] * 0.5f + 0.5f;
    }
    Frame frame;
    frame.data = region.crop;
    frame.display = plan.plateDisplay;
    frame.channels = {"R", "G", "B"};
    frame.pixels = image::resize(codes, generated.width, generated.height, 3, region.crop.width,
                                 region.crop.height);
    for (float& value : frame.pixels) value = encoding.decode(std::clamp(value, 0.0f, 1.0f));
    colours.transform(plan.modelSpace, plan.plateSpace)
        .apply(frame.pixels.data(), frame.pixels.size() / 3);
    return frame;
}

}  // namespace derrumbe::render
