#include "model/weights/rounded.h"

#include <c10/util/accumulate.h>

#include <algorithm>
#include <set>

namespace derrumbe::model {

namespace {

/// Bytes a number from which on rounding makes a matrix smaller; 8-bit files with scales have less.
constexpr double kSmall = 1.5;
constexpr int64_t kAtOnce = 1 << 18;  ///< numbers that are rounded at once

class RoundedSource : public TensorSource {
  public:
    RoundedSource(std::shared_ptr<const TensorSource> source, Rounding rounding,
                  const std::function<bool(const std::string&)>& which)
        : source_(std::move(source)), rounding_(rounding), infos_(source_->tensors()) {
        for (auto& [name, info] : infos_) {
            if (info.shape.size() != 2 || !which(name)) continue;
            const int64_t numbers = c10::multiply_integers(info.shape);
            if (static_cast<double>(info.bytes) < kSmall * static_cast<double>(numbers)) continue;
            info.bytes = numbers + info.shape[0] * static_cast<int64_t>(sizeof(float));
            rounded_.insert(name);
        }
    }

    const std::map<std::string, TensorInfo>& tensors() const override { return infos_; }
    at::Tensor read(const std::string& name) const override { return source_->read(name); }
    std::vector<std::string> files() const override { return source_->files(); }
    std::string nameInFile(const std::string& name) const override {
        return source_->nameInFile(name);
    }

    std::shared_ptr<const PackedMatrix> packed(const std::string& name) const override {
        if (rounded_.count(name) == 0) return source_->packed(name);
        const bool whole = rounding_ == Rounding::Int8;
        const double greatest = whole ? 127 : 448;
        const at::Tensor values = source_->read(name);
        const int64_t rows = values.size(0);
        // What stays is allocated first, and the rest is small: large temporaries between matrices
        // that stay would leave holes in the heap as large as all of them in float32.
        const at::Tensor numbers =
            at::empty(values.sizes(), whole ? at::kChar : at::kFloat8_e4m3fn);
        const at::Tensor factors = at::empty({rows, 1}, at::kFloat);
        const int64_t step = std::max<int64_t>(1, kAtOnce / std::max<int64_t>(1, values.size(1)));
        for (int64_t first = 0; first < rows; first += step) {
            const int64_t count = std::min(step, rows - first);
            const at::Tensor part = values.narrow(0, first, count).to(at::kFloat);
            const at::Tensor most = part.abs().amax({1}, /*keepdim=*/true);
            const at::Tensor factor = at::where(most.gt(0), most / greatest, at::ones_like(most));
            at::Tensor scaled = part / factor;
            if (whole) scaled.round_();
            numbers.narrow(0, first, count).copy_(scaled.clamp_(-greatest, greatest));
            factors.narrow(0, first, count).copy_(factor);
        }
        return packedProduct(numbers, factors);
    }

  private:
    std::shared_ptr<const TensorSource> source_;
    Rounding rounding_;
    std::map<std::string, TensorInfo> infos_;
    std::set<std::string> rounded_;
};

}  // namespace

std::shared_ptr<const TensorSource> rounded(std::shared_ptr<const TensorSource> source,
                                            Rounding rounding,
                                            const std::function<bool(const std::string&)>& which) {
    if (rounding == Rounding::None) return source;
    return std::make_shared<RoundedSource>(std::move(source), rounding, which);
}

}  // namespace derrumbe::model
