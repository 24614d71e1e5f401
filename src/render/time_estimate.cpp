#include "render/time_estimate.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "clip/plate_detail.h"
#include "provenance/digest.h"
#include "render/deliver.h"
#include "render/inputs.h"
#include "render/reading_time.h"
#include "render/record.h"
#include "support/folders.h"
#include "support/in_parallel.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

/// Of the shot's frames the grain is measured on about that many.
constexpr double grainFrames = 12;

double secondsOf(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Bytes that are hashed before anything else: inputs and model.
double inputBytes(const RenderPlan& plan, const std::string& ocioConfig) {
    double bytes = 0;
    for (const provenance::Dependency& input : inputFiles(plan, ocioConfig)) {
        std::error_code none;
        const auto size = std::filesystem::file_size(input.path, none);
        if (!none) bytes += static_cast<double>(size);
    }
    return bytes;
}

double hashingRate() {
    const std::string block(size_t{4} << 20, 'x');
    return static_cast<double>(block.size()) / secondsOf([&] { provenance::sha256(block); });
}

/// The plan of one frame alone, as many times as frames are worked on at once.
RenderPlan planOf(const RenderPlan& plan, const FrameJob& job, int atOnce) {
    RenderPlan alone = plan;
    alone.frames.assign(static_cast<size_t>(atOnce), job);
    for (int i = 0; i < atOnce; ++i) alone.frames[i].index = i;
    alone.clipFrames = atOnce;
    alone.shot.references.clear();
    return alone;
}

/// What a frame costs, read and delivered.
struct FrameSeconds {
    double reading = 0, grain = 0, detail = 0, writing = 0;
};

/// The picture a few pixels lower, so that all of it has moved.
void lower(Clip& clip) {
    constexpr int way = 3;
    for (int frame = 0; frame < clip.frames; ++frame)
        for (int c = 0; c < 3; ++c) {
            float* plane = clip.plane(c, frame);
            for (int y = clip.height - 1; y >= way; --y)
                std::copy_n(plane + static_cast<size_t>(y - way) * clip.width, clip.width,
                            plane + static_cast<size_t>(y) * clip.width);
        }
}

/// Finds the plate's detail in the clip that stands in for what the model would make.
void findDetail(const RenderPlan& plan, const ModelInputs& inputs, Generated& generated) {
    generated.reconstruction = inputs.plate;
    if (plan.carriesDetail()) lower(generated.picture);
    generated.detail =
        clip::detailWeights(generated.picture, generated.reconstruction, inputs.mask);
    if (plan.carriesDetail())
        generated.carried = clip::carryDetail(generated.picture, generated.reconstruction,
                                              inputs.mask, generated.detail, plan.framesAtOnce);
}

FrameSeconds measureFrame(const RenderPlan& plan, const image::ColorConfig& colours,
                          const FrameJob& job, int atOnce) {
    const RenderPlan one = planOf(plan, job, atOnce);
    RenderPlan without = one;
    without.shot.grain = shot::Grain::Off;
    const auto nothing = [](double, double) {};
    FrameSeconds seconds;
    Generated generated;
    if (!plan.region.crop.empty()) {
        ModelInputs inputs;
        seconds.reading = secondsOf([&] { inputs = loadInputs(one, colours, nothing); });
        if (plan.shot.grain != shot::Grain::Off) {
            const double all = seconds.reading;
            seconds.reading = secondsOf([&] { loadInputs(without, colours, nothing); });
            seconds.grain = std::max(0.0, all - seconds.reading);
        }
        seconds.reading /= atOnce;
        // The plate stands in for what the model would make: it packs as well, or as badly.
        generated.picture = inputs.plate;
        generated.grain = inputs.grain;
        if (plan.keepsDetail())
            seconds.detail = secondsOf([&] { findDetail(one, inputs, generated); }) / atOnce;
    }
    const TemporaryFolder folder("plan");
    const double writing = secondsOf([&] {
        inParallel(atOnce, atOnce, [&](int i) {
            FrameJob copy = one.frames.front();
            copy.output = (folder.path() / cat(i, ".exr")).string();
            deliverFrame(one, colours, copy, generated, std::string(64, '0'));
        });
    });
    seconds.writing = writing / atOnce;
    return seconds;
}

/// Reads and delivers one of the shot's frames of that kind (the middle one), and adds what all of
/// them cost.
void addFrames(const RenderPlan& plan, const image::ColorConfig& colours, bool generated,
               FrameSeconds& sum) {
    std::vector<const FrameJob*> jobs;
    int delivered = 0;
    for (const FrameJob& job : plan.frames)
        if (job.generated == generated) {
            jobs.push_back(&job);
            delivered += job.deliver ? 1 : 0;
        }
    if (jobs.empty()) return;
    const int atOnce = std::clamp(plan.framesAtOnce, 1, std::max(1, delivered));
    const FrameSeconds one = measureFrame(plan, colours, *jobs[jobs.size() / 2], atOnce);
    const auto count = static_cast<double>(jobs.size()),
               all = static_cast<double>(plan.frames.size());
    sum.reading += one.reading * count;
    sum.detail += one.detail * count;
    sum.grain += one.grain * std::min(count, grainFrames * count / all);
    sum.writing += one.writing * delivered;
}

/// What a pass' work takes, in seconds by stage.
Work secondsAt(const model::Speeds& speeds, const RenderPlan& pass, const ReadingTime& reading) {
    Work seconds;
    seconds.encode = pass.work.encode / speeds.encode + reading.encoding;
    seconds.denoise =
        std::max(pass.work.denoise / speeds.denoise, reading.streaming) + reading.staying;
    seconds.decode = pass.work.decode / speeds.decode;
    // The plate is encoded (or was before) and decoded.
    const double decoded = std::min(pass.work.detail, pass.cost.decodeFlops);
    seconds.detail = (pass.work.detail - decoded) / speeds.encode + decoded / speeds.decode;
    return seconds;
}

double pixelsOf(const RenderPlan& pass) {
    return static_cast<double>(pass.region.width) * pass.region.height;
}

std::vector<std::string> reasonsForLess(const RenderPlan& plan) {
    std::vector<std::string> reasons;
    if (plan.sampler.cache > 0)
        reasons.push_back(
            "denoising counts every step; sampler.cache leaves out some, how many shows while it "
            "renders");
    if (plan.processes > 1)
        reasons.push_back(cat("denoising counts one process; ", plan.processes,
                              " with a device each take at least 1/", plan.processes,
                              " of it, on one device as long"));
    return reasons;
}

}  // namespace

