#include "render/reading_time.h"

#include <algorithm>

#include "provenance/machine.h"
#include "support/reading_speed.h"

namespace derrumbe::render {

namespace {

using File = model::Description::File;

/// Smaller ones take no time.
constexpr std::uint64_t kLarge = std::uint64_t{64} << 20;

bool isTransformer(const File& file) {
    return file.part.find("transformer") != std::string::npos;
}

/// Turns of all blocks, one after the other: evaluations, where both branches of guidance are one.
double turns(const RenderPlan& pass) {
    const auto together = static_cast<double>(
        model::promptsTogether(pass.sampler.guided() ? 2 : 1, pass.cost.tokens));
    return pass.cost.forwardFlops > 0 ? pass.work.denoise / pass.cost.forwardFlops / together : 0;
}

}  // namespace

ModelReading measureReading(const RenderPlan& plan) {
    ModelReading reading;
    double all = 0, cached = 0;
    const File* worst = nullptr;  // that most has to come of
    double most = 0;
    for (const File& file : plan.model.files) {
        if (file.bytes < kLarge) continue;
        const auto bytes = static_cast<double>(file.bytes);
        const double there = bytes * cachedShare(file.path);
        all += bytes;
        cached += there;
        if (bytes - there <= most) continue;
        most = bytes - there;
        worst = &file;
    }
    if (worst == nullptr) return reading;
    reading.cached = cached / all;
    reading.bytesPerSecond = uncachedSpeed(worst->path);
    const auto free = static_cast<double>(provenance::availableMemory());
    reading.stays = free <= 0 || all <= free;
    return reading;
}

ReadingTime readingTime(const RenderPlan& pass, const ModelReading& reading) {
    ReadingTime time;
    if (reading.bytesPerSecond <= 0) return time;
    double transformer = 0, others = 0;
    for (const File& file : pass.model.files)
        (isTransformer(file) ? transformer : others) +=
            static_cast<double>(file.bytes) / reading.bytesPerSecond;
    time.hashing = (transformer + others) * (1 - reading.cached);
    if (reading.stays) return time;
    const int blocks = model::transformerBlocks(pass.model),
              resident = pass.fitting.ways.transformerBlocks;
    const double staying = resident < 0 ? 1 : static_cast<double>(resident) / std::max(1, blocks);
    time.encoding = others;
    time.staying = transformer * staying;
    // Of a pair of experts one is read at a time.
    const double one = pass.model.secondTransformerParameters > 0 ? transformer / 2 : transformer;
    time.streaming = one * (1 - staying) * turns(pass);
    return time;
}

}  // namespace derrumbe::render
