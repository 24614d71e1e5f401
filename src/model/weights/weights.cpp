#include "model/weights/weights.h"

#include "model/weights/dtypes.h"
#include "support/strings.h"

namespace derrumbe::model {

struct Weights::Shared {
    std::shared_ptr<const TensorSource> source;
    at::Device device = at::kCPU;
    std::vector<Problem> problems;
    std::set<std::string> asked;
};

namespace {

std::string shapeText(at::IntArrayRef shape) {
    std::string text;
    for (const int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
    return "[" + text + "]";
}

std::string joined(const std::string& scope, const std::string& name) {
    return scope.empty() ? name : scope + "." + name;
}

}  // namespace

Weights::Weights(std::shared_ptr<const TensorSource> source, at::Device device,
                 at::ScalarType dtype)
    : shared_(std::make_shared<Shared>()), dtype_(dtype) {
    shared_->source = std::move(source);
    shared_->device = device;
}

Weights Weights::operator/(const std::string& scope) const {
    Weights inner = *this;
    inner.scope_ = joined(scope_, scope);
    return inner;
}

Weights Weights::operator/(int index) const {
    return *this / std::to_string(index);
}

bool Weights::has(const std::string& name) const {
    return shared_->source->tensors().count(joined(scope_, name)) != 0;
}

at::Tensor Weights::tensor(const std::string& name, at::IntArrayRef shape) const {
    return tensor(name, shape, dtype_);
}

/// What the source says of a tensor; none where it does not fit what is asked, which is recorded.
const TensorInfo* Weights::fitting(const std::string& full, at::IntArrayRef shape,
                                   bool floating) const {
    const auto& tensors = shared_->source->tensors();
    const auto found = tensors.find(full);
    const bool first = shared_->asked.insert(full).second;
    if (found == tensors.end()) {
        if (first)
            shared_->problems.push_back(
                {ExitCode::Model, nameInFile(full) + " " + shapeText(shape) + " is missing", {}});
        return nullptr;
    }
    const TensorInfo& info = found->second;
    if (at::IntArrayRef(info.shape) != shape) {
        shared_->problems.push_back({ExitCode::Model,
                                     nameInFile(full) + " is " + shapeText(info.shape) + ", " +
                                         shapeText(shape) + " was expected",
                                     {info.file}});
        return nullptr;
    }
    at::ScalarType stored = at::kFloat;
    if (dtypeFromName(info.dtype, stored) && !at::isFloatingType(stored) && floating) {
        shared_->problems.push_back(
            {ExitCode::Model,
             nameInFile(full) + " holds " + info.dtype + ", floating point was expected",
             {info.file}});
        return nullptr;
    }
    return &info;
}

at::Tensor Weights::tensor(const std::string& name, at::IntArrayRef shape,
                           at::ScalarType dtype) const {
    const std::string full = joined(scope_, name);
    const bool fits = fitting(full, shape, at::isFloatingType(dtype)) != nullptr;
    // Building on the meta device checks names, shapes and types and reads no data.
    if (!fits || shared_->device.is_meta())
        return at::empty(shape, at::TensorOptions(dtype).device(at::kMeta));
    const at::Tensor raw = shared_->source->read(full);
    const at::Tensor ready = raw.to(at::TensorOptions(dtype).device(shared_->device));
    if (ahead_ && ready.is_same(raw)) touchPages(ready);
    return ready;
}

std::shared_ptr<const PackedMatrix> Weights::packed(const std::string& name,
                                                    at::IntArrayRef shape) const {
    const std::string full = joined(scope_, name);
    if (!packs_ || shared_->device.is_meta()) return nullptr;
    const TensorInfo* info = fitting(full, shape, true);
    const int64_t plain = c10::multiply_integers(shape) * c10::elementSize(dtype_);
    if (info == nullptr || info->bytes >= plain) return nullptr;
    std::shared_ptr<const PackedMatrix> matrix = shared_->source->packed(full);
    if (!shared_->device.is_cpu()) matrix = matrix->to(shared_->device);
    if (matrix && ahead_) matrix->readAhead();
    return matrix;
}

std::shared_ptr<const PackedMatrix> Weights::table(const std::string& name,
                                                   at::IntArrayRef shape) const {
    const std::string full = joined(scope_, name);
    if (fitting(full, shape, true) == nullptr || shared_->device.is_meta()) return nullptr;
    return shared_->source->packed(full);
}

const std::string& Weights::scope() const {
    return scope_;
}
at::Device Weights::device() const {
    return shared_->device;
}
at::ScalarType Weights::dtype() const {
    return dtype_;
}

Weights Weights::withDtype(at::ScalarType dtype) const {
    Weights other = *this;
    other.dtype_ = dtype;
    return other;
}

Weights Weights::readingAhead() const {
    Weights other = *this;
    other.ahead_ = true;
    return other;
}

Weights Weights::keepingPacked() const {
    Weights other = *this;
    other.packs_ = true;
    return other;
}

Weights Weights::withConvolutions(at::ScalarType dtype) const {
    Weights other = *this;
    other.convolutions_ = dtype;
    return other;
}

at::ScalarType Weights::convolutions() const {
    return convolutions_.value_or(dtype_);
}

Weights Weights::withProducts(Rounding kind) const {
    Weights other = *this;
    other.products_ = kind;
    return other;
}

Rounding Weights::products() const {
    return products_;
}

void Weights::throwIfProblems() const {
    constexpr size_t kShown = 20;
    if (shared_->problems.empty()) return;
    if (shared_->problems.size() <= kShown) throw Error(shared_->problems);
    std::vector<Problem> shown(shared_->problems.begin(), shared_->problems.begin() + kShown);
    shown.push_back(
        {ExitCode::Model,
         cat("and ", shared_->problems.size() - kShown, " more tensors that do not fit"),
         {}});
    throw Error(shown);
}

const std::vector<Problem>& Weights::problems() const {
    return shared_->problems;
}

std::string Weights::nameInFile(const std::string& name) const {
    return shared_->source->nameInFile(name);
}

std::vector<std::string> Weights::unused() const {
    std::vector<std::string> names;
    for (const auto& item : shared_->source->tensors())
        if (shared_->asked.count(item.first) == 0) names.push_back(item.first);
    return names;
}

}  // namespace derrumbe::model
