#include "render/inputs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "clip/encoding.h"
#include "clip/model_mask.h"
#include "clip/windows.h"
#include "image/matte.h"
#include "image/resample.h"
#include "render/guides.h"
#include "render/plate_grain.h"
#include "support/in_parallel.h"
#include "support/interrupt.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

std::string windowText(const Window& w) {
    return cat(w.width, "x", w.height, w.x < 0 ? "" : "+", w.x, w.y < 0 ? "" : "+", w.y);
}

std::string listed(const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& name : names)
        if (all.size() < 300) all += (all.empty() ? "" : ", ") + name;
    return all;
}

void putPlane(Clip& clip, int index, const Frame& codes) {
    for (int c = 0; c < 3; ++c) {
        float* plane = clip.plane(c, index);
        for (size_t i = 0; i < clip.planeSize(); ++i)
            plane[i] = std::clamp(codes.pixels[i * 3 + c] * 2 - 1, -1.0f, 1.0f);
    }
}

/// Part of a picture as the model's codes in [0, 1], resized. The picture is resized as code, not
/// as light: a filter's negative lobes around a highlight would otherwise ring across the whole
/// picture.
Frame codesFromPicture(const Frame& picture, const Box& part, const image::ColorTransform& toModel,
                       const clip::Encoding& encoding, int width, int height) {
    Frame codes = image::cropColour(picture, part.touched());
    toModel.apply(codes);
    for (float& value : codes.pixels) value = encoding.encode(value);
    const bool larger = width > part.width || height > part.height;
    return image::resizeFrom(codes, part, width, height,
                             larger ? image::enlargeFromModel : image::reduceForModel);
}

/// An image fitted inside the canvas, aspect kept, centred on white, as VACE's references are
/// (diffusers, WanVACEPipeline.preprocess_conditions).
Clip fitOnWhite(const Frame& picture, const image::ColorTransform& toModel,
                const clip::Encoding& encoding, int canvasWidth, int canvasHeight) {
    const double scale = std::min(static_cast<double>(canvasWidth) / picture.data.width,
                                  static_cast<double>(canvasHeight) / picture.data.height);
    const int width = std::max(1, static_cast<int>(picture.data.width * scale));
    const int height = std::max(1, static_cast<int>(picture.data.height * scale));
    const Frame codes = codesFromPicture(picture, picture.data, toModel, encoding, width, height);
    Clip clip = Clip::filled(1, canvasHeight, canvasWidth, 1.0f);
    const int left = (canvasWidth - width) / 2, top = (canvasHeight - height) / 2;
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                clip.plane(c, 0)[static_cast<size_t>(top + y) * canvasWidth + left + x] =
                    std::clamp(codes.at(x, y)[c] * 2 - 1, -1.0f, 1.0f);
    return clip;
}

/// What the grain is measured on, of a frame that was read for the model.
struct ReadPlate {
    std::optional<Frame> plate;  ///< none where the plate is missing or a keyframe stands
    Matte matte;                 ///< what may change there; empty: nothing
};

}  // namespace

image::MatteRequest matteRequest(const shot::MatteSource& source, const std::string& file) {
    image::MatteRequest request;
    request.file = file;
    request.channel = source.channel;
    if (source.cryptomatte) {
        request.cryptomatteLayer = source.cryptomatte->layer;
        request.cryptomatteNames = source.cryptomatte->names;
    }
    request.invert = source.invert;
    request.grow = source.grow;
    request.feather = source.feather;
    return request;
}

std::string plateMismatch(const RenderPlan& plan, const image::PlateProbe& plate) {
    if (!(plate.data == plan.plateData) || !(plate.display == plan.plateDisplay))
        return cat(plate.file, ": its windows differ from the first plate's (",
                   windowText(plate.data), " in ", windowText(plate.display), " instead of ",
                   windowText(plan.plateData), " in ", windowText(plan.plateDisplay),
                   "); conform the plate to one size");
    const auto sorted = [](std::vector<std::string> names) {
        std::sort(names.begin(), names.end());
        return names;
    };
    if (sorted(plate.channels) == sorted(plan.plateChannels)) return "";
    return cat(plate.file, ": its channels differ from the first plate's (", listed(plate.channels),
               " instead of ", listed(plan.plateChannels),
               "); write every frame with the same channels");
}

