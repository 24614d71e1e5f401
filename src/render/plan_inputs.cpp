#include "render/plan_inputs.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "image/matte.h"
#include "image/read_frame.h"
#include "image/whole_file.h"
#include "image/write_exr.h"
#include "render/guides.h"
#include "render/inputs.h"
#include "render/plan_problems.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

/// Channels of a plate that `half` would round, with their types; empty where there are none.
std::string roundedByHalf(const image::PlateProbe& plate) {
    std::string rounded;
    for (size_t c = 0; c < plate.channels.size(); ++c)
        if (image::exrTypeFor(plate.types[c]) == image::PixelType::Float)
            rounded += cat(rounded.empty() ? "" : ", ", plate.channels[c], ": ",
                           image::text(plate.types[c]));
    return rounded;
}

bool halfMayNotRound(const shot::Shot& shot) {
    return shot.output.pixelType == shot::PixelType::Half && !shot.output.lossy;
}

image::PlateProbe probeWhole(const std::string& file) {
    image::PlateProbe picture = image::probe(file);
    image::checkWhole(picture);
    image::checkColour(picture);
    return picture;
}

/// Headers of every guide that is used, and the numbers of the first picture of those that may hold
/// more than a picture does.
void checkGuides(const RenderPlan& plan, Problems& problems) {
    std::set<std::string> seen;
    std::set<size_t> read;
    for (const FrameJob& job : plan.frames)
        for (size_t g = 0; g < job.guides.size(); ++g) {
            std::error_code error;
            const std::string& file = job.guides[g];
            if (file.empty() || !seen.insert(cat(g, " ", file)).second ||
                !std::filesystem::exists(file, error))
                continue;
            attemptAt(problems, plan.shot.place(cat("guides.", g, ".path")), [&] {
                const image::PlateProbe picture = image::probe(file);
                image::checkWhole(picture);
                checkGuide(plan, plan.shot.guides[g], picture);
                if (picture.isFloating() && read.insert(g).second)
                    checkGuideValues(plan.shot.guides[g], image::readPlate(file));
            });
        }
}

}  // namespace

std::optional<image::PlateProbe> checkPlates(RenderPlan& plan, Problems& problems) {
    std::optional<image::PlateProbe> first;
    std::set<std::string> seen;
    const shot::Shot& shot = plan.shot;
    bool rounded = false;
    for (const FrameJob& job : plan.frames) {
        std::error_code error;
        if (job.plate.empty() || !seen.insert(job.plate).second ||
            !std::filesystem::exists(job.plate, error))
            continue;
        attemptAt(problems, shot.place("plate.path"), [&] {
            const image::PlateProbe plate = probeWhole(job.plate);
            if (!first) {
                first = plate;
                plan.plateData = plate.data;
                plan.plateDisplay = plate.display;
                plan.pixelAspect = plate.pixelAspect;
                plan.plateChannels = plate.channels;
            }
            const std::string mismatch = plateMismatch(plan, plate);
            if (!mismatch.empty()) throw Error(ExitCode::Input, mismatch);
            const std::string loss = halfMayNotRound(shot) ? roundedByHalf(plate) : "";
            if (!loss.empty() && !rounded)
                problems.error(ExitCode::Usage,
                               cat("half cannot hold the pixels of ", job.plate, " bit for bit (",
                                   loss, "); use pixel_type: plate, or say lossy: true"),
                               shot.place("output.pixel_type"));
            rounded = rounded || !loss.empty();
        });
    }
    return first;
}

void checkDelivery(const RenderPlan& plan, const image::PlateProbe& first, Problems& problems) {
    std::string clash;
    const auto look = [&](const char* layer) {
        if (std::find(first.channels.begin(), first.channels.end(), layer) != first.channels.end())
            clash += (clash.empty() ? "" : ", ") + std::string(layer);
    };
    if (plan.shot.output.generatedLayer)
        for (const char* layer : {"generated.R", "generated.G", "generated.B"}) look(layer);
    if (plan.shot.output.matteLayer) look("matte.Y");
    if (!clash.empty())
        problems.error(ExitCode::Usage,
                       cat("the plate already holds ", clash, " (a delivered frame?): ", first.file,
                           "; take a plate without them, or leave those layers out of "
                           "output.layers"),
                       plan.shot.place("output.layers"));
}

void checkOtherPictures(const RenderPlan& plan, Problems& problems) {
    const shot::Shot& shot = plan.shot;
    std::set<std::pair<std::string, std::string>> seen;
    const auto checkMattes = [&](const std::vector<shot::MatteSource>& sources,
                                 const std::string& list, const std::vector<std::string>& files) {
        for (size_t m = 0; m < files.size(); ++m) {
            const std::string key = cat(list, ".", m, ".path");
            std::error_code error;
            if (plan.plateData.empty() || !seen.emplace(key, files[m]).second ||
                !std::filesystem::exists(files[m], error))
                continue;
            attemptAt(problems, shot.place(key), [&] {
                image::checkMatte(matteRequest(sources[m], files[m]), plan.plateData,
                                  plan.plateDisplay);
            });
        }
    };
    for (const FrameJob& job : plan.frames) {
        checkMattes(shot.mattes, "matte", job.mattes);
        checkMattes(shot.holdouts, "holdout", job.holdouts);
        for (size_t b = 0; b < job.beatMattes.size(); ++b)
            checkMattes(shot.beats[b].mattes, cat("beats.", b, ".matte"), job.beatMattes[b]);
    }
    checkGuides(plan, problems);
    for (size_t i = 0; i < shot.references.size(); ++i)
        attemptAt(problems, shot.place(cat("references.", i)),
                  [&] { probeWhole(shot.references[i].string()); });
    for (size_t i = 0; i < shot.keyframes.size(); ++i)
        attemptAt(problems, shot.place(cat("keyframes.", i, ".path")),
                  [&] { checkKeyframe(plan, probeWhole(shot.keyframes[i].path.string())); });
}

}  // namespace derrumbe::render
