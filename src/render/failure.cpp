#include "render/failure.h"

#include <c10/util/Exception.h>

#include <new>
#include <string>
#include <system_error>

namespace derrumbe::render {

namespace {

constexpr const char* remedy =
    "; `derrumbe plan` says what a render needs; --max-memory, a smaller region or shorter windows "
    "need less";

bool saysMemory(const std::string& what) {
    for (const char* sign : {"allocate memory", "out of memory", "ALLOC_FAILED"})
        if (what.find(sign) != std::string::npos) return true;
    return false;
}

}  // namespace

Error asError(const std::exception& failure) {
    if (const auto* error = dynamic_cast<const Error*>(&failure)) return *error;
    std::string what = failure.what();
    bool memory = dynamic_cast<const std::bad_alloc*>(&failure) != nullptr;
    // A thread that cannot be started: there was no memory for its stack, or no more may run.
    if (const auto* error = dynamic_cast<const std::system_error*>(&failure))
        memory = error->code() == std::errc::resource_unavailable_try_again ||
                 error->code() == std::errc::not_enough_memory;
    if (const auto* error = dynamic_cast<const c10::Error*>(&failure)) {
        what = error->what_without_backtrace();
        memory = dynamic_cast<const c10::OutOfMemoryError*>(error) != nullptr || saysMemory(what);
    }
    what = what.substr(0, what.find('\n'));
    return memory ? Error(ExitCode::Memory, "out of memory: " + what + remedy)
                  : Error(ExitCode::Internal, "internal error, please report it: " + what);
}

}  // namespace derrumbe::render
