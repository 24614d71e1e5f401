#include <cstdio>
#include <exception>
#include <new>

#include "cli/commands.h"
#include "support/error.h"
#include "support/log.h"

using derrumbe::ExitCode;

namespace {

int report(ExitCode code, const std::vector<derrumbe::Problem>& problems) {
    for (const derrumbe::Problem& problem : problems) {
        const std::string text = problem.text() + "\n";
        std::fputs(text.c_str(), stderr);
    }
    return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return static_cast<int>(derrumbe::cli::run(argc, argv));
    } catch (const derrumbe::Error& error) {
        return report(error.code(), error.problems());
    } catch (const std::bad_alloc&) {
        return report(
            ExitCode::Memory,
            {{ExitCode::Memory, "out of memory; `derrumbe plan` says what a render needs"}});
    } catch (const std::exception& error) {
        return report(ExitCode::Internal,
                      {{ExitCode::Internal,
                        std::string("internal error, please report it: ") + error.what()}});
    }
}
