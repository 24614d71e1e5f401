#include "cli/golden_file.h"

#include <catch2/catch.hpp>
#include <limits>

#include "support/atomic_file.h"
#include "support/folders.h"

using namespace derrumbe;
using namespace derrumbe::cli;

namespace {

GoldenFile golden() {
    GoldenFile file;
    file.frames = "1001-1003";
    file.pattern = "c.####.exr";
    file.processor = "cpu AVX512";
    file.builder = "derrumbe 1";
    file.model = "mini 0.1";
    file.threads = 2;
    file.inputs = {{"plates/p.1001.exr", std::string(64, 'a'), "plate", {}, 0}};
    file.tolerances = defaultTolerances();
    return file;
}

}  // namespace

TEST_CASE("golden.json is read as it was written", "[golden]") {
    const TemporaryFolder folder("test");
    const GoldenFile file = golden();
    writeTextAtomically(folder.path() / "golden.json", goldenJson(file));
    Problems problems;
    const GoldenFile again = readGolden(folder.path() / "golden.json", problems);
    CHECK(problems.list().empty());
    CHECK(goldenJson(again) == goldenJson(file));
    CHECK(again.inputs.at(0).role == "plate");
    CHECK(again.tolerances.at("same").maxError == 0.0);
    CHECK_FALSE(again.tolerances.at("cuda").maxError);
}

TEST_CASE("a processor has the tolerance of the most words that fit", "[golden]") {
    GoldenFile file = golden();
    file.tolerances = {{"same", {.maxError = 0, .flip = {}, .psnr = {}}},
                       {"cpu", {.maxError = 1, .flip = {}, .psnr = {}}},
                       {"cuda NVIDIA", {.maxError = 2, .flip = {}, .psnr = {}}},
                       {"cuda NVIDIA H100", {.maxError = 3, .flip = {}, .psnr = {}}}};
    const auto error = [&](const char* kind) { return file.toleranceFor(kind)->maxError.value(); };
    CHECK(error("cpu AVX512") == 0);
    CHECK(error("cpu AVX2") == 1);
    CHECK(error("cuda NVIDIA L40S sm_89") == 2);
    CHECK(error("cuda NVIDIA H100 80GB HBM3 sm_90") == 3);
    CHECK(file.toleranceFor("cuda NVIDIAX") == nullptr);
    CHECK(file.toleranceFor("cuda") == nullptr);
    CHECK(file.toleranceFor("mps") == nullptr);
    // Without an entry of its own the kind that made the frames is one like others.
    file.tolerances.erase("same");
    CHECK(error("cpu AVX512") == 1);
}

TEST_CASE("a tolerance holds where every limit of it does", "[golden]") {
    FrameResult result;
    result.comparison.maxError = 0.1;
    result.comparison.psnr = 45;
    result.flip = 0.02;
    const auto holds = [&](std::optional<double> maxError, std::optional<double> flip,
                           std::optional<double> psnr) {
        return Tolerance{maxError, flip, psnr}.holds(result);
    };
    CHECK(holds(0.1, 0.02, 45));
    CHECK_FALSE(holds(0.09, 0.02, 45));
    CHECK_FALSE(holds(0.1, 0.01, 45));
    CHECK_FALSE(holds(0.1, 0.02, 46));
    CHECK(holds({}, 0.5, {}));
    result.comparison.notFinite = 1;
    CHECK_FALSE(holds({}, 0.5, {}));
    result.comparison.notFinite = 0;
    result.comparison.mismatch = "sizes differ";
    CHECK_FALSE(holds({}, 0.5, {}));
    result.comparison.mismatch.clear();
    result.flip.reset();
    CHECK_FALSE(holds({}, 0.5, {}));
}

TEST_CASE("what is wrong with golden.json is said at once", "[golden]") {
    const TemporaryFolder folder("test");
    const auto problemsOf = [&](const std::string& text) {
        writeTextAtomically(folder.path() / "golden.json", text);
        Problems problems;
        readGolden(folder.path() / "golden.json", problems);
        return problems.list();
    };
    for (const char* none : {"", "{", "[]", "3", "{}", "{\"version\": 2}", "{\"version\": \"1\"}"})
        CHECK(problemsOf(none).size() == 1);
    CHECK(problemsOf("{\"version\": 1}").size() == 8);
    std::string text = goldenJson(golden());
    const auto with = [&](const std::string& what, const std::string& instead) {
        std::string changed = text;
        const size_t at = changed.find(what);
        REQUIRE(at != std::string::npos);
        return problemsOf(changed.replace(at, what.size(), instead));
    };
    CHECK(with("\"1001-1003\"", "\"1001-\"").size() == 1);
    CHECK(with("\"c.####.exr\"", "\"/etc/c.####.exr\"").size() == 1);
    CHECK(with("\"max_error\": 0.0", "\"max_error\": -1").size() == 1);
    CHECK(with("\"max_error\": 0.0", "\"max_error\": \"0\"").size() == 1);
    CHECK(with("\"max_error\": 0.0", "").size() == 1);
    CHECK(with("\"threads\": 2", "\"threads\": 1e9").size() == 1);
    CHECK(with("\"plate\"", "7").size() == 1);
    CHECK(with(std::string(64, 'a'), "aa").size() == 1);
    Problems problems;
    readGolden(folder.path() / "none.json", problems);
    REQUIRE(problems.list().size() == 1);
    CHECK(problems.list()[0].code == ExitCode::Input);
}
