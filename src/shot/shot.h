#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/error.h"
#include "support/frame_range.h"
#include "support/frames.h"

/// The shot file, version 1: what the artist asks for, typed, checked and with its defaults.
/// Nothing here opens a plate or a model; what only they can tell stays `std::nullopt` (or Auto)
/// and is settled by the render plan. Keys, ranges and texts are in keys.cpp; configs/README.md and
/// configs/shot.schema.json say the same.
namespace derrumbe::shot {

/// A path of the shot file: as written (tokens replaced), and as it is to be opened. Relative ones
/// count from the shot file's folder. Sequence patterns (`####`, `%04d`) are still in both.
struct FilePath {
    std::string written;
    std::filesystem::path path;  ///< absolute, lexically normal

    operator const std::filesystem::path&() const { return path; }
    std::string string() const { return path.string(); }
    bool empty() const { return written.empty(); }
};

/// Frames a second as a fraction, e.g. 24000/1001.
struct Rate {
    int numerator = 24, denominator = 1;

    double value() const { return static_cast<double>(numerator) / denominator; }
    bool operator==(const Rate&) const = default;
};

/// A number over time: linear between its keys, held before the first and after the last.
struct Curve {
    struct Key {
        int frame = 0;
        double value = 0;
        bool operator==(const Key&) const = default;
    };
    double constant = 1;    ///< where there are no keys
    std::vector<Key> keys;  ///< rising in `frame`