double TimeEstimate::seconds() const {
    double sum = 0;
    for (const auto& [stage, seconds] : stages) sum += seconds;
    return sum;
}

double processSeconds() {
    std::ifstream file("/proc/self/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    // The second field, the program's name in parentheses, may hold blanks.
    std::istringstream rest(text.substr(std::min(text.rfind(')') + 1, text.size())));
    std::string field;
    for (int i = 3; i <= 22; ++i) rest >> field;
    timespec now{};
    if (!rest || ::clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
    const double began =
        std::strtod(field.c_str(), nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    return std::max(
        0.0, static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec) - began);
}

const model::Speeds& TimeEstimator::speedsOf(const RenderPlan& pass) {
    model::SpeedTrial trial;
    trial.device = pass.device;
    trial.dtype = pass.dtype;
    trial.tokens = pass.cost.tokens;
    trial.guided = pass.sampler.guided();
    trial.height = pass.region.height;
    trial.width = pass.region.width;
    trial.rounding = pass.fitting.ways.rounding;
    trial.products = pass.fitting.ways.products;
    trial.vaeBfloat16 = pass.fitting.ways.vaeBfloat16;
    const auto key = std::make_pair(pass.model.folder, trial);
    auto known = speeds_.find(key);
    if (known == speeds_.end())
        known = speeds_.emplace(key, model::measureSpeeds(key.first, trial)).first;
    return known->second;
}

TimeEstimate TimeEstimator::of(const RenderPlan& plan, double start) {
    TimeEstimate time;
    const auto add = [&](const char* stage, double seconds) {
        time.stages.emplace_back(stage, seconds);
    };
    add("start", start);
    const image::ColorConfig colours = image::ColorConfig::load();
    const ModelReading files = measureReading(plan);
    const ReadingTime reading = readingTime(plan, files);
    add("hashing inputs", inputBytes(plan, colours.path()) / hashingRate() + reading.hashing);
    FrameSeconds frames;
    addFrames(plan, colours, false, frames);
    addFrames(plan, colours, true, frames);
    if (!plan.region.crop.empty()) {
        const model::Speeds& speeds = speedsOf(plan);
        const Work seconds = secondsAt(speeds, plan, reading);
        time.flopsPerSecond = speeds.denoise;
        add("reading plates", frames.reading + frames.grain);
        add("encoding", seconds.encode);
        add("denoising", seconds.denoise);
        add("decoding", seconds.decode);
        if (plan.keepsDetail()) add("plate detail", seconds.detail + frames.detail);
    }
    if (plan.second) {
        const Work seconds =
            secondsAt(speedsOf(*plan.second), *plan.second, readingTime(*plan.second, files));
        // They are read at the larger size, and once more beside the first pass' picture.
        add("refine: plates", frames.reading);
        add("refine: encoding", frames.reading + seconds.encode);
        add("refine: denoising", seconds.denoise);
        add("refine: decoding", seconds.decode);
        if (plan.keepsDetail())
            add("refine: plate detail",
                seconds.detail + frames.detail * pixelsOf(*plan.second) / pixelsOf(plan));
    }
    add("writing frames", frames.writing);
    if (!plan.region.crop.empty()) time.atMost = reasonsForLess(plan);
    return time;
}

std::string timeText(const TimeEstimate& time) {
    std::string stages;
    char text[128];
    for (const auto& [stage, seconds] : time.stages) {
        std::snprintf(text, sizeof text, "%s%s %.1f", stages.empty() ? "" : ", ", stage.c_str(),
                      seconds);
        stages += text;
    }
    std::snprintf(text, sizeof text, "time      %s%.0f s on this machine as it is now\n",
                  time.atMost.empty() ? "" : "at most ", time.seconds());
    std::string all = text + cat("          ", stages, "\n");
    for (const std::string& reason : time.atMost) all += cat("          ", reason, "\n");
    return all;
}

}  // namespace derrumbe::render
