#include "render/policies.h"

#include <algorithm>

#include "model/weights/lora.h"
#include "provenance/digest.h"
#include "render/plan_problems.h"

namespace derrumbe::render {

namespace {

provenance::PolicySubject subjectOf(const RenderPlan& plan, bool haveModel, bool hash) {
    const shot::Shot& shot = plan.shot;
    provenance::PolicySubject subject;
    subject.usageJson = shot.provenance.usage;
    subject.final = shot.provenance.deliverable == shot::Deliverable::Final;
    subject.usagePlace = shot.place("provenance.usage");
    subject.deliverablePlace = shot.place("provenance.deliverable");
    subject.modelPlace = shot.place("model.path");
    if (!haveModel) return subject;
    subject.models.push_back(
        {plan.model.name, plan.model.license, hash ? weightsHash(plan.model) : "", false});
    for (const model::LoraFile& lora : plan.loras)
        subject.models.push_back({lora.path.filename().string(), model::loraLicense(lora.path),
                                  hash ? provenance::sha256File(lora.path, ExitCode::Model) : "",
                                  true});
    return subject;
}

}  // namespace

std::vector<WeightsDigest> weightsDigests(const model::Description& model) {
    std::vector<WeightsDigest> digests;
    for (const auto& file : model.files)
        if (file.role == "weights")
            digests.push_back(
                {std::filesystem::path(file.path).lexically_relative(model.folder).string(),
                 file.part, provenance::sha256File(file.path, ExitCode::Model)});
    return digests;
}

std::string hashOf(const std::vector<WeightsDigest>& digests) {
    std::string lines;
    for (const WeightsDigest& file : digests) lines += file.sha256 + "  " + file.name + "\n";
    return provenance::sha256(lines);
}

std::string weightsHash(const model::Description& model) {
    return hashOf(weightsDigests(model));
}

void applyPolicies(RenderPlan& plan, const PlanOptions& options, bool haveModel,
                   Problems& problems) {
    if (options.policies.empty()) return;
    for (const std::string& file : options.policies)
        attemptAt(problems, {file}, [&] { plan.policies.push_back(provenance::readPolicy(file)); });
    // Weights are hashed only where a policy lists some: of large models that takes a minute.
    const bool hash = std::any_of(plan.policies.begin(), plan.policies.end(),
                                  [](const auto& policy) { return !policy.weights.empty(); });
    attemptAt(problems, plan.shot.place("model.path"), [&] {
        const provenance::PolicySubject subject = subjectOf(plan, haveModel, hash);
        for (const provenance::Policy& policy : plan.policies)
            provenance::checkPolicy(policy, subject, problems);
    });
}

}  // namespace derrumbe::render
