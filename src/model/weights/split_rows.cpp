#include "model/weights/split_rows.h"

namespace derrumbe::model {

namespace {

class SplitSource : public TensorSource {
  public:
    SplitSource(std::shared_ptr<const TensorSource> file, const std::string& joint,
                const std::vector<std::string>& parts)
        : file_(std::move(file)), joint_(joint), parts_(parts) {
        const auto count = static_cast<int64_t>(parts.size());
        for (const auto& [name, info] : file_->tensors()) {
            const size_t leaf = name.rfind('.');
            const std::string ending = "." + joint;
            const bool split = leaf != std::string::npos && leaf >= ending.size() &&
                               name.compare(leaf - ending.size(), ending.size(), ending) == 0 &&
                               !info.shape.empty() && info.shape[0] % count == 0;
            if (!split) {
                infos_.emplace(name, info);
                continue;
            }
            TensorInfo own = info;
            own.shape[0] /= count;
            own.bytes /= count;
            for (int64_t i = 0; i < count; ++i) {
                const std::string part =
                    name.substr(0, leaf - joint.size()) + parts[i] + name.substr(leaf);
                infos_.emplace(part, own);
                rows_[part] = {name, i * own.shape[0]};
            }
        }
    }

    const std::map<std::string, TensorInfo>& tensors() const override { return infos_; }
    std::vector<std::string> files() const override { return file_->files(); }
    at::Tensor read(const std::string& name) const override {
        const auto found = rows_.find(name);
        if (found == rows_.end()) return file_->read(name);
        return file_->read(found->second.joint)
            .narrow(0, found->second.first, infos_.at(name).shape[0]);
    }
    std::shared_ptr<const PackedMatrix> packed(const std::string& name) const override {
        return rows_.count(name) != 0 ? TensorSource::packed(name) : file_->packed(name);
    }
    std::string nameInFile(const std::string& name) const override {
        if (infos_.count(name) == 0) return file_->nameInFile(jointOf(name));
        const auto found = rows_.find(name);
        return file_->nameInFile(found == rows_.end() ? name : found->second.joint);
    }

  private:
    /// What would have to be there for a part that is not.
    std::string jointOf(const std::string& name) const {
        const size_t leaf = name.rfind('.');
        for (const std::string& part : parts_)
            if (leaf != std::string::npos && leaf > part.size() &&
                name.compare(leaf - part.size() - 1, part.size() + 1, "." + part) == 0)
                return name.substr(0, leaf - part.size()) + joint_ + name.substr(leaf);
        return name;
    }

    struct Rows {
        std::string joint;
        int64_t first = 0;
    };
    std::shared_ptr<const TensorSource> file_;
    std::string joint_;
    std::vector<std::string> parts_;
    std::map<std::string, TensorInfo> infos_;
    std::map<std::string, Rows> rows_;
};

}  // namespace

std::shared_ptr<const TensorSource> splitRows(std::shared_ptr<const TensorSource> file,
                                              const std::string& joint,
                                              const std::vector<std::string>& parts) {
    return std::make_shared<SplitSource>(std::move(file), joint, parts);
}

}  // namespace derrumbe::model
