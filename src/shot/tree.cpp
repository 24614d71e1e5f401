#include "shot/tree.h"

#include <algorithm>
#include <map>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "shot/characters.h"
#include "support/strings.h"

namespace derrumbe::shot {

const Node* Node::find(const std::string& key) const {
    const auto found = std::find(keys.begin(), keys.end(), key);
    return found == keys.end() ? nullptr : &items[static_cast<size_t>(found - keys.begin())];
}

const char* Node::kindText() const {
    switch (kind) {
        case Kind::Null:
            return "nothing";
        case Kind::Scalar:
            return quoted ? "text" : "a single value";
        case Kind::List:
            return "a list";
        case Kind::Map:
            return "a mapping";
    }
    return "";
}

namespace {

// yaml-cpp reads an open bracket as the beginning of a key, so that this is often what is wrong.
const char* const kBadKey = "a key must be a word (or is a bracket or a quote left open here?)";

/// Builds the tree from yaml-cpp's events rather than from its nodes: events carry the place of
/// keys too, show aliases before they are expanded, and let the limits act while the text is being
/// read.
class Builder : public YAML::EventHandler {
  public:
    Builder(const std::string& name, Problems& problems) : name_(name), problems_(problems) {}

    Node take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (started_) fail(mark, "a second document begins here; a shot file is one");
        started_ = true;
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Node node;
        value(mark, anchor, std::move(node), "null");
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        checkTag(mark, tag);
        Node node;
        node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
        const bool null = !node.quoted && (text.empty() || text == "~" || text == "null" ||
                                           text == "Null" || text == "NULL");
        node.kind = null ? Node::Kind::Null : Node::Kind::Scalar;
        node.text = null ? "" : text;
        value(mark, anchor, std::move(node), text);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (++aliases_ > kMostAliases) fail(mark, cat("more than ", kMostAliases, " aliases"));
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) fail(mark, "an alias inside the very value that it names");
        expand(mark, found->second);
        add(mark, Node(found->second), "");
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Kind::List);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Kind::Map);
    }
    void OnMapEnd() override { close(); }

  private:
    struct Open {
        Node node;
        YAML::anchor_t anchor = 0;
        bool keyRead = false;
    };

    Place place(const YAML::Mark& mark) const { return {name_, mark.line + 1, mark.column + 1}; }

    [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message) const {
        throw Error(ExitCode::Usage, message, place(mark));
    }

    void checkTag(const YAML::Mark& mark, const std::string& tag) const {
        for (const char* plain :
             {"", "?", "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:int",
              "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null",
              "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}) {
            if (tag == plain) return;
        }
        fail(mark, cat("the tag ", shown(tag), " means nothing in a shot file"));
    }

    void count(const YAML::Mark& mark, size_t bytes) {
        if (++values_ > kMostValues) fail(mark, cat("more than ", kMostValues, " values"));
        expanded_ += bytes;
        if (expanded_ > kMostExpanded)
            fail(mark, "aliases that expand to more text than a shot can mean");
    }

    /// Counts a copy of `node`, before it is made.
    void expand(const YAML::Mark& mark, const Node& node) {
        count(mark, node.text.size());
        for (const std::string& key : node.keys) expanded_ += key.size();
        for (const Node& item : node.items) expand(mark, item);
    }

    void value(const YAML::Mark& mark, YAML::anchor_t anchor, Node node, const std::string& text) {
        count(mark, text.size());
        node.place = place(mark);
        if (anchor != 0) anchors_[anchor] = node;
        add(mark, std::move(node), text);
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
              Node::Kind kind) {
        checkTag(mark, tag);
        count(mark, 0);
        if (static_cast<int>(stack_.size()) >= kDeepest) {
            fail(mark, cat("more than ", kDeepest, " lists and mappings inside one another"));
        }
        if (expectsKey()) fail(mark, kBadKey);
        Open level;
        level.node.kind = kind;
        level.node.place = place(mark);
        level.anchor = anchor;
        stack_.push_back(std::move(level));
    }

    void close() {
        Open level = std::move(stack_.back());
        stack_.pop_back();
        if (level.anchor != 0) anchors_[level.anchor] = level.node;
        const YAML::Mark none;
        add(none, std::move(level.node), "");
    }

    bool expectsKey() const {
        return !stack_.empty() && stack_.back().node.kind == Node::Kind::Map &&
               !stack_.back().keyRead;
    }

    /// Puts a finished value where it belongs: as the document, as a list's entry, as a map's key
    /// or value.
    void add(const YAML::Mark& mark, Node node, const std::string& text) {
        if (stack_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& level = stack_.back();
        if (level.node.kind == Node::Kind::List) {
            level.node.items.push_back(std::move(node));
        } else if (!level.keyRead) {
            addKey(mark, level, node, text);
        } else {
            level.node.items.push_back(std::move(node));
            level.keyRead = false;
        }
    }

    void addKey(const YAML::Mark& mark, Open& level, const Node& node, const std::string& text) {
        const std::string key = node.kind == Node::Kind::Scalar ? node.text : text;
        if (node.kind == Node::Kind::Map || node.kind == Node::Kind::List || key.empty()) {
            fail(mark, kBadKey);
        }
        if (level.node.keys.size() == kMostKeys)
            fail(mark, cat("more than ", kMostKeys, " keys in one mapping"));
        const auto same = std::find(level.node.keys.begin(), level.node.keys.end(), key);
        if (same != level.node.keys.end()) {
            const Place& first =
                level.node.keyPlaces[static_cast<size_t>(same - level.node.keys.begin())];
            problems_.error(
                ExitCode::Usage,
                cat(shown(key), " stands here a second time; the first is in line ", first.line),
                place(mark));
        }
        level.node.keys.push_back(key);
        level.node.keyPlaces.push_back(place(mark));
        level.keyRead = true;
    }

    std::string name_;
    Problems& problems_;
    Node root_;
    std::vector<Open> stack_;
    std::map<YAML::anchor_t, Node> anchors_;
    size_t values_ = 0, expanded_ = 0;
    int aliases_ = 0;
    bool started_ = false;
};

void checkBytes(const std::string& text, const std::string& name) {
    if (text.size() > kMostBytes) {
        throw Error(ExitCode::Usage, cat("larger than ", kMostBytes >> 10, " KiB: not a shot file"),
                    {name});
    }
    const size_t mark = text.rfind("\xEF\xBB\xBF", 0) == 0 ? 3 : 0;  // a byte order mark is allowed
    int line = 1;
    for (size_t at = mark; at < text.size(); ++line) {
        const size_t end = std::min(text.find('\n', at), text.size());
        const std::string problem =
            characterProblem(std::string_view(text).substr(at, end - at), true);
        if (!problem.empty())
            throw Error(ExitCode::Usage, problem + " of this line", {name, line, 1});
        at = end + 1;
    }
}

}  // namespace

Node parseYaml(const std::string& text, const std::string& name, Problems& problems) {
    checkBytes(text, name);
    try {
        std::istringstream stream(text);
        YAML::Parser parser(stream);
        Builder builder(name, problems);
        while (parser.HandleNextDocument(builder)) {
        }
        return builder.take();
    } catch (const YAML::Exception& broken) {
        Place place{name};
        if (!broken.mark.is_null()) place = {name, broken.mark.line + 1, broken.mark.column + 1};
        throw Error(ExitCode::Usage, "not YAML: " + broken.msg, place);
    }
}

}  // namespace derrumbe::shot
