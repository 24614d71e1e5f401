#include "provenance/policy.h"

#include "../check.h"
#include "../targets.h"

namespace derrumbe::fuzz {

void policy(const std::string& bytes) {
    const std::filesystem::path path = scratch() / "policy.yaml";
    writeScratch(path, bytes);
    accepted(ExitCode::Usage, [&] {
        const provenance::Policy policy = provenance::readPolicy(path);
        Problems problems;
        provenance::PolicySubject subject;
        subject.usageJson = R"({"talent": "none", "approval": {"reference": "A-1"}})";
        subject.models = {{"mini", "Apache-2.0", "", false}};
        provenance::checkPolicy(policy, subject, problems);
    });
}

}  // namespace derrumbe::fuzz
