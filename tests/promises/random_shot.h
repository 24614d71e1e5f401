#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "render/plan.h"
#include "stored_picture.h"
#include "support/frames.h"

/// Numbers that follow from a seed alone, on every machine.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
    std::uint64_t bits();
    int between(int least, int most);  ///< both included
    bool chance(int percent) { return between(1, 100) <= percent; }
    float unit() { return static_cast<float>(bits() >> 40) / static_cast<float>(1 << 24); }
    template <class Value>
    Value oneOf(const std::vector<Value>& values) {
        return values[static_cast<size_t>(between(0, static_cast<int>(values.size()) - 1))];
    }

  private:
    std::uint64_t state_;
};

/// A small shot of everything that a shot may be, in a folder of its own that is gone at the end:
/// plates of any format, size, window, layout and range, mattes that move, and what is said of
/// them. A model of random weights renders it in a moment. Two of one seed are the same.
class RandomShot {
  public:
    /// A `wild` one holds what no good plate, matte or keyframe does: NaN, infinities, values far
    /// beyond half; and is delivered in other colour spaces and narrower numbers.
    explicit RandomShot(std::uint64_t seed, bool wild = false);
    ~RandomShot();
    RandomShot(const RandomShot&) = delete;
    RandomShot& operator=(const RandomShot&) = delete;

    /// The plan of a render into `folder` below the shot's. Fails the test where it has problems:
    /// every shot of the generator is a good one.
    derrumbe::render::RenderPlan plan(const std::string& folder, const std::string& frames = "",
                                      std::vector<std::string> overrides = {}) const;

    /// The plate of a frame as its file holds it, with what stands in for one that is missing.
    StoredPicture plate(int frame) const;

    /// Whether the mattes, grown and feathered, reach a pixel of the plate at a frame; worked out
    /// from their definition, pixel by pixel, and rather too far than not far enough.
    bool mayChange(int frame, int x, int y) const;

    /// A keyframe's picture, its file's values; none: empty.
    StoredPicture keyframe(int frame) const;

    std::filesystem::path path;
    std::string yaml;
    std::vector<int> frames;
    derrumbe::Window data, display;

  private:
    /// A matte as it is drawn, over the plate's data window, and what the shot says of it.
    struct Source {
        std::map<int, std::vector<float>> drawn;  ///< by frame; inverted, within [0, 1]
        double grow = 0, feather = 0;
        bool subtracts = false;
    };

    void makePlates(Dice& dice, bool wild);
    std::string makeMatte(Dice& dice, const std::string& name, bool first, bool wild, Source& made);
    void makeText(Dice& dice, bool wild);
    /// Gives the shot a second pass, and a model that says of itself that it is smaller, so that
    /// crops are larger than it.
    void refine(Dice& dice);
    bool reaches(const Source& source, int frame, int x, int y) const;

    std::string plateExtension_, missing_ = "error";
    int onset_ = 0;  ///< 0: every frame is generated
    std::vector<Source> mattes_, holdouts_;
    std::map<int, std::string> keyframes_;
};
