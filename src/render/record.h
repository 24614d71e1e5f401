#pragma once
#include <string>
#include <vector>

#include "provenance/statement.h"
#include "render/deliver.h"
#include "render/plan.h"
#include "support/log.h"

namespace derrumbe::render {

/// Every file that the pixels depend on, once, with its role, not read yet: what hashInputs hashes.
std::vector<provenance::Dependency> inputFiles(const RenderPlan& plan,
                                               const std::string& ocioConfig);

/// Every file that the pixels depend on, hashed: plates, mattes, keyframes, references, OCIO
/// config, model, LoRAs.
std::vector<provenance::Dependency> hashInputs(const RenderPlan& plan,
                                               const std::string& ocioConfig);

/// One hash of everything that the pixels depend on: the resolved shot, the plan's decisions, the
/// digests of the inputs, the build and the kind of processor. "The same shot" means this hash.
std::string contentHash(const RenderPlan& plan, const std::vector<provenance::Dependency>& inputs);

/// Wall seconds of a render's stages, in their order.
class StageClock {
  public:
    void begin(const std::string& stage);
    std::vector<std::pair<std::string, double>> stages() const;
    double total() const;

  private:
    double now() const;
    std::vector<std::pair<std::string, double>> begins_;
};

/// What a render did, gathered while it runs, and its statement.
struct Record {
    std::string startedOn, invocationId;
    std::vector<provenance::Dependency> inputs;
    std::string contentSha256;
    std::vector<Delivered> frames;
    std::vector<provenance::Event> events;
    StageClock clock;
    double cpuSecondsBefore = 0;  ///< that the process had used when the render began: planning,
                                  ///< takes rendered before
    std::string requestedFrames;
    std::vector<std::string> processes;  ///< that shared the render, a line each; none: this alone
    bool severalMachines = false;        ///< they ran on
    std::vector<provenance::EarlierRun> earlierRuns;  ///< that wrote the log before this one

    /// Whether the record has an entry for that delivered file.
    bool has(const std::string& file) const;
    /// Adds the runs behind a log that this one is going to replace. Whether there was a new one.
    bool addRuns(const provenance::Statement& former);
    provenance::Statement statement(const RenderPlan& plan, provenance::Outcome outcome,
                                    const std::string& failure) const;
};

}  // namespace derrumbe::render
