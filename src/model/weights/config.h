#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/error.h"

namespace derrumbe::model {

/// A model part's JSON configuration, read as diffusers does: unknown keys are ignored, a missing
/// or null key takes the default given. A value of the wrong type is recorded with the file's name
/// and the default is returned, so that one reading reports every fault; the reader ends with
/// `throwIfProblems()`. Copies share the problem list.
class Config {
  public:
    /// Throws Error(Model) where the file is missing, above 16 MiB, nested deeper than 32 or not a
    /// JSON object.
    static Config read(const std::filesystem::path& file);
    /// The same from text; `name` stands for the file in messages.
    static Config parse(const std::string& text, const std::string& name);

    bool has(const std::string& key) const;  ///< there, and not null
    std::vector<std::string> keys() const;

    /// A whole number in [low, high]; another one is a problem.
    int64_t integer(const std::string& key, int64_t fallback, int64_t low = 0,
                    int64_t high = 1 << 24) const;
    /// A finite number in [low, high].
    double number(const std::string& key, double fallback, double low = -1e30,
                  double high = 1e30) const;
    std::string text(const std::string& key, const std::string& fallback) const;
    bool flag(const std::string& key, bool fallback) const;
    /// Lists of at most 4096 values, each in [low, high].
    std::vector<int64_t> integers(const std::string& key, const std::vector<int64_t>& fallback,
                                  int64_t low = 0, int64_t high = 1 << 24) const;
    std::vector<double> numbers(const std::string& key, const std::vector<double>& fallback) const;
    std::vector<bool> flags(const std::string& key, const std::vector<bool>& fallback) const;
    std::vector<std::string> texts(const std::string& key,
                                   const std::vector<std::string>& fallback) const;
    /// The object under `key` (an empty one where it is missing), sharing the problem list.
    Config object(const std::string& key) const;

    const std::string& file() const;
    /// Records a problem of the reader's own about `key` (a combination that cannot be).
    void problem(const std::string& key, const std::string& message) const;
    const std::vector<Problem>& problems() const;
    void throwIfProblems() const;

  private:
    struct Node;
    std::shared_ptr<Node> node_;
};

}  // namespace derrumbe::model
