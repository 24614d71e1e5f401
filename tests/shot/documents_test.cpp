#include <cstdlib>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "shot/json.h"
#include "shot/keys.h"
#include "shots.h"

/// The parser's key table, the JSON Schema and the page say the same: schema and the page's table
/// are made from the key table here, and must be what is committed. `DERRUMBE_UPDATE=1
/// bin/test_shot` writes them anew.
using namespace derrumbe;
using namespace derrumbe::shot;
using Json = nlohmann::ordered_json;

namespace {

const char* const kSchemaFile = "configs/shot.schema.json";
const char* const kPageFile = "configs/README.md";
const char* const kBegin = "<!-- keys: made from src/shot/keys.cpp -->\n";
const char* const kEnd = "<!-- end of keys -->\n";

std::string readText(const std::string& file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string number(double value) {
    std::ostringstream out;
    out.precision(9);
    out << value;
    return out.str();
}

std::string join(const std::vector<std::string>& words, const std::string& between) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
    return out;
}

std::string typeText(const Key& key) {
    switch (key.type) {
        case KeyType::Group:
            return "mapping";
        case KeyType::Groups:
            return "list of mappings";
        case KeyType::OneOrGroups:
            return "mapping, or list of them";
        case KeyType::Mattes:
            return "mapping, list of them, or `full`";
        case KeyType::Whole:
            return "whole number";
        case KeyType::WholeOrAuto:
            return "whole number or `auto`";
        case KeyType::WholeOrOff:
            return "whole number or `off`";
        case KeyType::Seed:
            return "whole number";
        case KeyType::Number:
            return "number";
        case KeyType::Curve:
            return "number, or list of `{frame, value}`";
        case KeyType::Rate:
            return "number or fraction";
        case KeyType::Flag:
            return "flag";
        case KeyType::Choice:
            return "choice";
        case KeyType::Choices:
            return "list of choices";
        case KeyType::Name:
            return "text, one line";
        case KeyType::Prose:
            return "text";
        case KeyType::Path:
            return "path";
        case KeyType::OutputPath:
            return "path with tokens";
        case KeyType::Paths:
            return "list of paths";
        case KeyType::Names:
            return "list of names";
        case KeyType::Frames:
            return "frame range";
        case KeyType::Region:
            return "`auto`, `follow`, `full` or `[x, y, w, h]`";
        case KeyType::Free:
            return "mapping of anything";
    }
    return "";
}

std::string rangeText(const Key& key) {
    if (!key.choices.empty()) return "`" + join(key.choices, "` `") + "`";
    switch (key.type) {
        case KeyType::Whole:
        case KeyType::WholeOrAuto:
        case KeyType::WholeOrOff:
        case KeyType::Number:
        case KeyType::Curve:
            return number(key.minimum) + " to " + number(key.maximum);
        case KeyType::Seed:
            return "0 to 2^64 - 1";
        case KeyType::Rate:
            return "above 0, to 1000";
        case KeyType::Flag:
            return "`true` `false`";
        default:
            return "";
    }
}

std::string keyTable() {
    std::string out =
        "| key | type | default | range | example | what it says |\n|---|---|---|---|---|---|\n";
    for (const Key& key : keys()) {
        const bool code = !key.standard.empty() && key.standard[0] != '(';
        const std::string standard = key.required         ? "**required**"
                                     : key.standard == "" ? ""
                                     : code               ? "`" + key.standard + "`"
                                            : key.standard.substr(1, key.standard.size() - 2);
        out += "| `" + key.path + "` | " + typeText(key) + " | " + standard + " | " +
               rangeText(key) + " | `" + key.example + "` | " + key.help + " |\n";
    }
    return out;
}

Json groupSchema(const std::string& path);

Json range(const char* type, const Key& key) {
    const bool whole = std::string(type) == "integer";
    Json json = {{"type", type}};
    json["minimum"] = whole ? Json(static_cast<long long>(key.minimum)) : Json(key.minimum);
    json["maximum"] = whole ? Json(static_cast<long long>(key.maximum)) : Json(key.maximum);
    return json;
}

Json list(const Json& items) {
    return {{"type", "array"}, {"items", items}};
}

Json typeSchema(const Key& key) {
    const Json path = {{"type", "string"}, {"minLength", 1}, {"maxLength", 4000}};
    switch (key.type) {
        case KeyType::Group:
            return groupSchema(key.path);
        case KeyType::Groups:
            return list(groupSchema(key.path));
        case KeyType::OneOrGroups:
            return {{"anyOf", Json::array({groupSchema(key.path), list(groupSchema(key.path))})}};
        case KeyType::Mattes: {
            Json several = list(groupSchema(key.path));
            several["minItems"] = 1;
            return {{"anyOf", Json::array({{{"const", "full"}}, groupSchema(key.path), several})}};
        }
        case KeyType::Whole:
            return range("integer", key);
        case KeyType::WholeOrAuto:
            return {{"anyOf", Json::array({{{"const", "auto"}}, range("integer", key)})}};
        case KeyType::WholeOrOff:
            return {{"anyOf", Json::array({{{"const", "off"}}, range("integer", key)})}};
        case KeyType::Seed:
            return {{"type", "integer"}, {"minimum", 0}, {"maximum", 18446744073709551615ull}};
        case KeyType::Number:
            return range("number", key);
        case KeyType::Curve: {
            const Json point = {
                {"type", "object"},
                {"additionalProperties", false},
                {"properties",
                 {{"frame", range("integer", *findKey("onset"))}, {"value", range("number", key)}}},
                {"required", {"frame", "value"}}};
            Json points = list(point);
            points["minItems"] = 1;
            return {{"anyOf", Json::array({range("number", key), points})}};
        }
        case KeyType::Rate:
            return {{"anyOf",
                     Json::array({{{"type", "number"}, {"exclusiveMinimum", 0}, {"maximum", 1000}},
                                  {{"type", "string"}, {"pattern", "^[0-9]+/[0-9]+$"}}})}};
        case KeyType::Flag:
            return {{"type", "boolean"}};
        case KeyType::Choice:
            return {{"enum", key.choices}};
        case KeyType::Choices:
            return list({{"enum", key.choices}});
        // a name such as 0420 is a number to YAML, and text to the parser
        case KeyType::Name:
            return {{"type", {"string", "number", "boolean"}}, {"maxLength", 20000}};
        case KeyType::Prose:
            return {{"type", {"string", "number", "boolean"}}, {"maxLength", 20000}};
        case KeyType::Path:
        case KeyType::OutputPath:
            return path;
        case KeyType::Paths:
            return list(path);
        case KeyType::Names:
            return list({{"type", "string"}, {"minLength", 1}});
        case KeyType::Frames:
            return {{"type", {"string", "integer"}}};
        case KeyType::Region:
            return {{"anyOf", Json::array({{{"enum", {"auto", "follow", "full"}}},
                                           {{"type", "array"},
                                            {"items", {{"type", "integer"}}},
                                            {"minItems", 4},
                                            {"maxItems", 4}}})}};
        case KeyType::Free:
            return {{"type", "object"}};
    }
    return {};
}

/// An empty value of a key that is not required means its default.
Json keySchema(const Key& key) {
    Json json = {{"description", key.help + "."}};
    if (!key.standard.empty() && key.standard[0] != '(' && key.type != KeyType::Group) {
        Problems none;
        json["default"] = Json::parse(nodeJson(parseYaml(key.standard, "", none)));
    }
    Json type = typeSchema(key);
    if (key.required) {
        json.update(type);
    } else if (type.contains("anyOf")) {
        type["anyOf"].push_back({{"type", "null"}});
        json.update(type);
    } else {
        json["anyOf"] = Json::array({type, {{"type", "null"}}});
    }
    return json;
}

Json groupSchema(const std::string& group) {
    Json json = {{"type", "object"}, {"additionalProperties", false}};
    Json required = Json::array();
    for (const Key& key : keys()) {
        if (key.parent() != group) continue;
        json["properties"][key.name()] = keySchema(key);
        if (key.required) required.push_back(key.name());
    }
    if (!required.empty()) json["required"] = required;
    return json;
}

std::string schema() {
    Json json = {
        {"$schema", "https://json-schema.org/draft/2020-12/schema"},
        {"title", "Derrumbe shot file, version 1"},
        {"description", "Made from src/shot/keys.cpp; configs/README.md says the same in prose."}};
    json.update(groupSchema(""));
    return json.dump(1) + "\n";
}

void checkSame(const std::string& file, const std::string& committed, const std::string& made) {
    if (std::getenv("DERRUMBE_UPDATE") != nullptr) {
        std::ofstream(file) << made;
        return;
    }
    INFO(file
         << " differs from the parser's key table; DERRUMBE_UPDATE=1 bin/test_shot writes it anew");
    CHECK(committed == made);
}

}  // namespace

