#include "render/state.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "model/weights/safetensors.h"
#include "provenance/digest.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace fs = std::filesystem;

namespace {

template <class Number = int>
Number numberOf(const std::map<std::string, std::string>& metadata, const std::string& key) {
    const auto found = metadata.find(key);
    Number value = -1;
    if (found != metadata.end())
        std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
    return value;
}

/// What a sampler remembers after `step` of `steps` (model/sampling: UniPC of order 2 keeps the
/// last two predictions and the sample before the step, Euler nothing).
bool isWhole(const DenoiseState& whole, const SamplerPlan& sampler) {
    const model::SamplerState& state = whole.sampler;
    if (whole.cache.velocity.defined() != (sampler.cache > 0)) return false;
    if (state.step < 1 || state.step > sampler.steps) return false;
    if (sampler.scheduler != "unipc") return state.history.empty() && !state.last.defined();
    const int order = std::min({2, sampler.steps - (state.step - 1), state.step});
    return static_cast<int>(state.history.size()) == std::min(2, state.step) &&
           state.last.defined() && state.lastOrder == order;
}

/// The tensors of a state, by their names in the file.
std::map<std::string, at::Tensor> tensorsOf(const DenoiseState& state) {
    std::map<std::string, at::Tensor> tensors{{"latents", state.latents}};
    for (size_t i = 0; i < state.sampler.history.size(); ++i)
        tensors[cat("history.", i)] = state.sampler.history[i];
    if (state.sampler.last.defined()) tensors["last"] = state.sampler.last;
    if (state.cache.velocity.defined()) {
        tensors["cache.latents"] = state.cache.latents;
        tensors["cache.velocity"] = state.cache.velocity;
    }
    return tensors;
}

/// With every digit, so that it comes back as it was.
std::string exactText(double value) {
    std::array<char, 32> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

/// Of everything that the next steps depend on: a file that two renders mixed, or that a disk
/// damaged, is none of ours.
std::string digestOf(const DenoiseState& state, const std::string& contentHash) {
    provenance::Sha256 hash;
    hash.update(cat(contentHash, " ", state.sampler.step, " ", state.sampler.lastOrder, " ",
                    exactText(state.cache.rate), " ", state.cache.reused, "\n"));
    for (const auto& [name, tensor] : tensorsOf(state)) {
        const at::Tensor plain = tensor.to(at::kCPU).contiguous();
        hash.update(cat(name, " ", plain.nbytes(), "\n"))
            .update(plain.const_data_ptr(), plain.nbytes());
    }
    return hash.hex();
}

}  // namespace

StateStore::StateStore(const fs::path& outputFolder, const std::string& contentHash,
                       const std::string& pass)
    : folder_(outputFolder / ".derrumbe" / contentHash.substr(0, 32)),
      file_(folder_ / (pass + ".safetensors")),
      contentHash_(contentHash) {}

void StateStore::save(const DenoiseState& state) const {
    const auto write = [&] {
        model::writeSafetensors(file_, tensorsOf(state),
                                {{"step", std::to_string(state.sampler.step)},
                                 {"history", std::to_string(state.sampler.history.size())},
                                 {"last_order", std::to_string(state.sampler.lastOrder)},
                                 {"cache_rate", exactText(state.cache.rate)},
                                 {"cache_reused", std::to_string(state.cache.reused)},
                                 {"sha256", digestOf(state, contentHash_)}});
    };
    try {
        write();
    } catch (const Error&) {
        // Another task of the same shot may have finished and removed the folder meanwhile.
        write();
    }
}

std::optional<DenoiseState> StateStore::load(const at::Tensor& noise,
                                             const SamplerPlan& sampler) const {
    std::error_code error;
    if (!fs::exists(file_, error)) return std::nullopt;
    try {
        const auto source = model::openSafetensors(file_);
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
        const int history = std::min(numberOf(source->metadata(), "history"), state.sampler.step);
        for (int i = 0; i < history; ++i)
            state.sampler.history.push_back(sized(cat("history.", i)));
        if (source->tensors().count("last")) state.sampler.last = sized("last");
        if (source->tensors().count("cache.velocity")) {
            state.cache.latents = sized("cache.latents");
            state.cache.velocity = sized("cache.velocity");
        }
        state.cache.rate = numberOf<double>(source->metadata(), "cache_rate");
        state.cache.reused = numberOf(source->metadata(), "cache_reused");
        const auto digest = source->metadata().find("sha256");
        if (!isWhole(state, sampler) || digest == source->metadata().end() ||
            digest->second != digestOf(state, contentHash_))
            return std::nullopt;
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
