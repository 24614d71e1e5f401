#pragma once
#include <string>
#include <vector>

#include "support/frames.h"

/// What a picture's file holds, read by OpenImageIO alone: the judge of what the renderer delivers
/// must not be the renderer's own reader.
struct StoredPicture {
    derrumbe::Window data, display;
    float pixelAspect = 1;
    std::vector<std::string> channels;       ///< of all parts of the file, each once
    std::vector<std::string> types;          ///< OpenImageIO's names
    std::vector<std::vector<float>> planes;  ///< one a channel; 32-bit integers keep their bits

    int channel(const std::string& name) const;  ///< -1 where it is not there
    float at(int channel, int x, int y) const;
    /// R, G and B, or Y alone where the picture has them not.
    std::vector<std::string> colours() const;
};

StoredPicture readStored(const std::string& file);

/// Whether two samples have the same bits.
bool sameSample(float a, float b);
