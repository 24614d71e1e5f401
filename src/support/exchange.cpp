#include "support/exchange.h"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <cstring>

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe {

bool exchangeNames(const std::filesystem::path& a, const std::filesystem::path& b) {
#ifdef RENAME_EXCHANGE
    if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return true;
    if (errno != EINVAL && errno != ENOSYS)
        throw Error(ExitCode::Output, cat("cannot be replaced: ", std::strerror(errno)),
                    {b.string()});
#else
    static_cast<void>(a);
    static_cast<void>(b);
#endif
    return false;
}

}  // namespace derrumbe