    double at(int frame) const;
    bool operator==(const Curve&) const = default;
};

/// Recorded in log and EXR header, and usable as {show} {name} {take} in output paths.
struct Identity {
    std::string show;  ///< empty: not said
    std::string name;  ///< default: the shot file's name without its extension
    int take = 1;      ///< 0..999999
};

enum class Missing { Error, Hold, Black };  ///< what stands for a plate frame that is not there

struct Plate {
    FilePath path;  ///< a sequence pattern, or one image held for every frame
    std::optional<std::string> colorspace;  ///< OCIO name; none: found out from the file
    Missing missing = Missing::Error;
};

/// Objects of a Cryptomatte layer.
struct Cryptomatte {
    std::string layer;               ///< e.g. CryptoObject
    std::vector<std::string> names;  ///< at least one; `*` and `?` are wildcards
};

/// What an entry of a list of mattes does to those before it.
enum class MatteOperation {
    Add,      ///< the greater of the two at every pixel
    Subtract  ///< what was there, times one minus this one
};

/// Where the model may change the picture, or (`holdout`) what stays in front of it. The entries of
/// a list are taken in their order; the first one adds.
struct MatteSource {
    FilePath path;        ///< a sequence pattern, or one image held for every frame
    std::string channel;  ///< empty: A where it is there, else the first channel
    std::optional<Cryptomatte> cryptomatte;  ///< instead of `channel`
    MatteOperation operation = MatteOperation::Add;
    bool invert = false;  ///< 1 - value, before grow and feather
    double grow = 0;      ///< plate pixels, -4096..4096; negative shrinks; 0: as drawn
    double feather = 0;   ///< plate pixels, 0..4096; width of the soft edge; 0: as drawn
};

/// A frame that the result must pass through.
struct Keyframe {
    int frame = 0;  ///< one of the shot's frames
    FilePath path;  ///< one image
};

/// What happens from a frame on, in place of `prompt` or the beats before.
struct Beat {
    int from = 0;        ///< one of the shot's frames
    std::string prompt;  ///< never empty
    int blend = 8;       ///< 0..10000; frames over which it takes over, half of them before `from`
    std::vector<MatteSource> mattes;  ///< where it holds; empty: everywhere
};

enum class GuideType { Previz, Depth, Flow, Scribble };

struct Guide {
    GuideType type = GuideType::Previz;
    FilePath path;     ///< a sequence pattern, or one image held for every frame
    Curve strength;    ///< 0..2; 0: no effect, 1: as trained, above: VACE's hints scaled by it
    FrameList frames;  ///< where it steers; empty: in every frame
};

/// Which of a pair of experts.
enum class Experts { Both, High, Low };

struct Lora {
    FilePath path;        ///< .safetensors
    double strength = 1;  ///< -4..4; 0: no effect, 1: as trained
    Experts experts = Experts::Both;
};

enum class DType { Auto, Float32, BFloat16, Float16 };

/// What the matrices of the transformer's blocks become when they are loaded.
enum class Weights { Auto, Int8, Fp8 };

/// What the large matrix products of the transformer's blocks are computed in.
enum class Products { Auto, Int8, Fp8 };

/// What the VAE's convolutions multiply.
enum class VaeDType { Float32, BFloat16 };

struct Model {
    std::string path =
        "derrumbe-mini";  ///< a folder, or a name to look up: model::findModel(path, shot.folder)
    std::vector<Lora> loras;
    DType dtype = DType::Auto;  ///< Auto: float32 on a processor without fast bfloat16, else what
                                ///< the weights are in
    Weights weights = Weights::Auto;     ///< Auto: as their file has them, or as `products`
    Products products = Products::Auto;  ///< Auto: in `dtype`
    VaeDType vaeDtype = VaeDType::Float32;
};

/// None: the model folder's own value.
struct Sampler {
    std::optional<std::string> scheduler;  ///< unipc | euler
    std::optional<int> steps;              ///< 1..1000
    std::optional<double> guidance;        ///< 0..100; 1: no guidance (half the work)
    std::optional<double> guidance2;       ///< the same, for the low-noise one of a pair of experts
    std::optional<double> shift;           ///< 0.01..100; flow shift; 1: none
    std::uint64_t seed = 42;               ///< 0..2^64-1
    double cache = 0;  ///< 0..1: model::StepCache's limit; 0: every step is evaluated
    /// 0..65536: working pixels around the model's mask outside which no token is computed; none:
    /// all tokens are.
    std::optional<int> sparse;
};

enum class RegionKind {
    Auto,    ///< the matte's bounds plus margin, at the model's resolution
    Follow,  ///< a box of one size that follows the matte's bounds on a smooth path
    Full,    ///< the whole plate
    Box      ///< `box`
};

/// The part of the plate that the model sees.
struct Region {
    RegionKind kind = RegionKind::Auto;
    Window box;  ///< plate pixels, y downwards; only for Box, never empty
};

enum class MatteFill {
    Auto,   ///< what the model's folder says
    Plate,  ///< the standing building, as VACE's reactive clip
    Grey    ///< unknown
};

/// What the generated region shows where the model changed nothing.
enum class Detail {
    Plate,  ///< the plate's own detail, as far as its things are to be seen, moved ones too
    Still,  ///< the same of what stands where it stood
    Off     ///< the model's picture, enlarged
};

/// How the generated picture ends at the matte's edge.
enum class Seam {
    Plate,  ///< it runs out in the plate's colour
    Off     ///< as the model made it
};

/// What the generated region shows of the plate's grain.
enum class Grain {
    Plate,  ///< grain as it is measured in the plate, outside the matte
    Off     ///< none
};

/// Long shots run as overlapped windows. None: the model folder's own value.
struct Windows {
    std::optional<int> length;   ///< frames, 1..100000
    std::optional<int> overlap;  ///< frames, 0..length - 1
};

/// A second pass at a larger size, over the model's enlarged picture.
struct Refine {
    double strength = 0;          ///< 0..1; noise level that it begins at; 0: there is none
    std::optional<double> scale;  ///< 1..64, times the working size; none: the crop's full size
    std::optional<int> overlap;   ///< 0..10000, pixels that neighbouring tiles share; none: a
                                  ///< quarter of a tile's shorter side
};

enum class PixelType { Plate, Half, Float };

struct Output {
    FilePath path;  ///< .exr, with a frame token where there is more than one frame
    std::optional<std::string> colorspace;          ///< OCIO name; none: the plate's
    bool generatedLayer = true, matteLayer = true;  ///< `layers`: generated.R G B, matte.Y
    PixelType pixelType =
        PixelType::Plate;  ///< Half for a float plate needs `lossy` (known when the plate is)
    std::string compression = "zip";  ///< as OpenEXR names it; lossy ones need `lossy`
    bool lossy = false;  ///< the shot gives up promise 1 (bit for bit outside the matte)
};

enum class Deliverable { Final, Temp };

struct Provenance {
    FilePath path;  ///< default: {name}_t{take}.provenance.json beside the frames
    Deliverable deliverable = Deliverable::Final;
    std::string usage = "{}";  ///< the production's own answers, as JSON text (an object)
};

/// A resolved shot. Plain values; `place()` tells where each was written.
struct Shot {
    std::filesystem::path file;    ///< as given
    std::filesystem::path folder;  ///< absolute; relative paths count from it
    int version = 1;
    Identity shot;
    FrameList frames;         ///< never empty
    std::optional<Rate> fps;  ///< up to 1000; none: the plate's own, else 24
    Plate plate;
    std::vector<MatteSource>
        mattes;  ///< empty (only by `matte: full`): the whole picture may change
    std::vector<MatteSource>
        holdouts;  ///< taken out of the composite's matte; the model still sees the region
    std::string prompt, negativePrompt;
    std::optional<int>
        onset;       ///< frames before it are the plate, bit for bit; none: every frame may change
    Curve strength;  ///< 0..1; what the composite takes of the generated picture; 0: the plate's
                     ///< bits, 1: all that the matte gives it
    /// Rising in `from`, those with a matte also beside each other; before the first one `prompt`
    /// holds.
    std::vector<Beat> beats;
    std::vector<FilePath> references;
    std::vector<Keyframe> keyframes;
    std::vector<Guide> guides;
    Model model;
    Sampler sampler;
    Region region;
    MatteFill matteFill = MatteFill::Auto;
    Detail detail = Detail::Plate;
    Grain grain = Grain::Plate;
    Seam seam = Seam::Plate;
    Windows windows;
    Refine refine;
    Output output;
    Provenance provenance;

