#include "provenance/policy.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

using namespace derrumbe;
using namespace derrumbe::provenance;

namespace {

/// A policy of this text; everything wrong with it as one text where it is refused.
Policy policyOf(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "derrumbe_policy_XXXXXX").string();
    ::close(::mkstemp(name.data()));
    std::ofstream(name) << text;
    try {
        const Policy policy = readPolicy(name);
        std::filesystem::remove(name);
        return policy;
    } catch (...) {
        std::filesystem::remove(name);
        throw;
    }
}

std::string refusal(const std::string& text) {
    try {
        policyOf(text);
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Usage);
        std::string all;
        for (const Problem& problem : error.problems()) all += problem.text() + "\n";
        return all;
    }
    return "";
}

std::vector<std::string> messages(const Policy& policy, const PolicySubject& subject) {
    Problems problems;
    checkPolicy(policy, subject, problems);
    std::vector<std::string> out;
    for (const Problem& problem : problems.list()) {
        CHECK(problem.code == ExitCode::Usage);
        out.push_back(problem.message);
    }
    return out;
}

PolicySubject subjectOf(const std::string& usage, bool final = true) {
    PolicySubject subject;
    subject.usageJson = usage;
    subject.final = final;
    return subject;
}

const char* const kTalent =
    "version: 1\nname: studio\n"
    "usage:\n  talent: {ask: anybody in it, accept: [\"no\", none], with_approval: [\"yes\"]}\n";

}  // namespace

TEST_CASE("every answer that a policy asks for is missing, refused, escalated or clear",
          "[policy]") {
    const Policy policy = policyOf(kTalent);
    using Catch::Contains;
    auto found = messages(policy, subjectOf("{}"));
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Contains("policy studio: provenance.usage.talent is not answered") &&
                             Contains("anybody in it") && Contains("no or none"));
    CHECK_THAT(messages(policy, subjectOf(R"({"talent": "unsure"})")).at(0), Contains("unsure"));
    CHECK_THAT(messages(policy, subjectOf(R"({"talent": "yes"})")).at(0),
               Contains("written approval"));
    CHECK(messages(policy, subjectOf(R"({"talent": " No "})")).empty());
    CHECK(messages(policy, subjectOf(R"({"talent": false})")).empty());
    CHECK(messages(policy, subjectOf(R"({"talent": true, "approval": "VFX-1"})")).empty());
    CHECK(messages(policy, subjectOf(R"({"talent": ["no"]})")).size() == 1);
}

TEST_CASE("a final deliverable needs an approval, a temporary one does not", "[policy]") {
    const Policy policy = policyOf(
        "version: 1\nname: studio\napproval: {final: required}\n"
        "usage: {qc: {ask: was it looked at, accept: [done], deliverable: final}}\n");
    CHECK(messages(policy, subjectOf("{}")).size() == 2);
    CHECK(messages(policy, subjectOf("{}", false)).empty());
    CHECK(messages(policy, subjectOf(R"({"approval": "pending", "qc": "done"})")).size() == 1);
    CHECK(messages(policy, subjectOf(R"({"approval": 1182, "qc": "done"})")).empty());
}

TEST_CASE("an approval is a reference, not a word for none", "[policy]") {
    CHECK(approvalReference(R"({"approval": "VFX-1182"})") == "VFX-1182");
    CHECK(approvalReference(R"({"approval": {"reference": "VFX-1", "by": "J"}})") == "VFX-1");
    for (const char* none :
         {"{}", R"({"approval": ""})", R"({"approval": "None"})", R"({"approval": true})",
          R"({"approval": "TBD"})", R"({"approval": {"by": "J"}})", R"({"approval": null})", "[]"})
        CHECK(approvalReference(none) == "");
}

TEST_CASE("models and LoRAs are held against licences and weights", "[policy]") {
    const std::string good(64, 'a'), other(64, 'b');
    const Policy policy = policyOf(
        "version: 1\nname: studio\nmodels:\n  licenses: [Apache-2.0]\n"
        "  weights: [" +
        good + "]\n");
    PolicySubject subject;
    subject.models = {{"mini", "apache-2.0", good, false}};
    CHECK(messages(policy, subject).empty());
    subject.models = {{"mini", "", other, false}, {"dust.safetensors", "odd", good, true}};
    const auto found = messages(policy, subject);
    REQUIRE(found.size() == 3);
    CHECK_THAT(found[0], Catch::Contains("the model mini does not state its licence"));
    CHECK_THAT(found[1], Catch::Contains(other));
    CHECK_THAT(found[2], Catch::Contains("the LoRA dust.safetensors has the licence \"odd\""));
}

TEST_CASE("everything that is wrong with a policy is said at once, with its place", "[policy]") {
    const std::string all = refusal(
        "version: 1\nnme: x\nusage:\n  a: {ask: q}\n  b: {accept: []}\n  b: {ask: q, accept: [x]}\n"
        "approval: {final: maybe}\nmodels: {weights: [abc]}\n");
    CAPTURE(all);
    using Catch::Contains;
    CHECK_THAT(all, Contains(":2:1: error: unknown key \"nme\"; did you mean \"name\"?"));
    CHECK_THAT(all, Contains("name is missing"));
    CHECK_THAT(all, Contains(":4:3: error: usage.a accepts no answer"));
    CHECK_THAT(all, Contains(":5:15: error: usage.b.accept must be a list"));
    CHECK_THAT(all, Contains("usage.b.ask is missing"));
    CHECK_THAT(all, Contains(":6:3: error: usage.b stands twice"));
    CHECK_THAT(all, Contains("approval.final must be required or optional"));
    CHECK_THAT(all, Contains("\"abc\" is no SHA-256"));
    CHECK_THAT(refusal("version: 2\nname: x\n"), Contains("`version: 1`"));
    CHECK_THAT(refusal("- a\n"), Contains("a mapping"));
    CHECK_THAT(refusal(""), Contains("a mapping"));
    CHECK_THAT(refusal("a: [b\n"), Contains("not YAML"));
    CHECK_THAT(refusal("version: 1\nname: x\nusage: [a]\n"), Contains("usage must be a mapping"));
    std::string many = "version: 1\nname: x\nusage:\n";
    for (int i = 0; i < 20000; ++i) many += " q" + std::to_string(i) + ": a\n";
    CHECK_THAT(refusal(many), Contains("more than 1000 questions"));
}

TEST_CASE("the policy that comes along is one, and the page's shot meets it", "[policy]") {
    const Policy policy = readPolicy("configs/policies/streaming_partner.yaml");
    CHECK(policy.name == "streaming-partner");
    CHECK(policy.finalNeedsApproval);
    CHECK(policy.sha256.size() == 64);
    CHECK(messages(policy, subjectOf("{}")).size() == policy.questions.size() + 1);
    PolicySubject subject = subjectOf(
        R"({"approval": "VFX-1182", "use_shared": "yes", "secured_environment": "yes",
            "third_party_ip": "none", "personal_data": "none", "talent": "none",
            "union_work": "none", "key_creative_element": "no", "misleading": "no"})");
    subject.models = {{"derrumbe-mini", "Apache-2.0", "", false}};
    CHECK(messages(policy, subject).empty());
}
