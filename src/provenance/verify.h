#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "provenance/digest.h"
#include "provenance/statement.h"

namespace derrumbe::provenance {

/// A file that is not the one the log names.
struct Difference {
    enum class Kind { Missing, Changed, Unreadable };

    Kind kind = Kind::Changed;
    bool delivered = false;  ///< a delivered file, else an input
    std::string name;        ///< as the log says it
    std::string message;     ///< one line that names the file, for people
};

struct Verification {
    int files = 0;                        ///< looked at
    std::vector<Difference> differences;  ///< delivered files first, in the log's order
    bool good() const { return differences.empty(); }
};

/// Computes the digest of every file that the log names, relative to the log's folder, and lists
/// what differs. A log without delivered files, or one that says `failed`, is no difference here:
/// look at `outcome`.
/// @param inputs also look at plates, mattes and weights
Verification verifyFiles(const Statement& statement, const std::filesystem::path& folder,
                         bool inputs = true, const BytesRead& read = {});

}  // namespace derrumbe::provenance
