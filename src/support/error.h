#pragma once
#include <stdexcept>
#include <string>
#include <vector>

namespace derrumbe {

/// The process exit codes of the contract. Only `main.cpp` turns one into an exit.
enum class ExitCode {
    Done = 0,
    Internal = 1,     ///< a bug: the message asks for a report
    Usage = 2,        ///< the command line or the shot file is wrong
    Input = 3,        ///< a plate, matte, guide or reference is missing, unreadable or does not fit
    Model = 4,        ///< the model or a LoRA is missing, unreadable or does not fit
    Output = 5,       ///< the disk is full or the output cannot be written
    Mismatch = 6,     ///< verify or compare: it does not match
    Memory = 33,      ///< out of memory, host or GPU
    Interrupted = 75  ///< SIGTERM/SIGINT with its state saved
};

/// Where in a text file something stands. Line and column count from 1; 0 means "not known".
struct Place {
    std::string file;
    int line = 0;
    int column = 0;
};

/// One thing that is wrong: what, where, and what to do about it, in one message.
struct Problem {
    ExitCode code = ExitCode::Usage;
    std::string message;
    Place place = {};
    bool warning = false;

    /// `file:line:column: error: message`, leaving out what is not known.
    std::string text() const;
};

/// The one exception type of the project. Carries one or more problems; its exit code is the first
/// error's.
class Error : public std::runtime_error {
  public:
    Error(ExitCode code, const std::string& message, Place place = {});
    explicit Error(std::vector<Problem> problems);

    ExitCode code() const { return problems_.front().code; }
    const std::vector<Problem>& problems() const { return problems_; }

  private:
    std::vector<Problem> problems_;
};

/// Gathers problems so that all are reported at once.
class Problems {
  public:
    void error(ExitCode code, std::string message, Place place = {});
    void warning(std::string message, Place place = {});
    void add(const std::vector<Problem>& problems);
    bool hasErrors() const;
    const std::vector<Problem>& list() const { return list_; }
    /// Throws Error with every problem gathered if one of them is an error.
    void throwIfErrors() const;

  private:
    std::vector<Problem> list_;
};

}  // namespace derrumbe
