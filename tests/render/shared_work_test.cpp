#include "render/shared_work.h"

#include <catch2/catch.hpp>

#include "shot_folder.h"
#include "support/processor.h"

using namespace derrumbe;
using namespace derrumbe::render;

namespace {

/// Which parts are made again for a shot with those overrides: m(odel), i(nputs), p(rompts),
/// c(onditioning), r(econstruction).
std::string madeAgain(const ShotFolder& shot, const std::vector<std::string>& overrides) {
    Problems problems;
    const SharedKeys before = sharedKeys(shot.plan(problems)),
                     after = sharedKeys(shot.plan(problems, overrides));
    problems.throwIfErrors();
    std::string parts;
    if (before.model != after.model) parts += 'm';
    if (before.inputs != after.inputs) parts += 'i';
    if (before.prompts != after.prompts) parts += 'p';
    if (before.conditioning != after.conditioning) parts += 'c';
    if (before.reconstruction != after.reconstruction) parts += 'r';
    return parts;
}

}  // namespace

TEST_CASE("takes share what their difference has no part in", "[shared]") {
    const ShotFolder shot;
    CHECK(madeAgain(shot, {"shot.take=2", "sampler.seed=9", "output.compression=piz"}) == "");
    CHECK(madeAgain(shot, {"sampler.steps=3", "sampler.shift=2", "detail=off", "seam=off"}) == "");
    CHECK(madeAgain(shot, {"prompt=smoke"}) == "p");
    CHECK(madeAgain(shot, {"sampler.guidance=1", "negative_prompt=text"}) == "p");
    CHECK(madeAgain(shot, {"beats=[{from: 3, prompt: settling}]"}) == "p");
    CHECK(madeAgain(shot, {"grain=off"}) == "i");
    CHECK(madeAgain(shot, {"matte_fill=grey"}) == "c");
    CHECK(madeAgain(shot, {"holdout={path: m.####.exr, invert: true}"}) == "");
    CHECK(madeAgain(shot, {"beats=[{from: 3, prompt: dust, matte: {path: m.####.exr}}]"}) == "p");
    CHECK(madeAgain(shot, {"strength=0.5"}) == "");
    CHECK(madeAgain(shot, {"guides=[{type: flow, path: p.####.exr}]"}) == "ic");
    CHECK(madeAgain(shot, {"matte.grow=2"}) == "icr");
    CHECK(madeAgain(shot, {"onset=3"}) == "icr");
    CHECK(madeAgain(shot, {"region=full"}) == "icr");
    CHECK(madeAgain(shot, {"model.dtype=bfloat16"}) == "mipcr");
    if (bfloat16Products() != Bfloat16Products::None)
        CHECK(madeAgain(shot, {"model.vae_dtype=bfloat16"}) == "mipcr");
    CHECK(madeAgain(shot, {"model.weights=int8"}) == "m");
    CHECK(madeAgain(shot, {"model.products=fp8"}) == "m");
}

TEST_CASE("a reused value is made anew for another key alone", "[shared]") {
    Reused<int> value;
    int made = 0;
    const auto make = [&] { return ++made; };
    CHECK(value.get("a", make) == 1);
    CHECK(value.get("a", make) == 1);
    CHECK(value.get("b", make) == 2);
    CHECK(value.get("a", make) == 3);
}
