#include "model/weights/gguf.h"

#include <cstring>

#include "model/weights/dtypes.h"
#include "model/weights/gguf_vocabulary.h"
#include "model/weights/mapped_tensor.h"
#include "support/log.h"

namespace derrumbe::model {

namespace {

constexpr const char* kVocabulary = "spiece_model";

class GgufSource : public TensorSource {
  public:
    explicit GgufSource(const std::filesystem::path& file)
        : file_(file.string()), mapping_(std::make_shared<MappedFile>(file)) {
        GgufHeader header = parseGgufHeader({mapping_->data(), mapping_->size()}, file_);
        vocabulary_ = ggufVocabulary(header);
        for (GgufEntry& entry : header.entries) {
            infos_[entry.name] = {entry.type->dtype, entry.shape, file_};
            entries_[entry.name] = std::move(entry);
        }
        if (!vocabulary_.empty())
            infos_.emplace(kVocabulary,
                           TensorInfo{"U8", {static_cast<int64_t>(vocabulary_.size())}, file_});
    }

    const std::map<std::string, TensorInfo>& tensors() const override { return infos_; }
    std::vector<std::string> files() const override { return {file_}; }

    at::Tensor read(const std::string& name) const override {
        const auto found = entries_.find(name);
        if (found == entries_.end() && name == kVocabulary && !vocabulary_.empty()) {
            at::Tensor bytes = at::empty({static_cast<int64_t>(vocabulary_.size())}, at::kByte);
            std::memcpy(bytes.mutable_data_ptr(), vocabulary_.data(), vocabulary_.size());
            return bytes;
        }
        if (found == entries_.end())
            throw Error(ExitCode::Model, "no tensor is named " + jsonQuote(name), {file_});
        const GgufEntry& entry = found->second;
        if (entry.type->unpack != nullptr) {
            const std::byte* packed = mapping_->data() + entry.begin;
            at::Tensor values = dequantise(*entry.type, packed, entry.shape);
            mapping_->forget(packed, entry.end - entry.begin);
            return values;
        }
        at::ScalarType type{};
        dtypeFromName(entry.type->dtype, type);
        return mappedTensor(mapping_, entry.begin, type, entry.shape);
    }

  private:
    std::string file_, vocabulary_;
    std::shared_ptr<MappedFile> mapping_;
    std::map<std::string, GgufEntry> entries_;
    std::map<std::string, TensorInfo> infos_;
};

}  // namespace

std::unique_ptr<TensorSource> openGguf(const std::filesystem::path& file) {
    return std::make_unique<GgufSource>(file);
}

}  // namespace derrumbe::model
