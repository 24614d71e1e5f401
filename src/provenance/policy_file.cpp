#include <algorithm>
#include <map>
#include <set>

#include <yaml-cpp/yaml.h>

#include "provenance/digest.h"
#include "provenance/policy.h"
#include "support/atomic_file.h"
#include "support/strings.h"

/// Reads a policy file: keys, types and places.
namespace derrumbe::provenance {

namespace {

constexpr size_t kMostQuestions = 1000;

/// One mapping of the file. What does not fit becomes a problem and reads as not given.
class Mapping {
  public:
    Mapping(const YAML::Node& node, std::string path, const std::string& file, Problems& problems)
        : node_(node), path_(std::move(path)), file_(file), problems_(problems) {
        if (node_.IsDefined() && !node_.IsNull() && !node_.IsMap()) {
            wrong(node_, cat(path_, " must be a mapping"));
            node_.reset();
        }
        if (node_.IsMap())
            for (const auto& entry : node_)
                if (entry.first.IsScalar()) entries_.emplace_back(entry.first, entry.second);
        for (size_t i = 0; i < entries_.size(); ++i)
            if (!entries_[i].second.IsNull()) first_.emplace(entries_[i].first.Scalar(), i);
    }

    Place place(const YAML::Node& node) const {
        const YAML::Mark mark = node.Mark();
        return mark.is_null() ? Place{file_} : Place{file_, mark.line + 1, mark.column + 1};
    }
    void wrong(const YAML::Node& node, const std::string& message) const {
        problems_.error(ExitCode::Usage, message, place(node));
    }

    /// Refuses every key but these, and keys that stand twice: of two rules one would be lost.
    void only(const std::vector<std::string>& known) const {
        std::set<std::string> seen;
        for (const auto& [key, value] : entries()) {
            if (!seen.insert(key.Scalar()).second)
                wrong(key, cat(below(key.Scalar()), " stands twice"));
            if (std::find(known.begin(), known.end(), key.Scalar()) != known.end()) continue;
            const std::string typo = nearest(key.Scalar(), known);
            wrong(key, cat("unknown key \"", key.Scalar(), "\"",
                           typo.empty() ? "" : cat("; did you mean \"", typo, "\"?")));
        }
    }

    const std::vector<std::pair<YAML::Node, YAML::Node>>& entries() const { return entries_; }

    YAML::Node at(const std::string& key) const {
        const auto found = first_.find(key);
        return found == first_.end() ? YAML::Node(YAML::NodeType::Undefined)
                                     : entries_[found->second].second;
    }
    Mapping group(const std::string& key) const { return {at(key), below(key), file_, problems_}; }

    std::string text(const std::string& key, const std::string& otherwise, bool required) const {
        const YAML::Node node = at(key);
        if (node.IsDefined() && node.IsScalar() && !node.Scalar().empty()) return node.Scalar();
        if (node.IsDefined())
            wrong(node, cat(below(key), " must be text"));
        else if (required)
            wrong(node_, cat(below(key), " is missing"));
        return otherwise;
    }

    std::vector<std::string> list(const std::string& key) const {
        std::vector<std::string> out;
        const YAML::Node node = at(key);
        if (!node.IsDefined()) return out;
        // A list of nothing would mean "anything" where it was meant to mean "nothing".
        if (!node.IsSequence() || node.size() == 0) {
            wrong(node, cat(below(key), " must be a list of texts, with one at least"));
            return out;
        }
        for (const auto& item : node) {
            if (item.IsScalar() && !item.Scalar().empty())
                out.push_back(item.Scalar());
            else
                wrong(item, cat("an entry of ", below(key), " must be text"));
        }
        return out;
    }

  private:
    std::string below(const std::string& key) const {
        return path_.empty() ? key : path_ + "." + key;
    }

    YAML::Node node_;
    std::string path_;
    const std::string& file_;
    Problems& problems_;
    std::vector<std::pair<YAML::Node, YAML::Node>> entries_;  ///< in the file's order
    std::map<std::string, size_t> first_;  ///< of them, by key: the first with a value
};

PolicyQuestion readQuestion(const Mapping& in, const std::string& key, const YAML::Node& at) {
    in.only({"ask", "accept", "with_approval", "deliverable"});
    PolicyQuestion out;
    out.key = key;
    out.ask = in.text("ask", "", true);
    out.accept = in.list("accept");
    out.withApproval = in.list("with_approval");
    if (out.accept.empty() && out.withApproval.empty())
        in.wrong(at, cat("usage.", key, " accepts no answer: give accept or with_approval"));
    const std::string asked = in.text("deliverable", "any", false);
    if (asked != "any" && asked != "final")
        in.wrong(in.at("deliverable"), cat("usage.", key, ".deliverable must be any or final"));
    out.finalOnly = asked == "final";
    return out;
}

void readRoot(const YAML::Node& root, Policy& out, Problems& problems) {
    const Mapping in(root, "", out.file, problems);
    in.only({"version", "name", "guidance", "usage", "approval", "models"});
    if (in.text("version", "1", true) != "1")
        in.wrong(in.at("version"), "this build reads policies of `version: 1`, and no others");
    out.name = in.text("name", out.file, true);
    out.guidance = in.text("guidance", "", false);
    const Mapping usage = in.group("usage");
    if (usage.entries().size() > kMostQuestions)
        throw Error(ExitCode::Usage, cat("more than ", kMostQuestions, " questions"), {out.file});
    std::vector<std::string> keys;
    for (const auto& [key, value] : usage.entries()) keys.push_back(key.Scalar());
    usage.only(keys);  // all are known, none may stand twice
    for (const auto& [key, value] : usage.entries())
        out.questions.push_back(readQuestion(usage.group(key.Scalar()), key.Scalar(), key));
    const Mapping approval = in.group("approval");
    approval.only({"final"});
    const std::string needed = approval.text("final", "optional", false);
    if (needed != "required" && needed != "optional")
        approval.wrong(approval.at("final"), "approval.final must be required or optional");
    out.finalNeedsApproval = needed == "required";
    const Mapping models = in.group("models");
    models.only({"licenses", "weights"});
    out.licenses = models.list("licenses");
    out.weights = models.list("weights");
    for (const std::string& hash : out.weights)
        if (!isSha256(hash))
            models.wrong(models.at("weights"),
                         cat("models.weights: \"", hash,
                             "\" is no SHA-256 of 64 lower-case hexadecimal digits"));
}

}  // namespace

Policy readPolicy(const std::filesystem::path& file) {
    const std::string text = readFile(file, ExitCode::Usage, size_t{256} << 10);
    Policy out;
    out.file = file.string();
    out.sha256 = sha256(text);
    Problems problems;
    try {
        const YAML::Node root = YAML::Load(text);
        if (!root.IsMap())
            throw Error(ExitCode::Usage, "a policy is a mapping of keys", {out.file});
        readRoot(root, out, problems);
    } catch (const YAML::Exception& broken) {
        Place place{out.file};
        if (!broken.mark.is_null())
            place = {out.file, broken.mark.line + 1, broken.mark.column + 1};
        throw Error(ExitCode::Usage, "not YAML: " + broken.msg, place);
    }
    problems.throwIfErrors();
    return out;
}

}  // namespace derrumbe::provenance
