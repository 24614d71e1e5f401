#pragma once
#include <optional>
#include <string>
#include <vector>

namespace derrumbe::render {

/// A card, as its driver describes it.
struct Card {
    std::string name;          ///< e.g. "NVIDIA H100 80GB HBM3"
    int major = 0, minor = 0;  ///< compute capability

    /// e.g. "NVIDIA H100 80GB HBM3 sm_90"
    std::string text() const;
};

/// The card that `device` (cuda or cuda:N) names; nothing where the driver does not tell.
std::optional<Card> describeCard(const std::string& device);

/// What results depend on beside the numbers: results are promised for one kind of processor, since
/// vector width and a card's kernels change the order of sums. The card's number has no say.
std::string processorKind(const std::string& device);

/// The accelerators that a render on `device` uses, for the log; none on a processor.
std::vector<std::string> accelerators(const std::string& device);

}  // namespace derrumbe::render
