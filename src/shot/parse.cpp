#include <algorithm>
#include <tuple>

#include "shot/check.h"
#include "shot/json.h"
#include "shot/section.h"
#include "shot/tokens.h"
#include "support/atomic_file.h"
#include "support/strings.h"

namespace derrumbe::shot {

namespace {

/// Keeps the default where nothing is given.
template <class Out, class Value>
void set(Out& out, const std::optional<Value>& value) {
    if (value) out = *value;
}

template <class Enum>
void setChoice(Enum& out, const std::optional<size_t>& index) {
    if (index) out = static_cast<Enum>(*index);
}

void readIdentity(const Section& in, Identity& out) {
    set(out.show, in.text("show"));
    set(out.name, in.text("name"));
    set(out.take, in.whole("take"));
}

void readPlate(const Section& in, Plate& out) {
    set(out.path, in.path("path"));
    set(out.colorspace, in.text("colorspace"));
    setChoice(out.missing, in.choice("missing"));
}

MatteSource readMatte(const Section& in) {
    MatteSource out;
    set(out.path, in.path("path"));
    set(out.channel, in.text("channel"));
    if (const Section crypto = in.group("cryptomatte"); crypto.there()) {
        out.cryptomatte.emplace();
        set(out.cryptomatte->layer, crypto.text("layer"));
        set(out.cryptomatte->names, crypto.names("names"));
    }
    setChoice(out.operation, in.choice("operation"));
    set(out.invert, in.flag("invert"));
    set(out.grow, in.number("grow"));
    set(out.feather, in.number("feather"));
    return out;
}

void readControls(const Section& in, Shot& out) {
    for (const Section& entry : in.groups("beats")) {
        Beat beat;
        set(beat.from, entry.whole("from"));
        set(beat.prompt, entry.text("prompt"));
        set(beat.blend, entry.whole("blend"));
        for (const Section& matte : entry.groups("matte")) beat.mattes.push_back(readMatte(matte));
        out.beats.push_back(beat);
    }
    set(out.references, in.paths("references"));
    for (const Section& entry : in.groups("keyframes")) {
        Keyframe keyframe;
        set(keyframe.frame, entry.whole("frame"));
        set(keyframe.path, entry.path("path"));
        out.keyframes.push_back(keyframe);
    }
    for (const Section& entry : in.groups("guides")) {
        Guide guide;
        setChoice(guide.type, entry.choice("type"));
        set(guide.path, entry.path("path"));
        set(guide.strength, entry.curve("strength"));
        set(guide.frames, entry.frames("frames"));
        out.guides.push_back(guide);
    }
}

void readModel(const Section& in, Model& out) {
    set(out.path, in.text("path"));
    for (const Section& entry : in.groups("loras")) {
        Lora lora;
        set(lora.path, entry.path("path"));
        set(lora.strength, entry.number("strength"));
        setChoice(lora.experts, entry.choice("expert"));
        out.loras.push_back(lora);
    }
    setChoice(out.dtype, in.choice("dtype"));
    setChoice(out.weights, in.choice("weights"));
    setChoice(out.products, in.choice("products"));
    setChoice(out.vaeDtype, in.choice("vae_dtype"));
}

void readSampler(const Section& in, Sampler& out) {
    if (const std::optional<size_t> index = in.choice("scheduler")) {
        out.scheduler = findKey("sampler.scheduler")->choices[*index];
    }
    out.steps = in.whole("steps");
    out.guidance = in.number("guidance");
    out.guidance2 = in.number("guidance_2");
    out.shift = in.number("shift");
    set(out.cache, in.number("cache"));
    out.sparse = in.whole("sparse");
    set(out.seed, in.seed("seed"));
}

void readOutput(const Section& in, Output& out) {
    set(out.path, in.path("path"));
    out.colorspace = in.text("colorspace");
    if (out.colorspace == "plate") out.colorspace.reset();
    if (const std::optional<std::vector<size_t>> layers = in.choices("layers")) {
        out.generatedLayer = out.matteLayer = false;
        for (const size_t layer : *layers)
            (layer == 0 ? out.generatedLayer : out.matteLayer) = true;
    }
    setChoice(out.pixelType, in.choice("pixel_type"));
    if (const std::optional<size_t> index = in.choice("compression")) {
        out.compression = findKey("output.compression")->choices[*index];
    }
    set(out.lossy, in.flag("lossy"));
}

void readProvenance(const Section& in, Provenance& out) {
    set(out.path, in.path("path"));
    setChoice(out.deliverable, in.choice("deliverable"));
    if (const Node* usage = in.free("usage")) out.usage = nodeJson(*usage);
}

void readShot(const Section& in, Shot& out) {
    set(out.version, in.whole("version"));
    readIdentity(in.group("shot"), out.shot);
    set(out.frames, in.frames("frames"));
    out.fps = in.rate("fps");
    readPlate(in.group("plate"), out.plate);
    bool full = false;
    for (const Section& entry : in.mattes("matte", full)) out.mattes.push_back(readMatte(entry));
    for (const Section& entry : in.groups("holdout")) out.holdouts.push_back(readMatte(entry));
    set(out.prompt, in.text("prompt"));
    set(out.negativePrompt, in.text("negative_prompt"));
    out.onset = in.whole("onset");
    set(out.strength, in.curve("strength"));
    readControls(in, out);
    readModel(in.group("model"), out.model);
    readSampler(in.group("sampler"), out.sampler);
    set(out.region, in.region("region"));
    setChoice(out.matteFill, in.choice("matte_fill"));
    setChoice(out.detail, in.choice("detail"));
    setChoice(out.grain, in.choice("grain"));
    setChoice(out.seam, in.choice("seam"));
    const Section windows = in.group("windows");
    out.windows = {windows.whole("length"), windows.whole("overlap")};
    const Section refine = in.group("refine");
    set(out.refine.strength, refine.number("strength"));
    out.refine.scale = refine.number("scale");
    out.refine.overlap = refine.whole("overlap");
    readOutput(in.group("output"), out.output);
    readProvenance(in.group("provenance"), out.provenance);
}

/// In the order of the file, then the overrides' (which have no line of their own file).
std::vector<Problem> inFileOrder(std::vector<Problem> problems, const std::string& file) {
    std::stable_sort(problems.begin(), problems.end(), [&](const Problem& a, const Problem& b) {
        const auto order = [&](const Problem& p) {
            return std::tuple(p.place.file != file, p.place.line, p.place.column);
        };
        return order(a) < order(b);
    });
    return problems;
}

/// A version that this build does not read makes every further message misleading: say that alone.
void refuseOtherVersion(const Node& root) {
    const Node* version = root.find("version");
    if (version == nullptr || version->kind != Node::Kind::Scalar || version->text == "1") return;
    throw Error(ExitCode::Usage, "this build reads shot files of `version: 1`, and no others",
                version->place);
}

}  // namespace

Shot parseShot(const std::string& text, const std::filesystem::path& file,
               const std::vector<std::string>& overrides) {
    Problems problems;
    Shot shot;
    shot.file = file;
    shot.folder = std::filesystem::absolute(file).lexically_normal().parent_path();
    shot.shot.name = file.stem().string();
    shot.overrides = overrides;

    Node root = parseYaml(text, file.string(), problems);
    if (root.kind == Node::Kind::Null)
        throw Error(ExitCode::Usage, "the shot file is empty", {file.string()});
    if (root.kind != Node::Kind::Map) {
        throw Error(ExitCode::Usage, cat("a shot file is a mapping of keys, not ", root.kindText()),
                    root.place);
    }
    for (const std::string& override : overrides) applyOverride(root, override, problems);
    refuseOtherVersion(root);

    Reading reading{problems, shot.places, shot.folder, {file.string()}};
    readShot(Section(&root, "", "", reading), shot);
    resolveOutputs(shot, problems);
    checkShot(shot, problems);
    if (problems.hasErrors()) throw Error(inFileOrder(problems.list(), file.string()));
    shot.warnings = problems.list();
    return shot;
}

Shot loadShot(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
    return parseShot(readFile(file, ExitCode::Usage, kMostBytes), file, overrides);
}

Place Shot::place(const std::string& path) const {
    for (std::string at = path; !at.empty();) {
        const auto found = places.find(at);
        if (found != places.end()) return found->second;
        const size_t dot = at.rfind('.');
        at.resize(dot == std::string::npos ? 0 : dot);
    }
    return {file.string()};
}

}  // namespace derrumbe::shot
