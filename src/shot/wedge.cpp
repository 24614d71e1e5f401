#include "shot/wedge.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "shot/characters.h"
#include "shot/tree.h"
#include "support/strings.h"

namespace derrumbe::shot {

namespace {

/// A single value as YAML. Text in quotes stays text ("20" is not 20): JSON's strings are YAML's.
std::string yamlText(const Node& value) {
    if (value.kind == Node::Kind::Null) return "null";
    return value.quoted ? nlohmann::json(value.text).dump() : value.text;
}

/// Whether `--set KEY=...` would take the key, as far as it can be told without a shot.
bool isKeyPath(const std::string& key) {
    Problems none;
    Node scratch;
    applyOverride(scratch, key + "=", none);
    return !none.hasErrors();
}

}  // namespace

Wedge parseWedge(const std::string& option, Problems& problems) {
    const size_t equals = std::min(option.find('='), option.size());
    Wedge wedge{option.substr(0, equals), {}};
    if (equals == option.size() || !isKeyPath(wedge.key)) {
        problems.error(ExitCode::Usage,
                       cat(shown(option), " is not KEY=V1,V2,..., e.g. sampler.guidance=3,5"),
                       {"--wedge"});
        return wedge;
    }
    const Place place{"--wedge " + wedge.key};
    Node list;
    try {
        list = parseYaml("[" + option.substr(equals + 1) + "]", place.file, problems);
    } catch (const Error& error) {
        // The bracket is not the user's, so that columns would lead astray.
        problems.error(ExitCode::Usage,
                       cat(error.problems().front().message,
                           "; text with a comma, a colon or a bracket goes in quotes"),
                       place);
        return wedge;
    }
    if (list.items.empty()) problems.error(ExitCode::Usage, "no value is given", place);
    for (const Node& item : list.items) {
        if (item.kind == Node::Kind::List || item.kind == Node::Kind::Map) {
            problems.error(ExitCode::Usage,
                           cat("a wedge takes single values, not ", item.kindText(),
                               "; text with a colon or a bracket goes in quotes"),
                           place);
            continue;
        }
        const std::string value = yamlText(item);
        if (std::find(wedge.values.begin(), wedge.values.end(), value) != wedge.values.end())
            problems.error(ExitCode::Usage,
                           cat(shown(value), " stands here twice: both takes would be the same"),
                           place);
        wedge.values.push_back(value);
    }
    return wedge;
}

std::vector<std::vector<std::string>> combinations(const std::vector<Wedge>& wedges) {
    std::vector<std::vector<std::string>> all(1);
    for (const Wedge& wedge : wedges) {
        std::vector<std::vector<std::string>> longer;
        for (const std::vector<std::string>& before : all) {
            for (const std::string& value : wedge.values) {
                longer.push_back(before);
                longer.back().push_back(cat(wedge.key, "=", value));
            }
        }
        all = std::move(longer);
    }
    return all;
}

}  // namespace derrumbe::shot
