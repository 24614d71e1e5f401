#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/memory_ways.h"
#include "model/weights/tensor_source.h"
#include "support/error.h"

namespace derrumbe::model {

/// A scoped view of a model's tensors from which layers are made: `Linear(weights /
/// "blocks.0.attn1.to_q", in, out)`. A tensor that is missing or of the wrong shape is recorded,
/// not thrown, so that all are reported at once: `tensor()` then returns zeros on the meta device
/// of the shape asked for, and the owner calls `throwIfProblems()` after building.
class Weights {
  public:
    /// @param device,dtype  where and how layers compute; `tensor()` converts to them.
    Weights(std::shared_ptr<const TensorSource> source, at::Device device, at::ScalarType dtype);

    Weights operator/(const std::string& scope) const;  ///< joins scopes with a dot
    Weights operator/(int index) const;

    bool has(const std::string& name) const;  ///< is scope.name there?
    /// scope.name in the compute dtype on the compute device. Shape must match exactly.
    at::Tensor tensor(const std::string& name, at::IntArrayRef shape) const;
    /// The same in a dtype of its own (float32 islands of a bf16 model).
    at::Tensor tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const;

    /// scope.name packed as its file holds it, on the compute device; null where these weights are
    /// not kept packed, where it is no smaller so than in the compute dtype, and where it cannot be
    /// unpacked on the device.
    std::shared_ptr<const PackedMatrix> packed(const std::string& name,
                                               at::IntArrayRef shape) const;
    /// A matrix of which a few rows are needed, packed on the CPU: of a mapped file nothing is read
    /// until they are.
    std::shared_ptr<const PackedMatrix> table(const std::string& name, at::IntArrayRef shape) const;

    const std::string& scope() const;
    at::Device device() const;
    at::ScalarType dtype() const;
    /// The same tensors and the same problem list, another compute dtype.
    Weights withDtype(at::ScalarType dtype) const;
    /// The same, reading a mapped file's values at once where they are used as they are, instead of
    /// when a layer comes to them: for a thread that prepares layers.
    Weights readingAhead() const;
    /// The same, with matrices that stay packed where that is smaller.
    Weights keepingPacked() const;
    /// The same, with layers that multiply in 8 bits (Linear) where their matrices are of that
    /// kind; None: without.
    Weights withProducts(Rounding kind) const;
    Rounding products() const;
    /// The same, with convolutions (causal_conv3d.h) that multiply in a dtype of their own.
    Weights withConvolutions(at::ScalarType dtype) const;
    at::ScalarType convolutions() const;  ///< dtype() where nothing else was said

    /// Throws Error(Model) listing every missing and misshapen tensor (at most 20 in full, then a
    /// count).
    void throwIfProblems() const;
    const std::vector<Problem>& problems() const;
    /// Names in the source that nobody asked for (unexpected tensors), for `models --check`.
    std::vector<std::string> unused() const;
    /// What the file calls the tensor of this full name.
    std::string nameInFile(const std::string& name) const;

  private:
    const TensorInfo* fitting(const std::string& full, at::IntArrayRef shape, bool floating) const;

    struct Shared;
    std::shared_ptr<Shared> shared_;
    std::string scope_;
    at::ScalarType dtype_;
    bool ahead_ = false, packs_ = false;
    Rounding products_ = Rounding::None;
    std::optional<at::ScalarType> convolutions_;
};

}  // namespace derrumbe::model
