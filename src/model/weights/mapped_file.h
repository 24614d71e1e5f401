#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>

namespace derrumbe::model {

/// A file mapped read-only. Pages come from the disk as they are touched and belong to the page
/// cache, so several processes on one machine share a model's weights.
class MappedFile {
  public:
    /// Throws Error(Model) where it is missing, not a plain file, or cannot be mapped.
    explicit MappedFile(const std::filesystem::path& file);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    const std::byte* data() const { return data_; }
    size_t size() const { return size_; }

    /// Takes pages that are not needed for now out of this process; they stay in the page cache,
    /// and come back when they are touched again.
    void forget(const std::byte* data, size_t bytes) const;

  private:
    const std::byte* data_ = nullptr;
    size_t size_ = 0;
};

}  // namespace derrumbe::model
