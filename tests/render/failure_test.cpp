#include <ATen/ATen.h>
#include <catch2/catch.hpp>
#include <new>
#include <stdexcept>
#include <system_error>

#include "render/failure.h"
#include "render/machine_speed.h"
#include "render/processor.h"

using namespace derrumbe;
using namespace derrumbe::render;
using Catch::Matchers::Contains;

namespace {

template <class Work>
Error errorOf(const Work& work) {
    try {
        work();
    } catch (const std::exception& failure) {
        return asError(failure);
    }
    FAIL("nothing was thrown");
    return {ExitCode::Done, ""};
}

}  // namespace

TEST_CASE("memory that ran out is told from a bug, whoever throws", "[failure]") {
    CHECK(errorOf([] { at::empty({int64_t{1} << 46}, at::kFloat); }).code() == ExitCode::Memory);
    CHECK(errorOf([] { throw std::bad_alloc(); }).code() == ExitCode::Memory);
    const auto noThread = std::make_error_code(std::errc::resource_unavailable_try_again);
    CHECK(errorOf([&] { throw std::system_error(noThread); }).code() == ExitCode::Memory);
    const Error bug = errorOf([] { at::zeros({2}).view({3}); });
    CHECK(bug.code() == ExitCode::Internal);
    CHECK_THAT(bug.what(), Contains("please report it"));
    CHECK(errorOf([] { throw std::runtime_error("x"); }).code() == ExitCode::Internal);
    const Error ours = errorOf([] { throw Error(ExitCode::Input, "no plate", {"a.yaml", 3, 1}); });
    CHECK(ours.code() == ExitCode::Input);
    CHECK(ours.problems().front().place.line == 3);
}

TEST_CASE("a card that is not there is a wrong command line", "[device]") {
    CHECK(chooseDevice("auto", 0) == "cpu");
    CHECK(chooseDevice("auto", 2) == "cuda");
    CHECK(chooseDevice("cuda:1", 2) == "cuda:1");
    CHECK(chooseDevice("cuda:01", 2) == "cuda:1");
    for (const char* asked :
         {"cuda:2", "cuda:300", "cuda:99999999999999999999", "cuda:-1", "cuda:", "gpu"}) {
        const Error error = errorOf([&] { chooseDevice(asked, 2); });
        CHECK(error.code() == ExitCode::Usage);
        CHECK_THAT(error.what(), Contains(asked));
    }
    CHECK(errorOf([] { chooseDevice("cuda", 0); }).code() == ExitCode::Usage);
}

TEST_CASE("the kind of processor names what changes the order of sums", "[device]") {
    CHECK_THAT(processorKind("cpu"), Catch::Matchers::StartsWith("cpu "));
    CHECK(Card{"NVIDIA H100 80GB HBM3", 9, 0}.text() == "NVIDIA H100 80GB HBM3 sm_90");
    CHECK(accelerators("cpu").empty());
    CHECK(accelerators("cuda:0").size() == 1);
}
