#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "support/error.h"

/// A studio's rules for generated shots, as a YAML file (configs/policies/README.md): what the
/// production has to answer in `provenance.usage`, which models may be used, and what needs a
/// written approval.
namespace derrumbe::provenance {

/// One question. Answers are compared without regard to case; `true` and `false` count as `yes`
/// and `no`.
struct PolicyQuestion {
    std::string key;                        ///< in the shot's `provenance.usage`
    std::string ask;                        ///< for who has to answer
    std::vector<std::string> accept;        ///< answers that clear it
    std::vector<std::string> withApproval;  ///< that clear it where there is an approval reference
    bool finalOnly = false;                 ///< not asked of temporary deliverables
};

struct Policy {
    std::string name;
    std::string guidance;  ///< what it follows: an address or a title; may be empty
    std::string file, sha256;
    std::vector<PolicyQuestion> questions;
    bool finalNeedsApproval = false;
    std::vector<std::string> licenses;  ///< of models and LoRAs; empty: any
    std::vector<std::string> weights;   ///< SHA-256 of models (as `derrumbe models` prints it) and
                                        ///< of LoRA files; empty: any
};

/// Throws Error(Usage) with everything that is wrong with the file.
Policy readPolicy(const std::filesystem::path& file);

/// A model folder or a LoRA file, as far as policies ask about it.
struct PolicyModel {
    std::string name, license;
    std::string sha256;  ///< may be empty where no policy lists weights
    bool lora = false;
};

/// What a policy is held against.
struct PolicySubject {
    std::string usageJson = "{}";  ///< `provenance.usage`
    bool final = true;             ///< the deliverable
    std::vector<PolicyModel> models;
    Place usagePlace, deliverablePlace, modelPlace;  ///< in the shot file
};

/// Adds an error (Usage) for each thing that is missing or refused.
void checkPolicy(const Policy& policy, const PolicySubject& subject, Problems& problems);

/// The reference of the written approval: `approval` of `provenance.usage`, a text, or `reference`
/// of a mapping there. Empty where there is none, or where it only says that there is none yet
/// (no, none, pending, tbd, todo, unknown).
std::string approvalReference(const std::string& usageJson);

}  // namespace derrumbe::provenance
