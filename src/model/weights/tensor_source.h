#pragma once
#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/weights/packed_matrix.h"
#include "support/error.h"

namespace derrumbe::model {

/// What a file says of one tensor before any data is read.
struct TensorInfo {
    std::string dtype;  ///< as in the file: F32, BF16, F16, I64, ...
    std::vector<int64_t> shape;
    std::string file;   ///< the file that holds it, for messages
    int64_t bytes = 0;  ///< as it is held there, with what unpacks it
};

/// Named tensors, wherever they come from (safetensors, GGUF, memory in tests). Headers first; data
/// is mapped and only read when a tensor is asked for.
class TensorSource {
  public:
    virtual ~TensorSource() = default;
    virtual const std::map<std::string, TensorInfo>& tensors() const = 0;
    /// The tensor in its own dtype on the CPU; the memory may be a read-only mapping: never write
    /// to it.
    virtual at::Tensor read(const std::string& name) const = 0;
    /// A matrix as it is held, which unpacked is what `read` gives.
    virtual std::shared_ptr<const PackedMatrix> packed(const std::string& name) const {
        return packedNumbers(read(name));
    }
    /// The files behind it, for the log.
    virtual std::vector<std::string> files() const = 0;
    /// What the file calls the tensor that is `name` here (there or not), for messages.
    virtual std::string nameInFile(const std::string& name) const { return name; }
};

/// Tensors held in memory (tests, synthesised weights).
std::unique_ptr<TensorSource> memorySource(std::map<std::string, at::Tensor> tensors);

}  // namespace derrumbe::model
