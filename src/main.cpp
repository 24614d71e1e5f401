#include <exception>
#include <new>
#include <string_view>

#include "cli/commands.h"
#include "support/end_process.h"
#include "support/error.h"
#include "support/interrupt.h"
#include "support/large_pages.h"
#include "support/log.h"

using namespace derrumbe;

namespace {

/// What `--log` asks for; looked for before anything is parsed, since the parsing may be what
/// fails.
LogFormat askedFormat(int argc, char** argv) {
    LogFormat format = LogFormat::Text;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i], next = i + 1 < argc ? argv[i + 1] : "";
        if (word == "--log=json" || (word == "--log" && next == "json")) format = LogFormat::Json;
        if (word == "--log=text" || (word == "--log" && next == "text")) format = LogFormat::Text;
    }
    return format;
}

int report(LogFormat format, ExitCode code, const std::vector<Problem>& problems) {
    Log log(format);
    for (const Problem& problem : problems) log.problem(problem);
    return static_cast<int>(code);
}

/// What the command line asks for; the exit code.
int answer(int argc, char** argv) {
    const LogFormat format = askedFormat(argc, argv);
    try {
        return static_cast<int>(cli::run(argc, argv));
    } catch (const Error& error) {
        return report(format, error.code(), error.problems());
    } catch (const std::bad_alloc&) {
        return report(
            format, ExitCode::Memory,
            {{ExitCode::Memory, "out of memory; `derrumbe plan` says what a render needs"}});
    } catch (const std::exception& error) {
        return report(format, ExitCode::Internal,
                      {{ExitCode::Internal,
                        std::string("internal error, please report it: ") + error.what()}});
    }
}

/// A render is asked to stop, not ended, from the moment on that any of its code can run: the
/// libraries' own initialisers, some tenths of a second, come after this.
void beforeLibraries(int argc, char** argv, char**) {
    if (argc > 1 && std::string_view(argv[1]) == "render") installInterruptHandler();
}

#ifndef __SANITIZE_ADDRESS__  // whose runtime has to be first
[[gnu::section(".preinit_array"), gnu::used]] void (*const atPreinit)(int, char**,
                                                                      char**) = beforeLibraries;
#endif

}  // namespace

int main(int argc, char** argv) {
    useLargePages();
    endProcess(answer(argc, argv));
}
