#include "model/wan/wan_speed.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "model/wan/transformer.h"
#include "model/wan/vae.h"
#include "model/wan/wan_folder.h"
#include "model/wan/wan_model.h"
#include "model/weights/rounded.h"

namespace derrumbe::model {

namespace {

/// FLOPs of one run of a piece: enough that starting it does not count, about a tenth of a second.
double budget(at::Device device) {
    return device.is_cpu() ? 2e10 : 2e12;
}

/// A source's names and shapes with zeros for what they hold. Nothing is written to them, so that
/// the system gives them no memory of their own.
class Zeros : public TensorSource {
  public:
    Zeros(std::shared_ptr<const TensorSource> source, at::ScalarType dtype)
        : source_(std::move(source)), dtype_(dtype) {}

    const std::map<std::string, TensorInfo>& tensors() const override { return source_->tensors(); }
    std::vector<std::string> files() const override { return source_->files(); }
    at::Tensor read(const std::string& name) const override {
        return at::zeros(tensors().at(name).shape, dtype_);
    }

  private:
    std::shared_ptr<const TensorSource> source_;
    at::ScalarType dtype_;
};

/// Seconds that `work` takes: the median of five runs after one, of fewer where they take a second
/// together. One of them may fall into another program's turn.
template <class Work>
double secondsOf(const Work& work) {
    const auto run = [&] {
        const auto start = std::chrono::steady_clock::now();
        work().flatten()[0].template item<float>();  // waits for the device
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    run();
    std::vector<double> seconds;
    for (double all = 0; seconds.size() < 5 && all < 1; all += seconds.back())
        seconds.push_back(run());
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    std::nth_element(seconds.begin(), middle, seconds.end());
    return *middle;
}

/// The first layers of a transformer, and as many tokens as fit the budget.
struct Piece {
    TransformerConfig config;
    Description description;
    std::int64_t tokens = 0;

    double flops() const { return forwardFlops(description, tokens); }
};

Piece pieceOf(const WanFolder& folder, std::int64_t tokens, double most) {
    Piece piece{folder.transformer, folder.description, std::max<std::int64_t>(tokens, 1)};
    const auto keepLayers = [&](int count) {
        piece.config.layers = piece.description.layers = count;
        auto& vace = piece.config.vaceLayers;
        vace = folder.transformer.vaceLayers;
        std::erase_if(vace, [&](std::int64_t layer) { return layer >= count; });
        piece.description.vaceLayers = static_cast<int>(vace.size());
    };
    // Fewer tokens than these leave a processor idle.
    constexpr std::int64_t least = 128;
    keepLayers(1);
    while (piece.tokens > least && piece.flops() > most)
        piece.tokens = std::max(least, piece.tokens / 2);
    int layers = 1;
    while (layers < folder.description.layers && piece.flops() * 2 <= most)
        keepLayers(layers = std::min(2 * layers, folder.description.layers));
    return piece;
}

double denoisingSpeed(const WanFolder& folder, const SpeedTrial& trial) {
    const at::Device device(trial.device);
    const at::ScalarType dtype = computeDtype(trial.dtype, device);
    const std::int64_t prompts = promptsTogether(trial.guided ? 2 : 1, trial.tokens);
    const Piece piece =
        pieceOf(folder, trial.tokens, budget(device) / static_cast<double>(prompts));
    const auto zeros = std::make_shared<Zeros>(folder.transformerTensors, dtype);
    const bool packed = trial.rounding != Rounding::None;
    const WanTransformer transformer(
        Weights(rounded(zeros, trial.rounding, isBlockMatrix), device, dtype), piece.config,
        BlockWays{.packed = packed, .products = trial.products});
    // Nearly a square; no side is longer than rotary tables are.
    const auto side = std::clamp<std::int64_t>(std::llround(std::sqrt(piece.tokens)), 1, 64);
    const std::array<std::int64_t, 3> grid{(piece.tokens + side * side - 1) / (side * side), side,
                                           side};
    const auto latents = [&](std::int64_t channels) {
        return at::ones({1, channels, grid[0] * piece.config.patch[0],
                         grid[1] * piece.config.patch[1], grid[2] * piece.config.patch[2]});
    };
    const Description& about = folder.description;
    const at::Tensor image = about.imageTokens > 0
                                 ? at::ones({1, about.imageTokens, piece.config.imageDim})
                                 : at::Tensor();
    const TextContext text = transformer.prepareText(
        at::ones({prompts, std::min(about.textLength, kPromptTokens), piece.config.textDim}),
        image.defined() ? transformer.prepareImage(image) : ImageContext{});
    const at::Tensor x = latents(piece.config.inChannels),
                     control = piece.config.hasVace() ? latents(piece.config.vaceInChannels)
                                                      : at::Tensor();
    const std::vector<double> scales(piece.config.vaceLayers.size(), 1);
    const double flops =
        static_cast<double>(prompts) * forwardFlops(piece.description, grid[0] * grid[1] * grid[2]);
    return flops / secondsOf([&] { return transformer(x, 500, text, control, scales); });
}

/// A clip of the trial's size, or of one that fits the budget: the first frame, and two chunks of
/// those that follow.
at::Tensor clipFor(const WanFolder& folder, const SpeedTrial& trial, double most) {
    const Description& about = folder.description;
    const std::int64_t frames = 1 + 2 * about.temporalScale, multiple = about.sizeMultiple;
    const double fits = most / static_cast<double>(frames) /
                        std::max(about.vaeCost.encodeFlops, about.vaeCost.decodeFlops);
    std::int64_t height = trial.height, width = trial.width;
    while (static_cast<double>(height * width) > fits && std::max(height, width) > 2 * multiple) {
        std::int64_t& longer = height > width ? height : width;
        longer = longer / 2 / multiple * multiple;
    }
    return at::ones({1, 3, frames, height, width});
}

}  // namespace

Speeds measureWan(const std::filesystem::path& path, const SpeedTrial& trial) {
    const c10::InferenceMode inference;
    const WanFolder folder = readWanFolder(path);
    const at::Device device(trial.device);
    Speeds speeds;
    speeds.denoise = denoisingSpeed(folder, trial);
    const WanVae vae(
        Weights(std::make_shared<Zeros>(folder.vaeTensors, at::kFloat), device, at::kFloat),
        folder.vae, {}, trial.vaeBfloat16 ? at::kBFloat16 : at::kFloat);
    const at::Tensor clip = clipFor(folder, trial, budget(device));
    const auto samples = static_cast<double>(clip.numel() / 3);
    const Description::VaeCost& cost = folder.description.vaeCost;
    at::Tensor latents;
    speeds.encode =
        cost.encodeFlops * samples / secondsOf([&] { return latents = vae.encode(clip); });
    speeds.decode = cost.decodeFlops * samples / secondsOf([&] { return vae.decode(latents); });
    return speeds;
}

}  // namespace derrumbe::model
