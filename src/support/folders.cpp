#include "support/folders.h"

#include <cstdlib>
#include <system_error>

#include "support/error.h"
#include "support/exchange.h"
#include "support/strings.h"

namespace derrumbe {

namespace fs = std::filesystem;

namespace {

void check(const std::error_code& error, const fs::path& at) {
    if (error)
        throw Error(ExitCode::Output, cat("cannot be replaced: ", error.message()), {at.string()});
}

}  // namespace

TemporaryFolder::TemporaryFolder(const std::string& purpose) {
    std::error_code code;
    std::string name =
        (fs::temp_directory_path(code) / cat("derrumbe_", purpose, "_XXXXXX")).string();
    if (code || ::mkdtemp(name.data()) == nullptr)
        throw Error(ExitCode::Output, "cannot make a temporary folder; set $TMPDIR", {name});
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

void replaceFolder(const fs::path& made, const fs::path& at) {
    std::error_code error;
    const bool there = fs::exists(fs::symlink_status(at, error));
    if (there && exchangeNames(made, at)) {
        fs::remove_all(made, error);
        return check(error, made);
    }
    const fs::path aside = made.string() + ".old";
    if (there) {
        fs::rename(at, aside, error);
        check(error, at);
    }
    fs::rename(made, at, error);
    check(error, at);
    fs::remove_all(aside, error);
    check(error, aside);
}

}  // namespace derrumbe
