#include "model/weights/gguf.h"

#include <cstring>

#include "model/weights/dtypes.h"
#include "model/weights/gguf_operators.h"
#include "model/weights/gguf_vocabulary.h"
#include "model/weights/mapped_tensor.h"
#include "support/log.h"

namespace derrumbe::model {

namespace {

constexpr const char* kVocabulary = "spiece_model";

/// A quantised matrix's blocks on a card.
class BlocksOnCard : public PackedMatrix {
  public:
    /// @param blocks [rows, bytes of a row's blocks] uint8
    BlocksOnCard(const GgufType& type, int64_t columns, at::Tensor blocks)
        : PackedMatrix(blocks.size(0), columns), type_(type), blocks_(std::move(blocks)) {}

    at::Tensor unpackedRows(int64_t first, int64_t count) const override {
        return dequantiseRows(type_, blocks_.narrow(0, first, count));
    }
    std::shared_ptr<const PackedMatrix> to(at::Device device) const override {
        return std::make_shared<BlocksOnCard>(type_, columns(), blocks_.to(device));
    }

  private:
    const GgufType& type_;
    at::Tensor blocks_;
};

/// A quantised matrix in the mapped file. Its pages stay with it.
class PackedBlocks : public PackedMatrix {
  public:
    PackedBlocks(std::shared_ptr<MappedFile> mapping, const GgufEntry& entry)
        : PackedMatrix(entry.shape[0], entry.shape[1]),
          mapping_(std::move(mapping)),
          type_(*entry.type),
          data_(mapping_->data() + entry.begin),
          bytes_(entry.end - entry.begin) {}
    ~PackedBlocks() override { mapping_->forget(data_, bytes_); }
    PackedBlocks(const PackedBlocks&) = delete;
    PackedBlocks& operator=(const PackedBlocks&) = delete;

    at::Tensor unpackedRows(int64_t first, int64_t count) const override {
        return dequantise(type_, data_ + first * (columns() / type_.values) * type_.bytes,
                          {count, columns()});
    }
    std::shared_ptr<const PackedMatrix> to(at::Device device) const override {
        return std::make_shared<BlocksOnCard>(
            type_, columns(),
            blocks().to(device, at::kByte, /*non_blocking=*/false, /*copy=*/true));
    }
    void readAhead() const override { touchPages(blocks()); }

  private:
    /// [rows, bytes of a row's blocks], in the file.
    at::Tensor blocks() const {
        const auto length = static_cast<int64_t>(bytes_);
        return at::from_blob(const_cast<std::byte*>(data_), {rows(), length / rows()},
                             at::TensorOptions(at::kByte));
    }

    std::shared_ptr<MappedFile> mapping_;
    const GgufType& type_;
    const std::byte* data_;
    size_t bytes_;
};

class GgufSource : public TensorSource {
  public:
    explicit GgufSource(const std::filesystem::path& file)
        : file_(file.string()), mapping_(std::make_shared<MappedFile>(file)) {
        GgufHeader header = parseGgufHeader({mapping_->data(), mapping_->size()}, file_);
        vocabulary_ = ggufVocabulary(header);
        for (GgufEntry& entry : header.entries) {
            infos_[entry.name] = {entry.type->dtype, entry.shape, file_,
                                  static_cast<int64_t>(entry.end - entry.begin)};
            entries_[entry.name] = std::move(entry);
        }
        if (!vocabulary_.empty())
            infos_.emplace(kVocabulary, TensorInfo{"U8",
                                                   {static_cast<int64_t>(vocabulary_.size())},
                                                   file_,
                                                   static_cast<int64_t>(vocabulary_.size())});
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

    std::shared_ptr<const PackedMatrix> packed(const std::string& name) const override {
        const auto found = entries_.find(name);
        if (found == entries_.end() || found->second.type->unpack == nullptr ||
            found->second.shape.size() != 2)
            return TensorSource::packed(name);
        return std::make_shared<PackedBlocks>(mapping_, found->second);
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
