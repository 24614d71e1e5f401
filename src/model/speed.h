#pragma once
#include <compare>
#include <cstdint>
#include <filesystem>
#include <string>

#include "model/memory_ways.h"

namespace derrumbe::model {

/// The sizes at which a model's speed is asked for.
struct SpeedTrial {
    std::string device = "cpu", dtype = "float32";  ///< of the transformer
    std::int64_t tokens = 0;                        ///< of an evaluation, of one prompt
    bool guided = false;        ///< two prompts, at once where kBatchTokens lets them
    int height = 0, width = 0;  ///< pixels of the VAE's clips
    /// As the same of MemoryWays: numbers of 8 bits are unpacked, or multiplied, at each step.
    Rounding rounding = Rounding::None, products = Rounding::None;
    bool vaeBfloat16 = false;  ///< as the same of MemoryWays

    auto operator<=>(const SpeedTrial&) const = default;
};

/// FLOP/s that a model's stages reach, of the work as `Estimate` counts it.
struct Speeds {
    double encode = 0, denoise = 0, decode = 0;
};

/// Runs pieces of a model on a device as it is at this moment, beside whatever else runs there:
/// some of the transformer's layers, and the VAE on a few frames, at the trial's sizes or, where
/// those take long, at smaller ones. The folder's configurations and headers are read, and no
/// weight: zeros stand for them, which take as long and next to no memory. Takes some two seconds
/// on a processor. Throws Error(Model) for a folder that cannot be read.
Speeds measureSpeeds(const std::filesystem::path& folder, const SpeedTrial& trial);

}  // namespace derrumbe::model
