#include <algorithm>

#include "shot/characters.h"
#include "shot/tree.h"
#include "support/strings.h"

namespace derrumbe::shot {

namespace {

/// `a.b.0` as its parts; empty where a part is.
std::vector<std::string> pathParts(const std::string& path) {
    std::vector<std::string> parts;
    for (size_t at = 0; at <= path.size();) {
        const size_t dot = std::min(path.find('.', at), path.size());
        if (dot == at) return {};
        parts.push_back(path.substr(at, dot - at));
        at = dot + 1;
    }
    return parts;
}

/// The entry of a list that `part` counts, or nullptr.
Node* listEntry(Node& list, const std::string& part) {
    const bool number = part.size() <= 5 && std::all_of(part.begin(), part.end(), [](char c) {
                            return c >= '0' && c <= '9';
                        });
    const size_t index = number ? std::stoul(part) : list.items.size();
    return index < list.items.size() ? &list.items[index] : nullptr;
}

Node& mapEntry(Node& map, const std::string& part, const Place& place) {
    map.kind = Node::Kind::Map;
    const auto found = std::find(map.keys.begin(), map.keys.end(), part);
    if (found != map.keys.end()) return map.items[static_cast<size_t>(found - map.keys.begin())];
    map.keys.push_back(part);
    map.keyPlaces.push_back(place);
    map.items.emplace_back();
    map.items.back().place = place;
    return map.items.back();
}

void setPlaces(Node& node, const Place& place) {
    node.place = place;
    for (Place& key : node.keyPlaces) key = place;
    for (Node& item : node.items) setPlaces(item, place);
}

}  // namespace

void applyOverride(Node& root, const std::string& override, Problems& problems) {
    const size_t equals = override.find('=');
    const std::string key = override.substr(0, std::min(equals, override.size()));
    const std::vector<std::string> parts = pathParts(key);
    if (equals == std::string::npos || parts.empty() || key.size() > 200 ||
        !characterProblem(key, false).empty()) {
        problems.error(ExitCode::Usage,
                       cat(shown(override), " is not KEY=VALUE, e.g. sampler.seed=7"), {"--set"});
        return;
    }
    const Place place{"--set " + key};
    Node value;
    try {
        value = parseYaml(override.substr(equals + 1), place.file, problems);
    } catch (const Error& error) {
        problems.add(error.problems());
        return;
    }
    setPlaces(value, place);

    Node* node = &root;
    for (const std::string& part : parts) {
        if (node->kind == Node::Kind::Scalar) {
            problems.error(ExitCode::Usage,
                           cat("nothing named ", shown(part), " can be below ", shown(node->text)),
                           place);
            return;
        }
        Node* next =
            node->kind == Node::Kind::List ? listEntry(*node, part) : &mapEntry(*node, part, place);
        if (next == nullptr) {
            problems.error(ExitCode::Usage,
                           cat("no entry ", shown(part), " in a list of ", node->items.size(),
                               "; they count from 0"),
                           place);
            return;
        }
        node = next;
    }
    *node = std::move(value);
}

}  // namespace derrumbe::shot