TEST_CASE("the JSON Schema is the parser's key table", "[documents]") {
    checkSame(kSchemaFile, readText(kSchemaFile), schema());
}

TEST_CASE("the page's table is the parser's key table", "[documents]") {
    const std::string page = readText(kPageFile);
    const size_t begin = page.find(kBegin), end = page.find(kEnd);
    REQUIRE(begin != std::string::npos);
    REQUIRE(end != std::string::npos);
    const size_t first = begin + std::string(kBegin).size();
    checkSame(kPageFile, page, page.substr(0, first) + keyTable() + page.substr(end));
}

TEST_CASE("the page's first example is accepted", "[documents]") {
    const std::string page = readText(kPageFile);
    size_t count = 0;
    for (size_t at = page.find("```yaml\n"); at != std::string::npos;
         at = page.find("```yaml\n", at)) {
        at += 8;
        const std::string example = page.substr(at, page.find("```", at) - at);
        CAPTURE(example);
        CHECK_NOTHROW(parse(example));
        ++count;
    }
    CHECK(count >= 2);
}

TEST_CASE("every key is read: its example is accepted, a wrong value refused at the key",
          "[documents]") {
    const std::string base =
        kLeast +
        "holdout: {path: a.exr}\nbeats: [{from: 1003, prompt: a, matte: {path: a.exr}}]\n"
        "keyframes: [{frame: 1002, path: a.exr}]\nguides: [{type: flow, path: a.exr}]\n"
        "model: {loras: [{path: a.safetensors}]}\nrefine: {strength: 0.3}\n"
        "output: {lossy: true}\n";
    for (const Key& key : keys()) {
        CAPTURE(key.path);
        std::string path = key.path;
        for (const char* group : {"beats", "keyframes", "guides", "model.loras"}) {
            const std::string prefix = std::string(group) + ".";
            if (path.rfind(prefix, 0) == 0) path.insert(prefix.size(), "0.");
        }
        std::vector<std::string> set = {"frames=1001-1049"};
        for (const std::string matte : {"matte", "holdout", "beats.matte"}) {
            const std::string at = matte == "beats.matte" ? "beats.0.matte" : matte;
            if (key.path == matte + ".cryptomatte.layer")
                set.push_back(at + ".cryptomatte.names=[a]");
            if (key.path == matte + ".cryptomatte.names")
                set.push_back(at + ".cryptomatte.layer=a");
        }
        set.push_back(path + "=" + key.example);
        CHECK_NOTHROW(parse(base, set));

        const bool takesText = key.type == KeyType::Name || key.type == KeyType::Prose ||
                               key.type == KeyType::Path || key.type == KeyType::OutputPath;
        set.back() = path + (takesText                     ? "=[1]"
                             : key.type == KeyType::Choice ? "=\"nothing of the kind\""
                                                           : "=\"?\"");
        CHECK_THAT(refusal(base, set), Catch::Contains("--set " + path + ": error: "));
    }
}
