#include "render/deliver.h"

#include <algorithm>
#include <cmath>

#include "clip/stitch.h"
#include "image/colour_ids.h"
#include "image/read_frame.h"
#include "image/resample.h"
#include "image/write_exr.h"
#include "provenance/digest.h"
#include "render/delivered_colour.h"
#include "render/inputs.h"
#include "render/kept.h"
#include "support/strings.h"
#include "support/version.h"

namespace derrumbe::render {

namespace {

constexpr const char* compositeSource =
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

/// What never changes between runs of one shot; host names and times stand in the log alone, so
/// that a frame rendered again is the same file.
std::map<std::string, std::string> headerFacts(const RenderPlan& plan,
                                               const std::string& contentHash) {
    const shot::Shot& shot = plan.shot;
    return {{"Software", "derrumbe " DERRUMBE_VERSION},
            {"derrumbe/show", shot.shot.show},
            {"derrumbe/shot", shot.shot.name},
            {"derrumbe/take", std::to_string(shot.shot.take)},
            {"derrumbe/seed", std::to_string(plan.sampler.seed)},
            {"derrumbe/promptHash", provenance::sha256(shot.prompt)},
            {"derrumbe/model", plan.model.name + " " + plan.model.version},
            {"derrumbe/contentHash", contentHash},
            {"derrumbe/log", shot.provenance.path.path.filename().string()},
            {"derrumbe/colorspace", plan.outputSpace},
            {"IPTC:DigitalSourceType", compositeSource}};
}

/// How each of the plate's channels is stored: as the plate stores it, unless the shot says
/// otherwise.
std::vector<image::PixelType> storedTypes(const RenderPlan& plan, const image::PlateImage& plate) {
    std::vector<image::PixelType> types;
    for (const image::PixelType type : plate.types) {
        image::PixelType stored = image::exrTypeFor(type);
        // Object ids are bits, not values: they are never converted.
        if (stored != image::PixelType::UInt32 &&
            plan.shot.output.pixelType == shot::PixelType::Half)
            stored = image::PixelType::Half;
        if (stored == image::PixelType::Half &&
            plan.shot.output.pixelType == shot::PixelType::Float)
            stored = image::PixelType::Float;
        types.push_back(stored);
    }
    return types;
}

/// Adds what happened to a number of samples, if it happened at all.
void note(Delivered& delivered, std::int64_t count, const std::string& what) {
    if (count > 0) delivered.events.push_back({"clamped", cat(count, what), delivered.frame, ""});
}

/// The generated picture, put into the plate where the matte is.
Frame stitchGenerated(const RenderPlan& plan, const image::ColorConfig& colours,
                      const FrameJob& job, const Generated& generated, Frame& plate,
                      const Matte& matte, Delivered& delivered) {
    // The result passes through a keyframe: there the picture is the keyframe itself.
    const std::optional<image::PlateImage> keyframe = readJobKeyframe(plan, colours, job);
    Frame picture = keyframe
                        ? image::cropColour(keyframe->frame, plan.region.at(job.index).pixels())
                        : generatedFrame(plan, colours, generated, job.index, plate);
    const clip::StitchCounts counts = clip::stitch(plate, matte, picture);
    note(delivered, counts.clamped, " generated samples were brought into half's range");
    note(delivered, counts.nonFinite, " generated pixels were not finite; the plate's stay");
    // The layer, too, must not deliver what no plate held.
    for (float& value : picture.pixels)
        if (!std::isfinite(value)) value = 0;
    return picture;
}

/// Into the delivered colour space.
void convertColours(const RenderPlan& plan, const image::ColorConfig& colours, Frame& plate,
                    Frame& picture, const Matte& matte, image::ExrOutput& output,
                    Delivered& delivered) {
    const image::ColorTransform transform = colours.transform(plan.plateSpace, plan.outputSpace);
    const auto convert = [&](Frame& frame) { transform.apply(frame); };
    const std::int64_t changed =
        convertKept(plate, matte, convert) + convertKept(picture, matte, convert);
    note(delivered, changed,
         cat(" samples left half's range, or were no longer finite, in ", plan.outputSpace,
             "; they were brought back"));
    output.dropped = {"colorInteropID", "chromaticities"};
    const auto primaries = image::chromaticitiesOf(plan.outputSpace);
    if (primaries[0] != 0) output.chromaticities = primaries;
}

/// A written frame as a reader gets it. That it cannot be read is the output's fault, not an
/// input's: its folder was removed, or its disk is broken.
image::PlateImage readBack(const std::string& file) {
    try {
        return image::readPlate(file);
    } catch (const Error& error) {
        if (error.code() != ExitCode::Input) throw;
        throw Error(
            ExitCode::Output,
            "cannot be read again after it was written: " + error.problems().front().message,
            {file});
    }
}

}  // namespace

Delivered deliverFrame(const RenderPlan& plan, const image::ColorConfig& colours,
                       const FrameJob& job, const Generated& generated,
                       const std::string& contentHash) {
    Delivered delivered;
    delivered.frame = job.frame;
    delivered.file = job.output;
    image::PlateImage plate = readJobPlate(plan, job);
    if (job.plate.empty() || job.held)
        delivered.events.push_back({"held",
                                    job.held ? "the plate is missing: " + job.plate + " stands in"
                                             : std::string("the plate is missing: black stands in"),
                                    job.frame, ""});
    Matte matte{plan.plateData, {}};
    matte.values.assign(static_cast<size_t>(matte.window.width) * matte.window.height, 0.0f);
    Frame picture;
    picture.channels = {"R", "G", "B"};
    if (job.generated && generated.picture.frames > 0) {
        matte = readJobMatte(plan, job);
        picture = stitchGenerated(plan, colours, job, generated, plate.frame, matte, delivered);
    }
    delivered.generatedShare = matte.coverage();

    image::ExrOutput output;
    if (plan.outputSpace != plan.plateSpace)
        convertColours(plan, colours, plate.frame, picture, matte, output, delivered);
    image::addFrame(output, plate.frame, storedTypes(plan, plate));
    if (plan.shot.output.generatedLayer)
        image::addLayer(output, picture, "generated", image::PixelType::Half);
    if (plan.shot.output.matteLayer)
        image::addMatte(output, matte, "matte.Y", image::PixelType::Half);
    note(delivered, output.clamped, " samples beyond half's range are stored as +-65504");
    output.header = plate.header;
    output.compression = plan.shot.output.compression;
    output.framesPerSecond =
        image::Rational{plan.fps.numerator, static_cast<unsigned>(plan.fps.denominator)};
    output.metadata = headerFacts(plan, contentHash);
    output.metadata["derrumbe/pixelHash"] = storedPixelHash(output);
    image::writeExr(job.output, output);
    image::PlateImage written = readBack(job.output);
    if (const std::string hash = storedPixelHash(written);
        hash != output.metadata["derrumbe/pixelHash"]) {
        // A lossy compression: the digest is of what a reader gets.
        output.metadata["derrumbe/pixelHash"] = hash;
        image::writeExr(job.output, output);
        written = readBack(job.output);
    }
    delivered.sha256 = provenance::sha256File(job.output, ExitCode::Output);
    delivered.pixelSha256 = provenance::sha256Pixels(written.frame);
    return delivered;
}

}  // namespace derrumbe::render
