#include "model/weights/renamed.h"

#include "support/log.h"

namespace derrumbe::model {

namespace {

class RenamedSource : public TensorSource {
  public:
    RenamedSource(std::shared_ptr<const TensorSource> file, std::string prefix, NameTable names,
                  const std::map<std::string, std::vector<int64_t>>& shapes)
        : file_(std::move(file)), prefix_(std::move(prefix)), names_(std::move(names)) {
        Problems problems;
        for (const auto& [full, info] : file_->tensors()) {
            if (full.rfind(prefix_, 0) != 0) continue;
            const std::string ours = names_.ours(full.substr(prefix_.size()));
            TensorInfo& own = infos_.emplace(ours, info).first->second;
            const auto [place, first] = theirs_.emplace(ours, full);
            if (!first)
                problems.error(
                    ExitCode::Model,
                    jsonQuote(full) + " and " + jsonQuote(place->second) + " are the same tensor",
                    {info.file});
            const auto shape = shapes.find(ours);
            if (shape != shapes.end()) own.shape = shape->second;
        }
        problems.throwIfErrors();
    }

    const std::map<std::string, TensorInfo>& tensors() const override { return infos_; }
    std::vector<std::string> files() const override { return file_->files(); }
    std::string nameInFile(const std::string& name) const override {
        return file_->nameInFile(prefix_ + names_.theirs(name));
    }

    at::Tensor read(const std::string& name) const override {
        const auto found = theirs_.find(name);
        if (found == theirs_.end())
            throw Error(ExitCode::Model, "no tensor is named " + jsonQuote(name));
        return file_->read(found->second).reshape(infos_.at(name).shape);
    }
    std::shared_ptr<const PackedMatrix> packed(const std::string& name) const override {
        const auto found = theirs_.find(name);
        const auto& all = file_->tensors();
        if (found == theirs_.end() || all.at(found->second).shape != infos_.at(name).shape)
            return TensorSource::packed(name);
        return file_->packed(found->second);
    }

  private:
    std::shared_ptr<const TensorSource> file_;
    std::string prefix_;
    NameTable names_;
    std::map<std::string, TensorInfo> infos_;
    std::map<std::string, std::string> theirs_;
};

class JoinedSource : public TensorSource {
  public:
    JoinedSource(std::shared_ptr<const TensorSource> first,
                 std::shared_ptr<const TensorSource> second)
        : first_(std::move(first)), second_(std::move(second)), infos_(first_->tensors()) {
        infos_.insert(second_->tensors().begin(), second_->tensors().end());
    }

    const std::map<std::string, TensorInfo>& tensors() const override { return infos_; }
    at::Tensor read(const std::string& name) const override { return of(name).read(name); }
    std::shared_ptr<const PackedMatrix> packed(const std::string& name) const override {
        return of(name).packed(name);
    }
    std::string nameInFile(const std::string& name) const override {
        return of(name).nameInFile(name);
    }
    std::vector<std::string> files() const override {
        std::vector<std::string> files = first_->files();
        for (const std::string& file : second_->files()) files.push_back(file);
        return files;
    }

  private:
    const TensorSource& of(const std::string& name) const {
        const bool second = first_->tensors().count(name) == 0 && second_->tensors().count(name);
        return second ? *second_ : *first_;
    }

    std::shared_ptr<const TensorSource> first_, second_;
    std::map<std::string, TensorInfo> infos_;
};

}  // namespace

void NameTable::add(const std::string& ours, const std::string& theirs) {
    toOurs_[theirs] = ours;
    toTheirs_[ours] = theirs;
}

std::string NameTable::translated(const Map& map, const std::string& tensor) {
    const auto whole = map.find(tensor);
    if (whole != map.end()) return whole->second;
    const size_t dot = tensor.rfind('.');
    if (dot == std::string::npos) return tensor;
    const auto module = map.find(tensor.substr(0, dot));
    return module == map.end() ? tensor : module->second + tensor.substr(dot);
}

std::shared_ptr<const TensorSource> renamed(
    std::shared_ptr<const TensorSource> file, const std::string& prefix, const NameTable& names,
    const std::map<std::string, std::vector<int64_t>>& shapes) {
    return std::make_shared<RenamedSource>(std::move(file), prefix, names, shapes);
}

std::shared_ptr<const TensorSource> joined(std::shared_ptr<const TensorSource> first,
                                           std::shared_ptr<const TensorSource> second) {
    return std::make_shared<JoinedSource>(std::move(first), std::move(second));
}

}  // namespace derrumbe::model
