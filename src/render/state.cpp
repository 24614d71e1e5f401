#include "render/state.h"

#include <charconv>

#include "model/weights/safetensors.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace fs = std::filesystem;

namespace {

constexpr const char* fileName = "denoise.safetensors";
constexpr int largestHistory = 8;

int numberOf(const std::map<std::string, std::string>& metadata, const std::string& key) {
    const auto found = metadata.find(key);
    int value = -1;
    if (found != metadata.end())
        std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
    return value;
}

}  // namespace

StateStore::StateStore(const fs::path& outputFolder, const std::string& contentHash)
    : folder_(outputFolder / ".derrumbe" / contentHash.substr(0, 32)) {}

void StateStore::save(const DenoiseState& state) const {
    std::map<std::string, at::Tensor> tensors{{"latents", state.latents}};
    for (size_t i = 0; i < state.sampler.history.size(); ++i)
        tensors[cat("history.", i)] = state.sampler.history[i];
    if (state.sampler.last.defined()) tensors["last"] = state.sampler.last;
    model::writeSafetensors(folder_ / fileName, tensors,
                            {{"step", std::to_string(state.sampler.step)},
                             {"history", std::to_string(state.sampler.history.size())},
                             {"last_order", std::to_string(state.sampler.lastOrder)}});
}

std::optional<DenoiseState> StateStore::load(const at::Tensor& noise, int steps) const {
    std::error_code error;
    if (!fs::exists(folder_ / fileName, error)) return std::nullopt;
    try {
        const auto source = model::openSafetensors(folder_ / fileName);
        const auto sized = [&](const std::string& name) {
            // The mapping must not outlive the file's next version.
            at::Tensor tensor = source->read(name).clone();
            if (tensor.sizes() != noise.sizes() || tensor.scalar_type() != at::kFloat)
                throw Error(ExitCode::Internal, "state of another size");
            return tensor;
        };
        DenoiseState state;
        state.latents = sized("latents");
        state.sampler.step = numberOf(source->metadata(), "step");
        state.sampler.lastOrder = numberOf(source->metadata(), "last_order");
        const int history = numberOf(source->metadata(), "history");
        if (state.sampler.step < 1 || state.sampler.step > steps || history < 0 ||
            history > largestHistory)
            return std::nullopt;
        for (int i = 0; i < history; ++i)
            state.sampler.history.push_back(sized(cat("history.", i)));
        if (source->tensors().count("last")) state.sampler.last = sized("last");
        return state;
    } catch (const Error&) {
        return std::nullopt;
    }
}

void StateStore::remove() const {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    // Only succeeds when no other shot keeps state there.
    fs::remove(folder_.parent_path(), ignored);
}

}  // namespace derrumbe::render
