#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdlib>

#include "support/end_process.h"

int main(int argc, char** argv) {
    const int code = Catch::Session().run(argc, argv);
    // Only where tests have used a GPU: everything else ends with its destructors.
    if (std::getenv("DERRUMBE_TEST_DEVICE") != nullptr) derrumbe::endProcess(code);
    return code;
}
