#include "model/weights/lora.h"

#include "support/log.h"

namespace derrumbe::model {

namespace {

class MergedSource : public TensorSource {
  public:
    MergedSource(std::shared_ptr<const TensorSource> model, const std::vector<LoraFile>& loras,
                 OriginalName originalName)
        : model_(std::move(model)) {
        Problems problems;
        const ModuleNames names(*model_, originalName);
        for (const LoraFile& lora : loras) {
            try {
                add(lora, names, problems);
            } catch (const Error& error) {
                problems.add(error.problems());
            }
        }
        problems.throwIfErrors();
    }

    const std::map<std::string, TensorInfo>& tensors() const override { return model_->tensors(); }

    std::string nameInFile(const std::string& name) const override {
        return model_->nameInFile(name);
    }

    std::vector<std::string> files() const override {
        std::vector<std::string> files = model_->files();
        for (const auto& lora : files_) files.push_back(lora->files().front());
        return files;
    }

    at::Tensor read(const std::string& name) const override {
        const at::Tensor stored = model_->read(name);
        const auto found = changes_.find(name);
        if (found == changes_.end()) return stored;
        // A copy, whatever the dtype: what was read may be the file itself.
        at::Tensor merged = stored.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
        for (const Change& change : found->second) merge(change, merged);
        return merged;
    }

    std::shared_ptr<const PackedMatrix> packed(const std::string& name) const override {
        std::shared_ptr<const PackedMatrix> stored = model_->packed(name);
        const auto found = changes_.find(name);
        if (found == changes_.end()) return stored;
        return std::make_shared<MergedMatrix>(std::move(stored), found->second);
    }

  private:
    struct Change {
        std::shared_ptr<const SafetensorsSource> file;
        LoraUpdate update;
        double strength = 1;
    };

    /// Merged whenever it is unpacked: little work beside a product with many tokens.
    class MergedMatrix : public PackedMatrix {
      public:
        MergedMatrix(std::shared_ptr<const PackedMatrix> stored, std::vector<Change> changes)
            : PackedMatrix(stored->rows(), stored->columns()),
              stored_(std::move(stored)),
              changes_(std::move(changes)) {}

        at::Tensor unpackedRows(int64_t first, int64_t count) const override {
            return unpacked(at::kFloat).narrow(0, first, count);
        }
        /// As a whole: products of fewer rows may round otherwise.
        at::Tensor unpacked(at::ScalarType dtype) const override {
            at::Tensor merged = stored_->unpacked(at::kFloat);
            for (const Change& change : changes_) merge(change, merged);
            return merged.to(dtype);
        }
        /// A card would round the products otherwise than the processor that merges when all is
        /// unpacked.
        std::shared_ptr<const PackedMatrix> to(at::Device /*device*/) const override {
            return nullptr;
        }
        void readAhead() const override { stored_->readAhead(); }

      private:
        std::shared_ptr<const PackedMatrix> stored_;
        std::vector<Change> changes_;
    };

    void add(const LoraFile& lora, const ModuleNames& names, Problems& problems) {
        std::error_code code;
        if (std::filesystem::is_directory(lora.path, code))
            throw Error(ExitCode::Model, "a folder; a LoRA is one .safetensors file",
                        {lora.path.string()});
        const std::shared_ptr<const SafetensorsSource> file = openSafetensors(lora.path);
        for (LoraUpdate& update : readLora(*file, *model_, names, problems))
            if (lora.strength != 0)
                changes_[update.target].push_back({file, std::move(update), lora.strength});
        files_.push_back(file);
    }

    static at::Tensor values(const Change& change, const std::string& key) {
        at::Tensor tensor = change.file->read(key).to(at::kFloat);
        if (!tensor.isfinite().all().item<bool>())
            throw Error(ExitCode::Model, jsonQuote(key) + " holds values that are not finite",
                        {change.file->files().front()});
        return tensor;
    }

    static void merge(const Change& change, at::Tensor& merged) {
        const LoraUpdate& update = change.update;
        const double factor = change.strength * update.scale;
        if (!update.full.empty()) {
            merged.add_(values(change, update.full), factor);
            return;
        }
        // Convolutions are matrices over their kernel, too: [out, in * kt * kh * kw].
        const at::Tensor up = values(change, update.up).flatten(1);      // [out, r]
        const at::Tensor down = values(change, update.down).flatten(1);  // [r, in]
        merged.view({merged.size(0), -1}).addmm_(up, down, /*beta=*/1, /*alpha=*/factor);
    }

    std::shared_ptr<const TensorSource> model_;
    std::vector<std::shared_ptr<const SafetensorsSource>> files_;
    std::map<std::string, std::vector<Change>> changes_;  ///< by the model's tensor, in their order
};

}  // namespace

std::shared_ptr<const TensorSource> mergeLoras(std::shared_ptr<const TensorSource> model,
                                               const std::vector<LoraFile>& loras,
                                               OriginalName originalName) {
    if (loras.empty()) return model;
    return std::make_shared<MergedSource>(std::move(model), loras, originalName);
}

std::string loraLicense(const std::filesystem::path& file) {
    try {
        const auto source = openSafetensors(file);
        for (const char* key : {"modelspec.license", "license"}) {
            const auto found = source->metadata().find(key);
            if (found != source->metadata().end()) return found->second.substr(0, 200);
        }
    } catch (const Error&) {
        // Whoever merges it says what is wrong.
    }
    return "";
}

}  // namespace derrumbe::model
