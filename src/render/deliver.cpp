#include "render/deliver.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "image/colour_ids.h"
#include "image/write_exr.h"
#include "provenance/digest.h"
#include "render/inputs.h"
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

}  // namespace

bool alreadyDelivered(const FrameJob& job, const std::string& contentHash) {
    std::error_code error;
    if (!std::filesystem::exists(job.output, error)) return false;
    try {
        const auto hash = image::probe(job.output).header->text("derrumbe/contentHash");
        return hash && *hash == contentHash;
    } catch (const Error&) {
        return false;  // somebody else's file of that name: it is rendered again
    }
}

Delivered deliverFrame(const RenderPlan& plan, const image::ColorConfig& colours,
                       const FrameJob& job, const Clip& generated, const std::string& contentHash) {
    Delivered delivered;
    delivered.frame = job.frame;
    delivered.file = job.output;
    image::PlateImage plate = readJobPlate(plan, job);
    Matte matte{plan.plateData, {}};
    matte.values.assign(static_cast<size_t>(matte.window.width) * matte.window.height, 0.0f);
    Frame picture;
    picture.channels = {"R", "G", "B"};
    if (job.generated && generated.frames > 0) {
        matte = readJobMatte(plan, job);
        picture = generatedFrame(plan, colours, generated, job.index);
        delivered.counts = clip::stitch(plate.frame, matte, picture);
        // The layer, too, must not deliver what no plate held.
        for (float& value : picture.pixels)
            if (!std::isfinite(value)) value = 0;
    }
    delivered.generatedShare = matte.coverage();

    image::ExrOutput output;
    if (plan.outputSpace != plan.plateSpace) {
        const image::ColorTransform transform =
            colours.transform(plan.plateSpace, plan.outputSpace);
        transform.apply(plate.frame);
        transform.apply(picture);
        output.dropped = {"colorInteropID", "chromaticities"};
        const auto primaries = image::chromaticitiesOf(plan.outputSpace);
        if (primaries[0] != 0) output.chromaticities = primaries;
    }
    image::addFrame(output, plate.frame, storedTypes(plan, plate));
    if (plan.shot.output.generatedLayer)
        image::addLayer(output, picture, "generated", image::PixelType::Half);
    if (plan.shot.output.matteLayer)
        image::addMatte(output, matte, "matte.Y", image::PixelType::Half);
    output.header = plate.header;
    output.compression = plan.shot.output.compression;
    output.framesPerSecond =
        image::Rational{plan.fps.numerator, static_cast<unsigned>(plan.fps.denominator)};
    output.metadata = headerFacts(plan, contentHash);
    image::writeExr(job.output, output);
    delivered.sha256 = provenance::sha256File(job.output);
    delivered.pixelSha256 = provenance::sha256Pixels(image::readPlate(job.output).frame);
    return delivered;
}

Delivered describeDelivered(const RenderPlan& plan, const FrameJob& job) {
    Delivered delivered;
    delivered.frame = job.frame;
    delivered.file = job.output;
    delivered.kept = true;
    delivered.sha256 = provenance::sha256File(job.output);
    delivered.pixelSha256 = provenance::sha256Pixels(image::readPlate(job.output).frame);
    if (job.generated) delivered.generatedShare = readJobMatte(plan, job).coverage();
    return delivered;
}

}  // namespace derrumbe::render
