#include "support/end_process.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace derrumbe {

void endProcess(int code) {
    std::cout.flush();
    std::cerr.flush();
    std::fflush(nullptr);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    std::exit(code);
#else
    std::_Exit(code);
#endif
}

}  // namespace derrumbe