void checkKeyframe(const RenderPlan& plan, const image::PlateProbe& picture) {
    if (plan.plateData.empty() || picture.data == plan.plateData) return;
    throw Error(ExitCode::Input,
                cat(picture.file, ": a keyframe has the plate's size, ", windowText(plan.plateData),
                    ", not ", windowText(picture.data)));
}

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
    const std::string mismatch = plateMismatch(plan, plate);
    if (!mismatch.empty()) throw Error(ExitCode::Input, mismatch);
    return plate;
}

std::string pictureSpace(const RenderPlan& plan, const image::ColorConfig& colours,
                         const image::PlateProbe& picture) {
    const auto extension = [](const std::string& file) {
        return std::filesystem::path(file).extension();
    };
    const bool says =
        !picture.colorSpaceHint.empty() ||
        (picture.header && picture.header->text(image::colorspaceAttribute).has_value());
    if (!says && extension(picture.file) == extension(plan.shot.plate.path.string()))
        return plan.plateSpace;
    return image::choosePlateSpace(colours, picture, "").name;
}

namespace {

/// The shot's keyframe at a job's frame, or the end of its keyframes.
auto keyframeAt(const RenderPlan& plan, const FrameJob& job) {
    const auto& all = plan.shot.keyframes;
    return std::find_if(all.begin(), all.end(), [&](const shot::Keyframe& keyframe) {
        return keyframe.frame == job.frame;
    });
}

}  // namespace

int maskGrow(const clip::CropPlan& region) {
    return std::max(2, static_cast<int>(std::lround(std::min(region.width, region.height) / 80.0)));
}

bool isKeyframe(const RenderPlan& plan, const FrameJob& job) {
    return keyframeAt(plan, job) != plan.shot.keyframes.end();
}

void setModelMask(const RenderPlan& plan, const FrameJob& job, const Matte& matte, ClipMask& mask,
                  int frame) {
    clip::setMaskFrame(mask, frame, matte, plan.region.at(job.index), maskGrow(plan.region));
}

std::optional<image::PlateImage> readJobKeyframe(const RenderPlan& plan,
                                                 const image::ColorConfig& colours,
                                                 const FrameJob& job) {
    const auto found = keyframeAt(plan, job);
    if (found == plan.shot.keyframes.end()) return std::nullopt;
    image::PlateImage picture = image::readPlate(found->path.string());
    checkKeyframe(plan, picture);
    const std::string space = pictureSpace(plan, colours, picture);
    if (space != plan.plateSpace) colours.transform(space, plan.plateSpace).apply(picture.frame);
    return picture;
}

Matte readMattes(const RenderPlan& plan, const std::vector<shot::MatteSource>& sources,
                 const std::vector<std::string>& files) {
    Matte matte;
    for (size_t i = 0; i < files.size(); ++i) {
        const Matte next =
            image::readMatte(matteRequest(sources[i], files[i]), plan.plateData, plan.plateDisplay);
        if (sources[i].operation == shot::MatteOperation::Subtract)
            image::subtractMatte(matte, next);
        else
            image::uniteMattes(matte, next);
    }
    return matte;
}

Matte readModelMatte(const RenderPlan& plan, const FrameJob& job) {
    if (job.mattes.empty()) {
        Matte full{plan.plateData, {}};
        full.values.assign(static_cast<size_t>(full.window.width) * full.window.height, 1.0f);
        return full;
    }
    return readMattes(plan, plan.shot.mattes, job.mattes);
}

void compositeMatte(const RenderPlan& plan, const FrameJob& job, Matte& matte) {
    if (!job.holdouts.empty())
        image::subtractMatte(matte, readMattes(plan, plan.shot.holdouts, job.holdouts));
    const auto strength = static_cast<float>(plan.shot.strength.at(job.frame));
    for (float& value : matte.values) value *= strength;
}

