#include "shot/keys.h"

#include <algorithm>
#include <unordered_map>

#include "shot/shot.h"

namespace derrumbe::shot {

namespace {

using T = KeyType;
constexpr bool kRequired = true, kOptional = false;
constexpr double kLastFrame = 9999999;

// Choices stand in the order of their enum in shot.h: the parser turns the index into the value.
std::vector<Key> makeKeys() {
    return {
        {"version", T::Whole, kRequired, "", "1", "The shot file's version", {}, 1, 1},

        {"shot", T::Group, kOptional, "{}", "{show: eternauta, name: ep106_bld_0420, take: 3}",
         "Who the shot is: recorded in log and EXR header, usable as {show} {name} {take} in "
         "output paths"},
        {"shot.show", T::Name, kOptional, "\"\"", "eternauta", "The production"},
        {"shot.name", T::Name, kOptional, "(the shot file's name)", "ep106_bld_0420", "The shot"},
        {"shot.take", T::Whole, kOptional, "1", "3", "The take", {}, 0, 999999},

        {"frames", T::Frames, kRequired, "", "1001-1049",
         "The shot's frames, in fileseq's syntax; the numbers of plate and output are the same"},
        {"fps", T::Rate, kOptional, "(the plate's, else 24)", "24000/1001",
         "Frames a second: a number up to 1000 or a fraction; 23.976, 29.97, 47.952, 59.94 and "
         "119.88 mean the "
         "fractions over 1001"},

        {"plate", T::Group, kRequired, "", "{path: plates/bld_0420.####.exr}", "The footage"},
        {"plate.path", T::Path, kRequired, "", "plates/bld_0420.####.exr",
         "A sequence, or one image that is held for every frame"},
        {"plate.colorspace", T::Name, kOptional, "(found out from the file)", "ACEScg",
         "The plate's colour space, as OpenColorIO names it"},
        {"plate.missing",
         T::Choice,
         kOptional,
         "error",
         "hold",
         "What stands for a frame that is not there: an error, the nearest frame before it, black",
         {"error", "hold", "black"}},

        {"matte", T::Mattes, kRequired, "", "{path: mattes/bld_0420.####.exr, grow: 4, feather: 6}",
         "Where the model may change the picture: one matte, a list (added and subtracted in its "
         "order), or `full` for all of it"},
        {"matte.path", T::Path, kRequired, "", "mattes/bld_0420.####.exr",
         "A sequence, or one image that is held for every frame"},
        {"matte.channel", T::Name, kOptional, "(A, else the first)", "matte.Y",
         "The channel that holds the matte"},
        {"matte.cryptomatte", T::Group, kOptional, "", "{layer: CryptoObject, names: [\"bld_*\"]}",
         "Take the matte from a Cryptomatte layer instead of a channel"},
        {"matte.cryptomatte.layer", T::Name, kRequired, "", "CryptoObject", "The layer"},
        {"matte.cryptomatte.names", T::Names, kRequired, "", "[\"bld_*\", wall]",
         "The objects, united; `*` and `?` are wildcards"},
        {"matte.operation",
         T::Choice,
         kOptional,
         "add",
         "add",
         "What it does to the entries before it: unites with them, or is cut out of them; the "
         "first "
         "one adds",
         {"add", "subtract"}},
        {"matte.invert", T::Flag, kOptional, "false", "true",
         "Take one minus the matte, before grow and feather"},
        {"matte.grow",
         T::Number,
         kOptional,
         "0",
         "4",
         "Pixels of the plate to grow by; negative shrinks",
         {},
         -4096,
         4096},
        {"matte.feather",
         T::Number,
         kOptional,
         "0",
         "6",
         "Width of the soft edge, in pixels of the plate",
         {},
         0,
         4096},

        {"holdout", T::OneOrGroups, kOptional, "[]",
         "{path: mattes/lamp_post.####.exr, feather: 2}",
         "What stays in front of the event: cut out of the composite, while the model still sees "
         "the region behind it"},

        {"prompt", T::Prose, kRequired, "", "\"the block collapses into a rolling cloud of dust\"",
         "What happens, in words"},
        {"negative_prompt", T::Prose, kOptional, "\"\"", "\"blurry, text, people\"",
         "What should not be seen"},
        {"onset",
         T::Whole,
         kOptional,
         "(the first frame)",
         "1009",
         "Frames before it are the plate, bit for bit",
         {},
         -kLastFrame,
         kLastFrame},
        {"strength",
         T::Curve,
         kOptional,
         "1",
         "[{frame: 1009, value: 0}, {frame: 1020, value: 1}]",
         "How much the composite takes of the generated picture: 0 leaves the plate bit for bit",
         {},
         0,
         1},
        {"beats", T::Groups, kOptional, "[]",
         "[{from: 1017, prompt: \"the roof drops\", blend: 6}]",
         "Prompts in time and place: each holds from its frame on, inside its matte, in place of "
         "`prompt` or those before"},
        {"beats.from",
         T::Whole,
         kRequired,
         "",
         "1017",
         "The frame in the middle of the change to this prompt; one of the shot's",
         {},
         -kLastFrame,
         kLastFrame},
        {"beats.prompt", T::Prose, kRequired, "", "\"the roof drops\"",
         "What happens then, in words"},
        {"beats.blend",
         T::Whole,
         kOptional,
         "8",
         "6",
         "Frames over which it takes over, half of them before `from`",
         {},
         0,
         10000},
        {"beats.matte", T::OneOrGroups, kOptional, "[]", "{path: mattes/roof.####.exr}",
         "Where it holds; everywhere without one"},
        {"references", T::Paths, kOptional, "[]", "[refs/dust.jpg]",
         "Images that the result should resemble"},
        {"keyframes", T::Groups, kOptional, "[]", "[{frame: 1049, path: concept.exr}]",
         "Frames that the result must pass through"},
        {"keyframes.frame",
         T::Whole,
         kRequired,
         "",
         "1049",
         "One of the shot's frames",
         {},
         -kLastFrame,
         kLastFrame},
        {"keyframes.path", T::Path, kRequired, "", "concept.exr", "The image for that frame"},
        {"guides", T::Groups, kOptional, "[]",
         "[{type: previz, path: previz/a.####.exr, strength: 0.7}]",
         "Sequences that steer the motion"},
        {"guides.type",
         T::Choice,
         kRequired,
         "",
         "previz",
         "What the sequence shows",
         {"previz", "depth", "flow", "scribble"}},
        {"guides.path", T::Path, kRequired, "", "previz/a.####.exr",
         "A sequence, or one image that is held for every frame"},
        {"guides.strength",
         T::Curve,
         kOptional,
         "1",
         "0.7",
         "Up to 1 how opaque it lies over what the model is shown without it, above by how much "
         "VACE's hints are scaled; 0 has no effect, 1 is as trained",
         {},
         0,
         2},
        {"guides.frames", T::Frames, kOptional, "(all)", "1009-1030", "The frames that it steers"},

        {"model", T::Group, kOptional, "{}", "{path: derrumbe-mini}", "The model"},
        {"model.path", T::Name, kOptional, "derrumbe-mini", "Wan2.1-VACE-1.3B-diffusers",
         "A folder, or a name looked up in $DERRUMBE_MODEL_PATH and models/"},
        {"model.loras", T::Groups, kOptional, "[]",
         "[{path: loras/dust.safetensors, strength: 0.8}]",
         "Low-rank adaptations, added in this order"},
        {"model.loras.path", T::Path, kRequired, "", "loras/dust.safetensors",
         "A safetensors file"},
        {"model.loras.strength",
         T::Number,
         kOptional,
         "1",
         "0.8",
         "0 has no effect, 1 is as trained",
         {},
         -4,
         4},
        {"model.loras.expert",
         T::Choice,
         kOptional,
         "both",
         "high",
         "Of a model with two experts (Wan2.2), the one that it is for; other models take both "
         "alone",
         {"both", "high", "low"}},
        {"model.dtype",
         T::Choice,
         kOptional,
         "auto",
         "bfloat16",
         "The numbers that the transformer computes in",
         {"auto", "float32", "bfloat16", "float16"}},
        {"model.weights",
         T::Choice,
         kOptional,
         "auto",
         "int8",
         "What the transformer's weights are held in: int8 and fp8 round the matrices of its "
         "blocks to 8 bits when they are loaded, with a scale a row, for less memory and a little "
         "of the picture; auto leaves them as their file has them",
         {"auto", "int8", "fp8"}},
        {"model.products",
         T::Choice,
         kOptional,
         "auto",
         "int8",
         "What the large matrix products of the transformer's blocks are computed in: int8 and fp8 "
         "round both sides to 8 bits with a scale a row, the weights as weights: of that name does "
         "and the tokens at each step, for less time and some of the picture; int8 is for "
         "processors (AVX-512 VNNI, AMX) and cards since Turing, fp8 for cards of compute "
         "capability 8.9 or higher, and takes longer on a processor; auto is dtype",
         {"auto", "int8", "fp8"}},
        {"model.vae_dtype",
         T::Choice,
         kOptional,
         "float32",
         "bfloat16",
         "What the VAE's convolutions multiply: of bfloat16 both sides keep 8 bits, sums and all "
         "that lies between are float32, for less time and a little of the picture, on processors "
         "with AVX-512 BF16 or AMX and on cards",
         {"float32", "bfloat16"}},

        {"sampler", T::Group, kOptional, "{}", "{steps: 20, guidance: 5.0, seed: 42}",
         "How noise becomes the picture; defaults come from the model's folder"},
        {"sampler.scheduler",
         T::Choice,
         kOptional,
         "(the model's)",
         "unipc",
         "UniPC multistep, or flow-matching Euler",
         {"unipc", "euler"}},
        {"sampler.steps",
         T::Whole,
         kOptional,
         "(the model's)",
         "20",
         "Steps; time is proportional to them",
         {},
         1,
         1000},
        {"sampler.guidance",
         T::Number,
         kOptional,
         "(the model's)",
         "5.0",
         "How hard the prompt is followed (classifier-free guidance); 1 is none and takes half the "
         "time",
         {},
         0,
         100},
        {"sampler.guidance_2",
         T::Number,
         kOptional,
         "(guidance, else the model's)",
         "3.0",
         "The same for the low-noise expert of a model that has two (Wan2.2)",
         {},
         0,
         100},
        {"sampler.shift",
         T::Number,
         kOptional,
         "(the model's)",
         "3.0",
         "Flow shift: above 1 more of the steps go to the coarse shapes",
         {},
         0.01,
         100},
        {"sampler.cache",
         T::Number,
         kOptional,
         "0",
         "0.05",
         "Leaves out evaluations while the velocity is predicted to change by less than this share "
         "since the last one, which is reused (EasyCache); 0 leaves out none. Faster, and another "
         "picture",
         {},
         0,
         1},
        {"sampler.sparse",
         T::WholeOrOff,
         kOptional,
         "off",
         "32",
         "Working pixels around the model's mask, across and down, beyond which the transformer "
         "computes nothing and the plate's latents stand; off computes all. Faster where the "
         "region is larger than the mask, and another picture",
         {},
         0,
         65536},
        {"sampler.seed", T::Seed, kOptional, "42", "7",
         "Another seed is another take of the same event"},

        {"region", T::Region, kOptional, "auto", "[480, 120, 960, 540]",
         "What the model sees of the plate: the matte's bounds plus margin, a box of one size that "
         "follows the matte on a smooth path, the full plate, or a box in plate pixels, y down"},
        {"matte_fill",
         T::Choice,
         kOptional,
         "auto",
         "grey",
         "What the model is shown inside the matte from the onset on: the plate, grey, or what its "
         "folder says",
         {"auto", "plate", "grey"}},
        {"detail",
         T::Choice,
         kOptional,
         "plate",
         "off",
         "The plate's own detail as far as the plate is still to be seen in the model's enlarged "
         "picture, on what moves too; still: on what stands where it stood alone; off leaves the "
         "picture as it is",
         {"plate", "still", "off"}},
        {"grain",
         T::Choice,
         kOptional,
         "plate",
         "off",
         "The generated region gets the plate's grain, as it is measured outside the matte, or "
         "none",
         {"plate", "off"}},
        {"seam",
         T::Choice,
         kOptional,
         "plate",
         "off",
         "What the model made runs out in the plate's colour along the matte's edge, or ends there "
         "as it is",
         {"plate", "off"}},
        {"windows", T::Group, kOptional, "{}", "{length: 25, overlap: 9}",
         "Long shots run as overlapped windows"},
        {"windows.length",
         T::WholeOrAuto,
         kOptional,
         "auto",
         "25",
         "Frames of a window",
         {},
         1,
         100000},
        {"windows.overlap",
         T::WholeOrAuto,
         kOptional,
         "auto",
         "9",
         "Frames that neighbouring windows share; fewer than the length",
         {},
         0,
         99999},
        {"refine", T::Group, kOptional, "(no second pass)", "{strength: 0.3}",
         "A second pass at a larger size, in tiles, over the first one's enlarged picture: detail "
         "beyond the model's resolution"},
        {"refine.strength",
         T::Number,
         kRequired,
         "",
         "0.3",
         "How much noise the enlarged picture gets before it is denoised again: 0 is no second "
         "pass, 1 leaves nothing of the first",
         {},
         0,
         1},
        {"refine.scale",
         T::Number,
         kOptional,
         "(the crop's full resolution)",
         "2",
         "How many times the working size, at most the crop's full resolution",
         {},
         1,
         64},
        {"refine.overlap",
         T::WholeOrAuto,
         kOptional,
         "auto",
         "32",
         "Pixels that neighbouring tiles share; auto is a quarter of a tile's shorter side",
         {},
         0,
         10000},

        {"output", T::Group, kOptional, "{}", "{path: \"renders/{name}_t{take}.####.exr\"}",
         "What is delivered"},
        {"output.path", T::OutputPath, kOptional, "renders/{name}_t{take}.####.exr",
         "/mnt/show/{name}.####.exr",
         "The EXR frames; outside the shot file's folder only by an absolute path"},
        {"output.colorspace", T::Name, kOptional, "plate", "ACES2065-1",
         "The delivered colour space: plate, or a name of OpenColorIO's"},
        {"output.layers",
         T::Choices,
         kOptional,
         "[generated, matte]",
         "[matte]",
         "Layers beside RGBA: generated.R G B, matte.Y",
         {"generated", "matte"}},
        {"output.pixel_type",
         T::Choice,
         kOptional,
         "plate",
         "half",
         "Numbers of the delivered pixels; half for a float plate needs `lossy: true`",
         {"plate", "half", "float"}},
        {"output.compression",
         T::Choice,
         kOptional,
         "zip",
         "piz",
         "Of the EXR; pxr24, b44, b44a, dwaa and dwab need `lossy: true`",
         {"none", "rle", "zips", "zip", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab"}},
        {"output.lossy", T::Flag, kOptional, "false", "true",
         "Give up that pixels outside the matte equal the plate's bit for bit"},

        {"provenance", T::Group, kOptional, "{}", "{deliverable: final}",
         "The log that clears the shot"},
        {"provenance.path", T::OutputPath, kOptional,
         "({name}_t{take}.provenance.json beside the frames)",
         "renders/{name}_t{take}.provenance.json",
         "The log; outside the shot file's folder only by an absolute path"},
        {"provenance.deliverable",
         T::Choice,
         kOptional,
         "final",
         "temp",
         "What the frames are for",
         {"final", "temp"}},
        {"provenance.usage", T::Free, kOptional, "{}", "{talent: none, approval: VFX-1182}",
         "The production's own answers (talent, likeness, ownership, approvals), recorded as "
         "given"},
    };
}

/// Other groups that take the keys of a matte.
std::vector<Key> withMatteKeys(std::vector<Key> all, const std::string& group) {
    std::vector<Key> copies;
    for (const Key& key : all)
        if (key.path.rfind("matte.", 0) == 0) {
            copies.push_back(key);
            copies.back().path = group + key.path.substr(5);
        }
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Key& key) { return key.path == group; });
    all.insert(found + 1, copies.begin(), copies.end());
    return all;
}

/// Choices of a key by the enum's value.
template <class Enum>
const char* choiceText(const char* path, Enum value) {
    return findKey(path)->choices.at(static_cast<size_t>(value)).c_str();
}

}  // namespace

std::string Key::name() const {
    return path.substr(path.rfind('.') + 1);  // npos + 1 is 0
}

std::string Key::parent() const {
    const size_t dot = path.rfind('.');
    return dot == std::string::npos ? "" : path.substr(0, dot);
}

const std::vector<Key>& keys() {
    static const std::vector<Key> all =
        withMatteKeys(withMatteKeys(makeKeys(), "holdout"), "beats.matte");
    return all;
}

const Key* findKey(const std::string& path) {
    static const auto byPath = [] {
        std::unordered_map<std::string, const Key*> map;
        for (const Key& key : keys()) map.emplace(key.path, &key);
        return map;
    }();
    const auto found = byPath.find(path);
    return found == byPath.end() ? nullptr : found->second;
}

const std::vector<std::string>& keyNames(const std::string& group) {
    static const auto byGroup = [] {
        std::unordered_map<std::string, std::vector<std::string>> map;
        for (const Key& key : keys()) map[key.parent()].push_back(key.name());
        return map;
    }();
    static const std::vector<std::string> none;
    const auto found = byGroup.find(group);
    return found == byGroup.end() ? none : found->second;
}

const char* text(Missing value) {
    return choiceText("plate.missing", value);
}
const char* text(MatteOperation value) {
    return choiceText("matte.operation", value);
}
const char* text(GuideType value) {
    return choiceText("guides.type", value);
}
const char* text(Experts value) {
    return choiceText("model.loras.expert", value);
}
const char* text(DType value) {
    return choiceText("model.dtype", value);
}
const char* text(Weights value) {
    return choiceText("model.weights", value);
}
const char* text(Products value) {
    return choiceText("model.products", value);
}
const char* text(VaeDType value) {
    return choiceText("model.vae_dtype", value);
}
const char* text(MatteFill value) {
    return choiceText("matte_fill", value);
}
const char* text(Detail value) {
    return choiceText("detail", value);
}
const char* text(Grain value) {
    return choiceText("grain", value);
}
const char* text(Seam value) {
    return choiceText("seam", value);
}
const char* text(PixelType value) {
    return choiceText("output.pixel_type", value);
}
const char* text(Deliverable value) {
    return choiceText("provenance.deliverable", value);
}

}  // namespace derrumbe::shot
