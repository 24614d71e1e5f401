// How fast a model works, asked without its weights.
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <string>

#include "model/speed.h"
#include "support/error.h"

using namespace derrumbe::model;
namespace fs = std::filesystem;

namespace {

const fs::path kFixtures = DERRUMBE_TEST_DATA;

void checkSpeeds(const fs::path& folder, const SpeedTrial& trial) {
    const Speeds speeds = measureSpeeds(folder, trial);
    for (const double speed : {speeds.encode, speeds.denoise, speeds.decode}) {
        CHECK(std::isfinite(speed));
        CHECK(speed > 0);
    }
}

}  // namespace

TEST_CASE("every kind of model can be timed, at any size", "[speed]") {
    int folders = 0;
    for (const fs::directory_entry& folder : fs::directory_iterator(kFixtures)) {
        if (!fs::exists(folder.path() / "model_index.json")) continue;
        ++folders;
        INFO(folder.path());
        checkSpeeds(folder.path(), {"cpu", "float32", 24, true, 32, 48});
        checkSpeeds(folder.path(), {"cpu", "bfloat16", 1, false, 32, 32});
        checkSpeeds(folder.path(), {"cpu", "float32", 24, true, 32, 48, Rounding::Int8});
        checkSpeeds(folder.path(),
                    {"cpu", "bfloat16", 24, true, 32, 48, Rounding::Fp8, Rounding::Fp8});
    }
    CHECK(folders > 5);
    // Larger than what is run of it, and than the rotary tables' sides.
    checkSpeeds(kFixtures / "pipeline_0", {"cpu", "float32", 200000, true, 720, 1280});
}

TEST_CASE("a folder that holds no model is not timed", "[speed]") {
    CHECK_THROWS_AS(measureSpeeds(kFixtures / "nothing_here", {}), derrumbe::Error);
}
