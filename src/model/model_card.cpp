#include "model/model_card.h"

#include <fstream>

#include "support/strings.h"

namespace derrumbe::model {

namespace fs = std::filesystem;

namespace {

/// `license: apache-2.0` of a README's YAML front matter, as model hubs write it.
std::string frontMatterLicense(const fs::path& readme) {
    std::error_code unknown;
    if (!fs::is_regular_file(readme, unknown)) return "";
    std::ifstream in(readme);
    std::string line;
    if (!std::getline(in, line) || line.rfind("---", 0) != 0) return "";
    for (int i = 0; i < 200 && std::getline(in, line) && line.rfind("---", 0) != 0; ++i) {
        const std::string key = "license:";
        if (line.rfind(key, 0) != 0) continue;
        const size_t first = line.find_first_not_of(" \t\"'", key.size());
        const size_t last = line.find_last_not_of(" \t\r\"'");
        if (first == std::string::npos || last < first) return "";
        return line.substr(first, std::min<size_t>(last - first + 1, 200));
    }
    return "";
}

std::string oneOf(const Config& config, const std::string& key, const std::string& fallback,
                  const std::vector<std::string>& choices) {
    const std::string value = config.text(key, fallback);
    for (const std::string& choice : choices)
        if (value == choice) return value;
    std::string all;
    for (const std::string& choice : choices) all += (all.empty() ? "" : ", ") + choice;
    config.problem(key, "'" + value + "' is none of: " + all);
    return fallback;
}

/// Latents come in 1 + temporalScale * k frames.
bool wholeLatents(int frames, int scale) {
    return frames >= 1 && (frames - 1) % scale == 0;
}

}  // namespace

void readModelCard(const fs::path& folder, Description& d) {
    if (d.name.empty()) d.name = fs::weakly_canonical(folder).filename().string();
    d.license = frontMatterLicense(folder / "README.md");
    const fs::path file = folder / "derrumbe.json";
    std::error_code code;
    if (!fs::exists(file, code) && !code)
        return;  // one that cannot be looked at is not passed over
    const Config card = Config::read(file);
    d.name = card.text("name", d.name);
    d.version = card.text("version", d.version);
    d.family = card.text("family", d.family);
    d.license = card.text("license", d.license);
    d.encoding = card.text("encoding", d.encoding);
    d.encodingSpace = card.text("encoding_space", d.encodingSpace);
    d.matteFill = oneOf(card, "matte_fill", d.matteFill, {"plate", "grey"});
    d.textLength = static_cast<int>(card.integer("text_length", d.textLength, 1, 65536));
    const std::vector<int64_t> size =
        card.integers("working_size", {d.workingWidth, d.workingHeight}, 16, 16384);
    if (size.size() == 2) {
        d.workingWidth = static_cast<int>(size[0]);
        d.workingHeight = static_cast<int>(size[1]);
        if (d.workingWidth % d.sizeMultiple != 0 || d.workingHeight % d.sizeMultiple != 0)
            card.problem("working_size", cat("multiples of ", d.sizeMultiple, " were expected"));
    } else {
        card.problem("working_size", "[width, height] was expected");
    }
    const Config window = card.object("window");
    d.windowLength = static_cast<int>(window.integer("length", d.windowLength, 1, 100000));
    d.windowOverlap = static_cast<int>(window.integer("overlap", d.windowOverlap, 0, 100000));
    if (!wholeLatents(d.windowLength, d.temporalScale))
        window.problem("length", cat("1 + ", d.temporalScale, " k frames were expected"));
    if (d.windowOverlap >= d.windowLength)
        window.problem("overlap", "must be less than the window's length");
    const Config sampler = card.object("sampler");
    d.sampler.scheduler = oneOf(sampler, "scheduler", d.sampler.scheduler, {"unipc", "euler"});
    d.sampler.steps = static_cast<int>(sampler.integer("steps", d.sampler.steps, 1, 1000));
    d.sampler.guidance = sampler.number("guidance", d.sampler.guidance, 0, 100);
    d.sampler.shift = sampler.number("shift", d.sampler.shift, 1e-3, 1000);
    if (d.boundary > 0) {
        if (sampler.has("guidance_2"))
            d.sampler.guidance2 = sampler.number("guidance_2", d.sampler.guidance, 0, 100);
        d.boundary = sampler.number("boundary", d.boundary, 1e-3, 1);
    } else {
        for (const char* key : {"guidance_2", "boundary"})
            if (sampler.has(key))
                sampler.problem(key,
                                "belongs to a pair of experts; this model has one transformer");
    }
    const Config training = card.object("training");
    d.trainingStatement = training.text("statement", "");
    d.trainingRights = training.text("rights", "");
    d.trainingHours = training.number("hours", 0, 0, 1e9);
    card.throwIfProblems();
}

}  // namespace derrumbe::model
