// The seconds that reading weights adds to a plan, from how their files lie.
#include "render/reading_time.h"

#include <catch2/catch.hpp>

using namespace derrumbe;
using namespace derrumbe::render;

namespace {

/// 8 GB of a transformer in eight blocks, 2 GB of other parts, four evaluations of both branches.
RenderPlan largeModel() {
    RenderPlan plan;
    plan.model.layers = 6;
    plan.model.vaceLayers = 2;
    plan.model.files = {{"t", 8'000'000'000, "weights", "transformer"},
                        {"e", 1'500'000'000, "weights", "text_encoder"},
                        {"v", 500'000'000, "weights", "vae"}};
    plan.sampler.guidance = 5;
    plan.cost.tokens = 1000;
    plan.cost.forwardFlops = 1e12;
    plan.work.denoise = 8e12;
    return plan;
}

}  // namespace

TEST_CASE("weights that are in memory take no time, others are hashed as they come", "[reading]") {
    const RenderPlan plan = largeModel();
    CHECK(readingTime(plan, {}).hashing == 0);
    const ReadingTime once = readingTime(plan, {0.25, 1e9, true});
    CHECK(once.hashing == Approx(7.5));
    CHECK(once.encoding == 0);
    CHECK(once.staying == 0);
    CHECK(once.streaming == 0);
}

TEST_CASE("weights that do not stay in memory are read where they work, blocks at each turn",
          "[reading]") {
    RenderPlan plan = largeModel();
    const ModelReading cold{0, 1e9, false};
    ReadingTime time = readingTime(plan, cold);
    CHECK(time.hashing == Approx(10));
    CHECK(time.encoding == Approx(2));
    CHECK(time.staying == Approx(8));
    CHECK(time.streaming == 0);

    plan.fitting.ways.transformerBlocks = 2;
    time = readingTime(plan, cold);
    CHECK(time.staying == Approx(2));
    CHECK(time.streaming == Approx(6 * 4));
    // More tokens than are evaluated for both branches at once: each reads the blocks.
    plan.cost.tokens = model::kBatchTokens;
    CHECK(readingTime(plan, cold).streaming == Approx(6 * 8));
    // A pair of experts: half of the files at each evaluation.
    plan.model.secondTransformerParameters = 1;
    CHECK(readingTime(plan, cold).streaming == Approx(3 * 8));
}
