#include "shot/json.h"

#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

#include "shot/keys.h"
#include "shot/shot.h"
#include "support/strings.h"

namespace derrumbe::shot {

namespace {

using Json = nlohmann::ordered_json;

template <class Value>
bool parsed(const std::string& text, Value& value) {
    const std::from_chars_result result =
        std::from_chars(text.data(), text.data() + text.size(), value);
    return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

Json scalarJson(const Node& node) {
    if (node.quoted) return node.text;
    if (node.text == "true" || node.text == "false") return node.text == "true";
    std::int64_t whole = 0;
    if (parsed(node.text, whole)) return whole;
    double number = 0;
    // from_chars takes "inf" and "nan" too, which JSON cannot say
    if (parsed(node.text, number) && std::isfinite(number)) return number;
    return node.text;
}

Json toJson(const Node& node) {
    switch (node.kind) {
        case Node::Kind::Null:
            return nullptr;
        case Node::Kind::Scalar:
            return scalarJson(node);
        case Node::Kind::List: {
            Json list = Json::array();
            for (const Node& item : node.items) list.push_back(toJson(item));
            return list;
        }
        case Node::Kind::Map:
            break;
    }
    Json map = Json::object();
    for (size_t i = 0; i < node.keys.size(); ++i) map[node.keys[i]] = toJson(node.items[i]);
    return map;
}

template <class Value>
Json orNull(const std::optional<Value>& value) {
    return value ? Json(*value) : Json(nullptr);
}

template <class Value>
Json orWord(const std::optional<Value>& value, const char* word) {
    return value ? Json(*value) : Json(word);
}

Json rateJson(const std::optional<Rate>& rate) {
    if (!rate) return nullptr;
    if (rate->denominator == 1) return rate->numerator;
    return cat(rate->numerator, "/", rate->denominator);
}

Json matteJson(const MatteSource& matte) {
    Json json = {{"path", matte.path.written}};
    if (!matte.channel.empty()) json["channel"] = matte.channel;
    if (matte.cryptomatte) {
        json["cryptomatte"] = {{"layer", matte.cryptomatte->layer},
                               {"names", matte.cryptomatte->names}};
    }
    json["operation"] = text(matte.operation);
    json["invert"] = matte.invert;
    json["grow"] = matte.grow;
    json["feather"] = matte.feather;
    return json;
}

Json mattesJson(const std::vector<MatteSource>& mattes) {
    Json list = Json::array();
    for (const MatteSource& matte : mattes) list.push_back(matteJson(matte));
    return list;
}

Json curveJson(const Curve& curve) {
    if (curve.keys.empty()) return curve.constant;
    Json list = Json::array();
    for (const Curve::Key& key : curve.keys)
        list.push_back({{"frame", key.frame}, {"value", key.value}});
    return list;
}

Json regionJson(const Region& region) {
    if (region.kind == RegionKind::Auto) return "auto";
    if (region.kind == RegionKind::Follow) return "follow";
    if (region.kind == RegionKind::Full) return "full";
    return {region.box.x, region.box.y, region.box.width, region.box.height};
}

Json controlsJson(const Shot& shot, const std::string& what) {
    Json list = Json::array();
    if (what == "references") {
        for (const FilePath& path : shot.references) list.push_back(path.written);
    } else if (what == "keyframes") {
        for (const Keyframe& it : shot.keyframes)
            list.push_back({{"frame", it.frame}, {"path", it.path.written}});
    } else if (what == "beats") {
        for (const Beat& it : shot.beats)
            list.push_back({{"from", it.from},
                            {"prompt", it.prompt},
                            {"blend", it.blend},
                            {"matte", mattesJson(it.mattes)}});
    } else if (what == "guides") {
        for (const Guide& it : shot.guides) {
            const Json frames = it.frames.empty() ? Json() : Json(formatFrameRange(it.frames));
            list.push_back({{"type", text(it.type)},
                            {"path", it.path.written},
                            {"strength", curveJson(it.strength)},
                            {"frames", frames}});
        }
    } else {
        for (const Lora& it : shot.model.loras)
            list.push_back({{"path", it.path.written},
                            {"strength", it.strength},
                            {"expert", text(it.experts)}});
    }
    return list;
}

Json layersJson(const Output& output) {
    Json layers = Json::array();
    if (output.generatedLayer) layers.push_back("generated");
    if (output.matteLayer) layers.push_back("matte");
    return layers;
}

Json shotJson(const Shot& shot) {
    Json json;
    json["version"] = shot.version;
    json["shot"] = {{"show", shot.shot.show}, {"name", shot.shot.name}, {"take", shot.shot.take}};
    json["frames"] = formatFrameRange(shot.frames);
    json["fps"] = rateJson(shot.fps);
    json["plate"] = {{"path", shot.plate.path.written},
                     {"colorspace", orNull(shot.plate.colorspace)},
                     {"missing", text(shot.plate.missing)}};
    json["matte"] = shot.mattes.empty() ? Json("full") : mattesJson(shot.mattes);
    json["holdout"] = mattesJson(shot.holdouts);
    json["prompt"] = shot.prompt;
    json["negative_prompt"] = shot.negativePrompt;
    json["onset"] = orNull(shot.onset);
    json["strength"] = curveJson(shot.strength);
    json["beats"] = controlsJson(shot, "beats");
    json["references"] = controlsJson(shot, "references");
    json["keyframes"] = controlsJson(shot, "keyframes");
    json["guides"] = controlsJson(shot, "guides");
    json["model"] = {{"path", shot.model.path},
                     {"loras", controlsJson(shot, "loras")},
                     {"dtype", text(shot.model.dtype)},
                     {"weights", text(shot.model.weights)},
                     {"products", text(shot.model.products)},
                     {"vae_dtype", text(shot.model.vaeDtype)}};
    json["sampler"] = {{"scheduler", orNull(shot.sampler.scheduler)},
                       {"steps", orNull(shot.sampler.steps)},
                       {"guidance", orNull(shot.sampler.guidance)},
                       {"guidance_2", orNull(shot.sampler.guidance2)},
                       {"shift", orNull(shot.sampler.shift)},
                       {"cache", shot.sampler.cache},
                       {"sparse", orWord(shot.sampler.sparse, "off")},
                       {"seed", shot.sampler.seed}};
    json["region"] = regionJson(shot.region);
    json["matte_fill"] = text(shot.matteFill);
    json["detail"] = text(shot.detail);
    json["grain"] = text(shot.grain);
    json["seam"] = text(shot.seam);
    json["windows"] = {{"length", orWord(shot.windows.length, "auto")},
                       {"overlap", orWord(shot.windows.overlap, "auto")}};
    json["refine"] = {{"strength", shot.refine.strength},
                      {"scale", orNull(shot.refine.scale)},
                      {"overlap", orWord(shot.refine.overlap, "auto")}};
    json["output"] = {{"path", shot.output.path.written},
                      {"colorspace", shot.output.colorspace.value_or("plate")},
                      {"layers", layersJson(shot.output)},
                      {"pixel_type", text(shot.output.pixelType)},
                      {"compression", shot.output.compression},
                      {"lossy", shot.output.lossy}};
    json["provenance"] = {{"path", shot.provenance.path.written},
                          {"deliverable", text(shot.provenance.deliverable)},
                          {"usage", Json::parse(shot.provenance.usage)}};
    return json;
}

/// File names need not be UTF-8: what is not becomes U+FFFD instead of an exception.
std::string dump(const auto& json, int indent) {
    return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string nodeJson(const Node& node) {
    return dump(toJson(node), -1);
}

std::string resolvedJson(const Shot& shot, int indent) {
    return dump(shotJson(shot), indent);
}

std::string contentJson(const Shot& shot) {
    nlohmann::json json = shotJson(shot);  // not the ordered kind: keys come out sorted
    json["output"].erase("path");
    // the log's name stands in the EXR header, its folder does not
    json["provenance"] = {{"path", shot.provenance.path.path.filename().string()}};
    return dump(json, -1);
}

}  // namespace derrumbe::shot