    std::vector<std::string> overrides;  ///< the command line's KEY=VALUE, in their order
    std::vector<Problem> warnings;       ///< what is odd but allowed
    std::map<std::string, Place>
        places;  ///< by dotted path; list entries by number, a lone matte is `matte.0`

    /// True when the file or an override says it (and not with an empty value), e.g.
    /// given("sampler.steps").
    bool given(const std::string& path) const { return places.count(path) != 0; }
    /// Where `path` was written, e.g. place("plate.path"), place("matte.0.path"); what was not
    /// written has the place of the key above it, and in the end the file alone.
    Place place(const std::string& path) const;
};

/// Reads a shot file with the command line's overrides (`KEY=VALUE`, KEY a dotted path, VALUE as
/// YAML). Throws Error(Usage) with every problem found: unknown keys (and the key that was meant),
/// wrong types, impossible values, missing keys, each at file:line:column, or at `--set KEY`.
Shot loadShot(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

/// The same from text; `file` names it in messages and its folder is what relative paths count
/// from.
Shot parseShot(const std::string& text, const std::filesystem::path& file,
               const std::vector<std::string>& overrides = {});

/// The whole resolved shot as JSON text, in the shot file's own keys; read again from the same
/// folder as a shot file it gives the same shot. Values that only plate or model can tell are null
/// until they are filled in.
/// @param indent spaces a level; -1: one line
std::string resolvedJson(const Shot& shot, int indent = 2);

/// What the delivered frames depend on as one line of JSON with sorted keys, for a content hash:
/// the resolved shot without the output's place and the production's answers. Paths are as written;
/// what is in the files is not known here, so hash their digests, the model's and the build's with
/// it.
std::string contentJson(const Shot& shot);

const char* text(Missing value);
const char* text(MatteOperation value);
const char* text(GuideType value);
const char* text(Experts value);
const char* text(DType value);
const char* text(Weights value);
const char* text(Products value);
const char* text(VaeDType value);
const char* text(MatteFill value);
const char* text(Detail value);
const char* text(Grain value);
const char* text(Seam value);
const char* text(PixelType value);
const char* text(Deliverable value);

}  // namespace derrumbe::shot
