#include "provenance/policy.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "support/strings.h"

namespace derrumbe::provenance {

namespace {

using Json = nlohmann::json;

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

std::string trimmed(const std::string& text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string::npos
               ? ""
               : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
    return std::any_of(list.begin(), list.end(),
                       [&](const std::string& one) { return lower(one) == lower(text); });
}

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (size_t i = 0; i < words.size(); ++i)
        out += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
    return out;
}

/// An answer as one word or line; empty: none.
std::string answerText(const Json& usage, const std::string& key) {
    const auto found = usage.is_object() ? usage.find(key) : usage.end();
    if (found == usage.end() || found->is_null()) return "";
    if (found->is_string()) return trimmed(found->get<std::string>());
    if (found->is_boolean()) return found->get<bool>() ? "yes" : "no";
    return found->dump();
}

std::string wanted(const PolicyQuestion& question) {
    std::string text = join(question.accept);
    if (!question.withApproval.empty())
        text += cat(text.empty() ? "" : ", or ", join(question.withApproval),
                    " with the approval's reference in provenance.usage.approval");
    return text;
}

void checkQuestion(const PolicyQuestion& question, const PolicySubject& subject, const Json& usage,
                   const std::string& prefix, Problems& problems) {
    const std::string answer = answerText(usage, question.key);
    const bool approved = !approvalReference(subject.usageJson).empty();
    const bool escalated = contains(question.withApproval, answer);
    if (contains(question.accept, answer) || (escalated && approved)) return;
    const std::string key = "provenance.usage." + question.key;
    std::string message;
    if (answer.empty())
        message = cat(key, " is not answered (", question.ask, "): say ", wanted(question));
    else if (escalated)
        message = cat(key, " is \"", answer,
                      "\", which needs a written approval: set provenance.usage.approval to its "
                      "reference");
    else
        message =
            cat(key, " is \"", answer, "\" (", question.ask, "); it accepts ", wanted(question));
    problems.error(ExitCode::Usage, prefix + message, subject.usagePlace);
}

void checkModel(const Policy& policy, const PolicyModel& model, const Place& place,
                const std::string& prefix, Problems& problems) {
    const std::string what = cat(model.lora ? "the LoRA " : "the model ", model.name);
    if (!policy.licenses.empty() && !contains(policy.licenses, model.license))
        problems.error(ExitCode::Usage,
                       cat(prefix, what,
                           model.license.empty() ? " does not state its licence"
                                                 : cat(" has the licence \"", model.license, "\""),
                           "; allowed: ", join(policy.licenses)),
                       place);
    if (!policy.weights.empty() && !contains(policy.weights, model.sha256))
        problems.error(ExitCode::Usage,
                       cat(prefix, "the weights of ", model.lora ? what : model.name, " (SHA-256 ",
                           model.sha256, ") are not among those that are allowed",
                           model.lora ? "" : "; `derrumbe models` prints the SHA-256 of others"),
                       place);
}

}  // namespace

std::string approvalReference(const std::string& usageJson) {
    const Json usage = Json::parse(usageJson, nullptr, false);
    const auto found = usage.is_object() ? usage.find("approval") : usage.end();
    if (found == usage.end()) return "";
    const std::string text = found->is_object()    ? answerText(*found, "reference")
                             : found->is_boolean() ? ""
                                                   : answerText(usage, "approval");
    static const std::vector<std::string> none = {"no",   "none", "pending", "tbd",
                                                  "todo", "n/a",  "unknown", "-"};
    return contains(none, text) ? "" : text;
}

void checkPolicy(const Policy& policy, const PolicySubject& subject, Problems& problems) {
    const std::string prefix = cat("policy ", policy.name, ": ");
    const Json usage = Json::parse(subject.usageJson, nullptr, false);
    for (const PolicyQuestion& question : policy.questions)
        if (subject.final || !question.finalOnly)
            checkQuestion(question, subject, usage, prefix, problems);
    if (policy.finalNeedsApproval && subject.final && approvalReference(subject.usageJson).empty())
        problems.error(ExitCode::Usage,
                       prefix +
                           "a final deliverable needs the reference of its written approval: "
                           "set provenance.usage.approval, or provenance.deliverable to temp",
                       subject.deliverablePlace);
    for (const PolicyModel& model : subject.models)
        checkModel(policy, model, subject.modelPlace, prefix, problems);
}

}  // namespace derrumbe::provenance
