#pragma once
#include <filesystem>
#include <string>

namespace derrumbe {

/// A new folder among the system's for temporary files ($TMPDIR), gone with this object and with
/// all that is in it.
class TemporaryFolder {
  public:
    /// @param purpose  stands in its name, `derrumbe_PURPOSE_` and random letters
    /// Throws Error(Output).
    explicit TemporaryFolder(const std::string& purpose);
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// Puts the folder `made` in the place of `at`, so that `at` is there whole, old or new, at every
/// moment where the file system can exchange names; elsewhere it is missing for the time between
/// two renames. Both lie in one folder. What `at` was before is removed. Throws Error(Output).
void replaceFolder(const std::filesystem::path& made, const std::filesystem::path& at);

}  // namespace derrumbe
