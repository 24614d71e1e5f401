#pragma once
#include <filesystem>
#include <stdexcept>
#include <string>

#include "support/error.h"

namespace derrumbe::fuzz {

/// A property of the target; what does not hold is a finding.
inline void expect(bool holds, const std::string& what) {
    if (!holds) throw std::logic_error("does not hold: " + what);
}

/// Runs `read`, which may refuse the bytes with `refusal` and with nothing else; true where it took
/// them.
template <class Read>
bool accepted(ExitCode refusal, const Read& read) {
    try {
        read();
        return true;
    } catch (const Error& error) {
        expect(error.code() == refusal, std::string("the exit code of: ") + error.what());
        for (const Problem& problem : error.problems())
            expect(!problem.message.empty(), "a problem says what is wrong");
        return false;
    }
}

/// A folder of this process, gone at its end; $TMPDIR says where.
const std::filesystem::path& scratch();

/// Writes the whole file, its folder too.
void writeScratch(const std::filesystem::path& file, const std::string& bytes);

}  // namespace derrumbe::fuzz