Matte readFront(const RenderPlan& plan, const FrameJob& job) {
    Matte front = readMattes(plan, plan.shot.holdouts, job.holdouts);
    for (float& value : front.values) value = 1 - value;
    return front;
}

Matte readJobMatte(const RenderPlan& plan, const FrameJob& job) {
    Matte matte = readModelMatte(plan, job);
    compositeMatte(plan, job, matte);
    return matte;
}

Frame modelCodes(const RenderPlan& plan, const image::ColorConfig& colours, const Frame& picture,
                 int index) {
    return codesFromPicture(
        picture, plan.region.at(index), colours.transform(plan.plateSpace, plan.modelSpace),
        clip::Encoding::named(plan.model.encoding), plan.region.width, plan.region.height);
}

ModelInputs loadInputs(const RenderPlan& plan, const image::ColorConfig& colours,
                       const model::Tick& tick) {
    const clip::CropPlan& region = plan.region;
    const clip::Encoding encoding = clip::Encoding::named(plan.model.encoding);
    const image::ColorTransform toModel = colours.transform(plan.plateSpace, plan.modelSpace);
    ModelInputs inputs{Clip::filled(plan.clipFrames, region.height, region.width, 0.0f),
                       clip::emptyMask(plan.clipFrames, region.height, region.width),
                       clip::emptyMask(plan.clipFrames, region.height, region.width),
                       {},
                       {},
                       {}};
    PlateGrain grain(plan);
    const auto readFrame = [&](int i) {
        throwIfInterrupted();
        const FrameJob& job = plan.frames[i];
        const std::optional<image::PlateImage> keyframe = readJobKeyframe(plan, colours, job);
        image::PlateImage picture = keyframe ? *keyframe : readJobPlate(plan, job);
        putPlane(inputs.plate, i,
                 codesFromPicture(picture.frame, region.at(i), toModel, encoding, region.width,
                                  region.height));
        ReadPlate read;
        if (keyframe) return read;
        if (job.generated) {
            read.matte = readModelMatte(plan, job);
            setModelMask(plan, job, read.matte, inputs.mask, i);
            const Matte small =
                image::resizeMatte(read.matte, region.at(i), region.width, region.height);
            std::copy(small.values.begin(), small.values.end(), inputs.matte.plane(i));
        }
        if (!job.plate.empty()) read.plate = std::move(picture.frame);
        return read;
    };
    const int frames = static_cast<int>(plan.frames.size());
    const int atOnce = std::max(1, plan.framesAtOnce);
    for (int first = 0; first < frames; first += atOnce) {
        const int count = std::min(atOnce, frames - first);
        std::vector<ReadPlate> read(static_cast<size_t>(count));
        inParallel(count, atOnce, [&](int k) { read[k] = readFrame(first + k); });
        for (int k = 0; k < count; ++k) {
            const FrameJob& job = plan.frames[first + k];
            if (read[k].plate)
                grain.look(job, *read[k].plate, job.mattes.empty() ? nullptr : &read[k].matte);
        }
        tick(first + count, frames);
    }
    for (int i = frames; i < plan.clipFrames; ++i) {
        const int held = clip::heldFrame(i, frames);
        for (int c = 0; c < 3; ++c)
            std::copy_n(inputs.plate.plane(c, held), inputs.plate.planeSize(),
                        inputs.plate.plane(c, i));
        std::copy_n(inputs.mask.plane(held), inputs.plate.planeSize(), inputs.mask.plane(i));
        std::copy_n(inputs.matte.plane(held), inputs.plate.planeSize(), inputs.matte.plane(i));
    }
    for (const shot::FilePath& path : plan.shot.references) {
        const image::PlateImage picture = image::readPlate(path.string());
        inputs.references.push_back(fitOnWhite(
            picture.frame, colours.transform(pictureSpace(plan, colours, picture), plan.modelSpace),
            encoding, region.width, region.height));
    }
    if (plan.showsGuides()) inputs.guided = guidedClip(plan, colours, inputs.plate, inputs.mask);
    inputs.grain = grain.grain();
    return inputs;
}

}  // namespace derrumbe::render
