#include "model/weights/dtypes.h"
#include "model/weights/tensor_source.h"

namespace derrumbe::model {

namespace {

class MemorySource : public TensorSource {
  public:
    explicit MemorySource(std::map<std::string, at::Tensor> tensors)
        : tensors_(std::move(tensors)) {
        for (const auto& [name, tensor] : tensors_)
            infos_[name] = {dtypeName(tensor.scalar_type()), tensor.sizes().vec(), "memory",
                            static_cast<int64_t>(tensor.nbytes())};
    }

    const std::map<std::string, TensorInfo>& tensors() const override { return infos_; }
    std::vector<std::string> files() const override { return {}; }

    at::Tensor read(const std::string& name) const override {
        const auto found = tensors_.find(name);
        if (found == tensors_.end())
            throw Error(ExitCode::Model, "no tensor is named '" + name + "'");
        return found->second;
    }

  private:
    std::map<std::string, at::Tensor> tensors_;
    std::map<std::string, TensorInfo> infos_;
};

}  // namespace

std::unique_ptr<TensorSource> memorySource(std::map<std::string, at::Tensor> tensors) {
    return std::make_unique<MemorySource>(std::move(tensors));
}

}  // namespace derrumbe::model
