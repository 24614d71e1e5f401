#include "model/weights/scaled_fp8.h"

#include "support/log.h"

namespace derrumbe::model {

namespace {

constexpr const char* kScales[] = {"scale_weight", "weight_scale"};
constexpr const char* kIgnored[] = {"scaled_fp8", "scale_input", "input_scale", "comfy_quant"};

/// Is it `part`, or a module's tensor of that name?
bool isCalled(const std::string& name, const std::string& part) {
    const size_t dot = name.rfind('.');
    return name.compare(dot == std::string::npos ? 0 : dot + 1, std::string::npos, part) == 0;
}

template <class List>
bool isOneOf(const std::string& name, const List& parts) {
    for (const char* part : parts)
        if (isCalled(name, part)) return true;
    return false;
}

std::string weightOf(const std::string& scale) {
    const size_t dot = scale.rfind('.');
    return (dot == std::string::npos ? "" : scale.substr(0, dot + 1)) + "weight";
}

/// How a weight's values see their scale: the weight is viewed so, and the scale multiplied on.
/// Empty where they do not fit.
std::vector<int64_t> scaledView(const std::vector<int64_t>& weight,
                                const std::vector<int64_t>& scale) {
    int64_t scales = 1, row = 1;
    for (const int64_t size : scale) scales *= size;
    for (size_t i = 1; i < weight.size(); ++i) row *= weight[i];
    if (weight.empty() || scales <= 0) return {};
    if (scales == 1) return {1, 1, weight[0] * row};
    if (scale[0] != weight[0]) return {};
    const int64_t blocks = scales / weight[0];
    if (row % blocks != 0) return {};
    return {weight[0], blocks, row / blocks};
}

class ScaledSource : public TensorSource {
  public:
    explicit ScaledSource(std::shared_ptr<const TensorSource> file) : file_(std::move(file)) {
        Problems problems;
        const auto& all = file_->tensors();
        for (const auto& [name, info] : all) {
            if (isOneOf(name, kIgnored)) continue;
            if (!isOneOf(name, kScales)) {
                infos_.emplace(name, info);
                continue;
            }
            const std::string target = weightOf(name);
            const auto weight = all.find(target);
            if (weight == all.end()) {
                problems.error(ExitCode::Model, jsonQuote(name) + " scales no weight", {info.file});
            } else if (scaledView(weight->second.shape, info.shape).empty()) {
                problems.error(ExitCode::Model,
                               jsonQuote(name) + " does not fit the shape of its weight",
                               {info.file});
            } else {
                scales_[target] = name;
            }
        }
        problems.throwIfErrors();
        // Packed formats (two numbers a byte) are left as they are: whoever asks says they do not
        // fit.
        for (const auto& scaled : scales_)
            if (TensorInfo& info = infos_[scaled.first]; info.dtype != "U8") {
                info.dtype = "F32";
                info.bytes += all.at(scaled.second).bytes;
            }
    }

    const std::map<std::string, TensorInfo>& tensors() const override { return infos_; }
    std::vector<std::string> files() const override { return file_->files(); }

    at::Tensor read(const std::string& name) const override {
        const at::Tensor stored = file_->read(name);
        const auto scale = scales_.find(name);
        if (scale == scales_.end()) return stored;
        const std::vector<int64_t> view = viewOf(name);
        return stored.to(at::kFloat)
            .view(view)
            .mul(factorsOf(name, view).unsqueeze(2))
            .view(infos_.at(name).shape);
    }

    std::shared_ptr<const PackedMatrix> packed(const std::string& name) const override {
        if (scales_.count(name) == 0) return file_->packed(name);
        return packedProduct(file_->read(name), factorsOf(name, viewOf(name)));
    }

  private:
    std::vector<int64_t> viewOf(const std::string& name) const {
        return scaledView(infos_.at(name).shape, file_->tensors().at(scales_.at(name)).shape);
    }

    at::Tensor factorsOf(const std::string& name, const std::vector<int64_t>& view) const {
        return file_->read(scales_.at(name)).to(at::kFloat).reshape({view[0], view[1]});
    }

    std::shared_ptr<const TensorSource> file_;
    std::map<std::string, TensorInfo> infos_;
    std::map<std::string, std::string> scales_;  ///< by the weight
};

}  // namespace

std::shared_ptr<const TensorSource> withScales(std::shared_ptr<const TensorSource> file) {
    for (const auto& item : file->tensors())
        if (isOneOf(item.first, kScales) || isOneOf(item.first, kIgnored))
            return std::make_shared<ScaledSource>(std::move(file));
    return file;
}

}  // namespace derrumbe::model
