#pragma once
#include <string>
#include <utility>
#include <vector>

#include "support/error.h"

namespace derrumbe {

enum class LogFormat { Text, Json };
enum class LogLevel { Info, Warning, Error };

/// Named values of a log line, e.g. {{"frame", "1009"}, {"stage", "denoise"}}.
using LogFields = std::vector<std::pair<std::string, std::string>>;

/// Writes to standard error: `derrumbe: text` or one JSON object a line (time, level, message,
/// fields). Warnings are kept, so that the provenance log can list them.
class Log {
  public:
    explicit Log(LogFormat format = LogFormat::Text) : format_(format) {}
    void info(const std::string& message, const LogFields& fields = {});
    void warning(const std::string& message, const LogFields& fields = {});
    /// One problem: as text `file:line:column: error: message`, as JSON an object with the fields
    /// `code` (the exit code of an error), `file`, `line` and `column` as far as they are known.
    void problem(const Problem& problem);
    const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    void line(LogLevel level, const std::string& message, const LogFields& fields);
    LogFormat format_;
    std::vector<std::string> warnings_;
};

/// UTC time as RFC 3339 with Z, e.g. 2026-11-23T12:00:00Z.
std::string utcNow();

/// `text` as a JSON string with its quotes; control characters and invalid UTF-8 are escaped.
std::string jsonQuote(const std::string& text);

}  // namespace derrumbe
