#pragma once
#include "render/plan.h"

namespace derrumbe::render {

/// How the files of a model lie at this moment.
struct ModelReading {
    double cached = 1;          ///< share of their bytes that is in memory already
    double bytesPerSecond = 0;  ///< at which the rest comes; 0: there is none
    /// Whether what was read once stays in memory until it is needed again.
    bool stays = true;
};

/// Looks at the weights' files, and reads a piece of one that is not in memory.
ModelReading measureReading(const RenderPlan& plan);

/// What reading the weights adds to a render's stages, in seconds. What is in memory counts as
/// nothing.
struct ReadingTime {
    double hashing = 0;    ///< every file, before all else
    double encoding = 0;   ///< prompts' and pictures' encoders, where they did not stay in memory
    double staying = 0;    ///< the same of what the transformer keeps
    double streaming = 0;  ///< its other blocks, at all their turns, while others work
};

/// @param reading of the model of `pass`
ReadingTime readingTime(const RenderPlan& pass, const ModelReading& reading);

}  // namespace derrumbe::render
