#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "support/frames.h"

/// A folder of its own for a test's files, removed at the end.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    std::string file(const std::string& name) const { return (path / name).string(); }

    std::filesystem::path path;
};

/// How a fixture is to be written by OpenImageIO.
struct FixtureFormat {
    std::string type = "half";  ///< OpenImageIO's name: uint8, uint10, uint16, half, float
    std::string compression = "";
    int tile = 0;            ///< tile size, 0: scan lines
    bool ownPart = false;    ///< of an EXR: the channels past the fourth are a part of their own
    bool idChannel = false;  ///< of an EXR: the last channel holds 32-bit integers
};

/// Writes a frame; throws std::runtime_error with OpenImageIO's words.
void writeFixture(const std::string& file, const derrumbe::Frame& frame,
                  const FixtureFormat& format = {});

/// A frame with a pattern that differs at every sample: in [0, 1] for integer types, with values
/// above 1, negative ones and zero signs where `hdr`.
derrumbe::Frame patternFrame(const derrumbe::Window& data, const derrumbe::Window& display,
                             const std::vector<std::string>& channels, bool hdr);

/// Rounds every sample to what a half holds.
void roundToHalf(derrumbe::Frame& frame);

void truncateFile(const std::string& file, double share);
bool sameBits(const std::vector<float>& a, const std::vector<float>& b);
std::string bytesOf(const std::string& file);
