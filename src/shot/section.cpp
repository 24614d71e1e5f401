#include "shot/section.h"

#include "shot/characters.h"
#include "support/strings.h"

namespace derrumbe::shot {

namespace {

/// A key of the same name in another group, for "seed" at the top that was meant as sampler.seed.
std::string elsewhere(const std::string& name) {
    for (const Key& key : keys()) {
        if (key.name() == name) return key.path;
    }
    return {};
}

}  // namespace

FilePath resolvePath(const std::string& written, const std::filesystem::path& folder) {
    // operator/ keeps an absolute right side as it is
    return {written, (folder / written).lexically_normal()};
}

Section::Section(const Node* node, std::string path, std::string group, Reading& reading)
    : node_(node), path_(std::move(path)), group_(std::move(group)), reading_(&reading) {
    if (node_ != nullptr) checkKeys();
}

void Section::checkKeys() const {
    const std::vector<std::string>& known = keyNames(group_);
    for (size_t i = 0; i < node_->keys.size(); ++i) {
        const std::string& name = node_->keys[i];
        if (findKey(group_.empty() ? name : group_ + "." + name) != nullptr &&
            name.find('.') == std::string::npos) {
            if (node_->items[i].kind != Node::Kind::Null)
                reading_->places[below(name)] = node_->items[i].place;
            continue;
        }
        std::string message =
            cat("unknown key ", shown(name), group_.empty() ? "" : " in " + group_);
        const std::string typo = nearest(name, known), other = elsewhere(name);
        if (!typo.empty()) {
            message += cat("; did you mean ", shown(typo), "?");
        } else if (!other.empty()) {
            message += cat("; did you mean ", shown(other), "?");
        }
        reading_->problems.error(ExitCode::Usage, message, node_->keyPlaces[i]);
    }
    for (const std::string& name : known) {
        if (key(name).required && find(name) == nullptr) {
            reading_->problems.error(
                ExitCode::Usage,
                cat(below(name), " is missing, e.g. ", name, ": ", key(name).example),
                path_.empty() ? reading_->file : node_->place);
        }
    }
}

const Key& Section::key(const std::string& name) const {
    const Key* found = findKey(group_.empty() ? name : group_ + "." + name);
    if (found == nullptr)
        throw Error(ExitCode::Internal, cat("no key ", group_, ".", name, " in the table"));
    return *found;
}

const Node* Section::find(const std::string& name) const {
    const Node* found = node_ == nullptr ? nullptr : node_->find(name);
    return found == nullptr || found->kind == Node::Kind::Null ? nullptr : found;
}

void Section::wrong(const std::string& name, const Node& node, const std::string& wanted) const {
    const std::string is = node.kind == Node::Kind::Scalar
                               ? shown(node.text) + (node.quoted ? " in quotes" : "")
                               : std::string(node.kindText());
    reading_->problems.error(ExitCode::Usage, cat(below(name), " must be ", wanted, ", not ", is),
                             node.place);
}

const Node* Section::scalar(const std::string& name, const char* wanted) const {
    key(name);
    const Node* node = find(name);
    if (node == nullptr || node->kind == Node::Kind::Scalar) return node;
    wrong(name, *node, wanted);
    return nullptr;
}

std::optional<std::string> Section::line(const std::string& name, const Node& node,
                                         bool lines) const {
    constexpr size_t kLongest = 20000;
    std::string problem = characterProblem(node.text, lines);
    if (problem.empty() && node.text.size() > kLongest)
        problem = cat("longer than ", kLongest, " bytes");
    if (problem.empty()) return node.text;
    reading_->problems.error(
        ExitCode::Usage, cat(below(name), " holds text that is refused: ", problem), node.place);
    return std::nullopt;
}

std::optional<std::string> Section::text(const std::string& name) const {
    const Node* node = scalar(name, "text");
    if (node == nullptr) return std::nullopt;
    return line(name, *node, key(name).type == KeyType::Prose);
}

std::optional<FilePath> Section::onePath(const std::string& name, const Node& node) const {
    const std::optional<std::string> written = line(name, node, false);
    if (!written) return std::nullopt;
    std::string problem;
    if (written->empty()) problem = "is empty";
    if (written->size() > 4000) problem = "is longer than paths can be";
    if (written->rfind("~/", 0) == 0)
        problem = "begins with ~, which only a shell expands: write the folder";
    if (!problem.empty()) {
        reading_->problems.error(ExitCode::Usage, cat(below(name), " ", problem), node.place);
        return std::nullopt;
    }
    return resolvePath(*written, reading_->folder);
}

std::optional<FilePath> Section::path(const std::string& name) const {
    const Node* node = scalar(name, "a path");
    return node == nullptr ? std::nullopt : onePath(name, *node);
}

std::optional<std::vector<FilePath>> Section::paths(const std::string& name) const {
    key(name);
    const Node* node = find(name);
    if (node == nullptr) return std::nullopt;
    if (node->kind != Node::Kind::List) {
        wrong(name, *node, "a list of paths");
        return std::nullopt;
    }
    std::vector<FilePath> all;
    for (size_t i = 0; i < node->items.size(); ++i) {
        const Node& item = node->items[i];
        const std::string entry = cat(name, ".", i);
        reading_->places[below(entry)] = item.place;
        if (item.kind != Node::Kind::Scalar) {
            wrong(entry, item, "a path");
        } else if (const std::optional<FilePath> one = onePath(entry, item)) {
            all.push_back(*one);
        }
    }
    return all;
}

std::optional<std::vector<std::string>> Section::names(const std::string& name) const {
    key(name);
    const Node* node = find(name);
    if (node == nullptr) return std::nullopt;
    if (node->kind != Node::Kind::List) {
        wrong(name, *node, "a list of names");
        return std::nullopt;
    }
    std::vector<std::string> all;
    for (size_t i = 0; i < node->items.size(); ++i) {
        const Node& item = node->items[i];
        const std::string entry = cat(name, ".", i);
        if (item.kind != Node::Kind::Scalar || item.text.empty()) {
            wrong(entry, item, "a name");
        } else if (const std::optional<std::string> one = line(entry, item, false)) {
            all.push_back(*one);
        }
    }
    return all;
}

const Node* Section::free(const std::string& name) const {
    key(name);
    const Node* node = find(name);
    if (node != nullptr && node->kind == Node::Kind::Map)
        return printable(name, *node) ? node : nullptr;
    if (node != nullptr) wrong(name, *node, "a mapping");
    return nullptr;
}

bool Section::printable(const std::string& name, const Node& node) const {
    bool good = line(name, node, true).has_value();
    for (size_t i = 0; i < node.keys.size(); ++i) {
        Node key;
        key.text = node.keys[i];
        key.place = node.keyPlaces[i];
        good = line(name, key, false) && good;
    }
    for (const Node& item : node.items) good = printable(name, item) && good;
    return good;
}

Section Section::group(const std::string& name) const {
    key(name);
    const Node* node = find(name);
    if (node != nullptr && node->kind != Node::Kind::Map) {
        wrong(name, *node, "a mapping");
        node = nullptr;
    }
    return Section(node, below(name), key(name).path, *reading_);
}

std::vector<Section> Section::groups(const std::string& name) const {
    key(name);
    std::vector<Section> all;
    const Node* node = find(name);
    if (node == nullptr) return all;
    if (node->kind == Node::Kind::Scalar) {
        wrong(name, *node, "a list of mappings");
        return all;
    }
    const bool lone = node->kind == Node::Kind::Map;
    for (size_t i = 0; i < (lone ? 1 : node->items.size()); ++i) {
        const Node& item = lone ? *node : node->items[i];
        const std::string entry = cat(name, ".", i);
        reading_->places[below(entry)] = item.place;
        if (item.kind == Node::Kind::Map) {
            all.emplace_back(&item, below(entry), key(name).path, *reading_);
        } else {
            wrong(entry, item, "a mapping");
        }
    }
    return all;
}

std::vector<Section> Section::mattes(const std::string& name, bool& full) const {
    const Node* node = find(name);
    full = node != nullptr && node->kind == Node::Kind::Scalar && node->text == "full";
    if (full || node == nullptr) return {};
    if (node->kind == Node::Kind::Scalar || node->items.empty()) {
        wrong(name, *node, "a mapping with a path, a list of them, or full");
        return {};
    }
    return groups(name);
}

}  // namespace derrumbe::shot
