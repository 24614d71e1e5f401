// Plans within a limit of memory.
#include "render/fitting.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "render/plan.h"
#include "render/shared_work.h"
#include "shot_folder.h"

using namespace derrumbe;
using namespace derrumbe::render;
using Catch::Contains;
using nlohmann::json;

namespace {

/// A plan as `makePlan` leaves it for a model of Wan-VACE 1.3B's dimensions, 81 frames of 480p.
RenderPlan largePlan(const std::string& dtype = "bfloat16") {
    RenderPlan plan;
    model::Description& m = plan.model;
    m.layers = 30;
    m.heads = 12;
    m.headSize = 128;
    m.ffn = 8960;
    m.vaceLayers = 15;
    m.transformerParameters = 2'153'972'032;
    m.vaeParameters = 126'892'531;
    m.textParameters = 5'680'910'336;
    m.textEmbeddingParameters = 1'050'148'864;
    m.textLayers = 24;
    m.vaeCost = {13'000, 22'000, {1'500, 500, 96}, {2'600, 500, 96}};
    plan.device = "cpu";
    plan.dtype = dtype;
    plan.region.width = 832;
    plan.region.height = 480;
    plan.clipFrames = 81;
    plan.windows = {{0, 21}};
    return plan;
}

/// In float32, with VAE and text encoder next to nothing beside the transformer.
RenderPlan transformerAlone() {
    RenderPlan plan = largePlan("float32");
    plan.model.vaeCost = {};
    plan.model.textParameters = plan.model.textEmbeddingParameters;
    return plan;
}

constexpr double kGiB = 1 << 30;

/// The plan within a limit, with `*refusal` what is said where nothing fits.
RenderPlan fitted(RenderPlan plan, double limit, std::string* refusal = nullptr) {
    Problems problems;
    const MemoryNeed need{81, plan.dtype == "float32" ? 4 : 2, 0, 1e8, 0};
    fitMemory(plan, need, static_cast<std::uint64_t>(limit), problems);
    if (refusal) *refusal = problems.list().empty() ? "" : problems.list().front().text();
    if (!problems.list().empty()) CHECK(problems.list().front().code == ExitCode::Memory);
    return plan;
}

}  // namespace

TEST_CASE("a limit that everything fits changes nothing", "[fitting]") {
    const RenderPlan plan = fitted(largePlan(), 64 * kGiB);
    CHECK(plan.fitting.ways == model::MemoryWays{});
    CHECK(plan.fitting.limit == std::uint64_t{64} << 30);
    CHECK(fittingTexts(plan).empty());
}

TEST_CASE("the less memory there is, the more goes; the estimate stays within the limit",
          "[fitting]") {
    const double whole = fitted(largePlan(), 64 * kGiB).peakBytes;
    std::string refusal;
    int before = model::transformerBlocks(largePlan().model), fits = 0;
    bool refused = false;
    for (double limit = whole; limit > kGiB / 4; limit *= 0.9) {
        const RenderPlan plan = fitted(largePlan(), limit, &refusal);
        if (!refusal.empty()) {
            refused = true;
            CHECK_THAT(refusal, Contains("--max-memory") && Contains("at least"));
            continue;
        }
        REQUIRE_FALSE(refused);  // less is never easier
        ++fits;
        CHECK(plan.peakBytes <= limit);
        const int stay = plan.fitting.ways.transformerBlocks;
        if (stay >= 0) {
            CHECK(stay <= before);
            before = stay;
        }
    }
    CHECK(fits > 2);
    CHECK(refused);
}

TEST_CASE("each part goes only where its own stage needs it", "[fitting]") {
    RenderPlan plan = largePlan();
    plan.model.vaeCost = {};  // encoding and decoding need little
    // Of the text encoder two blocks are in memory: it is more than twice the transformer, and asks
    // for no way of working in less.
    const model::Estimate estimate = model::estimate(plan.model, 81, 480, 832, 0, 2);
    CHECK(estimate.textBytes > 2 * 4.6e9 * 2 / 24);
    CHECK(estimate.textBytes < 1e9);
    CHECK(fitted(plan, estimate.peakBytes + 0.2e9).fitting.ways == model::MemoryWays{});
    // What denoises is not helped by tiles.
    const RenderPlan less = fitted(plan, 0.8 * estimate.peakBytes);
    CHECK(less.fitting.ways.transformerBlocks >= 0);
    CHECK(less.fitting.ways.exact());
}

TEST_CASE("matrices that are smaller in their file stay so before blocks are read at their turns",
          "[fitting]") {
    RenderPlan plan = transformerAlone();
    plan.model.transformerMatrices = {2'000'000'000, 2'000'000'000, 1536 * 8960};
    const double whole = model::estimate(plan.model, 81, 480, 832, 0, 4).denoiseBytes;
    const RenderPlan packed = fitted(plan, 0.8 * whole);
    CHECK(packed.fitting.ways.transformerPacked);
    CHECK(packed.fitting.ways.exact());
    CHECK(packed.fitting.ways.transformerBlocks == -1);
    CHECK(packed.cost.denoiseBytes < whole - 5e9);
    CHECK_THAT(fittingTexts(packed).back(), Contains("as small as their file has them"));
    // Where that is not enough they are packed and read.
    const RenderPlan streamed = fitted(plan, packed.peakBytes - 0.5 * kGiB);
    CHECK(streamed.fitting.ways.transformerPacked);
    CHECK(streamed.fitting.ways.transformerBlocks >= 0);
    // Of a file that is as large as what is computed with nothing is gained.
    plan.model.transformerMatrices.bytes = 8'000'000'000;
    CHECK_FALSE(fitted(plan, 0.8 * whole).fitting.ways.transformerPacked);

    // A card would merge LoRAs otherwise.
    plan.model.transformerMatrices.bytes = 2'000'000'000;
    plan.device = "cuda";
    CHECK(fitted(plan, 0.8 * whole).fitting.ways.transformerPacked);
    plan.loras.push_back({"x.safetensors"});
    CHECK_FALSE(fitted(plan, 0.8 * whole).fitting.ways.transformerPacked);
}

TEST_CASE("weights that the shot rounds are small in the estimate, with and without a limit",
          "[fitting]") {
    RenderPlan plan = transformerAlone();
    plan.model.transformerMatrices = {2'000'000'000, 4'000'000'000, 1536 * 8960};
    Problems problems;
    const MemoryNeed need{81, 4, 0, 1e8, 0};
    fitMemory(plan, need, 0, problems);
    const double whole = plan.cost.denoiseBytes;
    CHECK(roundingsTold(plan).empty());
    plan.shot.model.weights = shot::Weights::Int8;
    plan.fitting.ways.rounding = model::Rounding::Int8;
    for (const std::uint64_t limit : {std::uint64_t{0}, std::uint64_t{64} << 30}) {
        fitMemory(plan, need, limit, problems);
        CHECK(plan.cost.denoiseBytes < whole - 5e9);
        CHECK(plan.fitting.ways.rounding == model::Rounding::Int8);
        CHECK_FALSE(plan.fitting.ways.transformerPacked);
    }
    REQUIRE(roundingsTold(plan).size() == 1);
    CHECK_THAT(roundingsTold(plan)[0].text, Contains("int8"));
    CHECK(std::string(roundingsTold(plan)[0].key) == "weights");
    plan.fitting.ways.rounding = model::Rounding::Fp8;
    plan.fitting.ways.products = model::Rounding::Fp8;
    plan.shot.model.products = shot::Products::Fp8;
    plan.fitting.ways.vaeBfloat16 = true;
    fitMemory(plan, need, std::uint64_t{64} << 30, problems);
    const std::vector<RoundingTold> told = roundingsTold(plan);
    REQUIRE(told.size() == 2);
    CHECK(std::string(told[0].key) == "products");
    CHECK_THAT(told[0].text, Contains("computed in fp8"));
    CHECK(std::string(told[1].key) == "vae_dtype");
    CHECK_THAT(told[1].text, Contains("bfloat16"));
}

TEST_CASE("fewer frames are written at once where each is large", "[fitting]") {
    RenderPlan plan = largePlan();
    plan.framesAtOnce = 8;
    Problems problems;
    const MemoryNeed need{81, 2, 0, 4 * kGiB, 6 * kGiB};
    fitMemory(plan, need, std::uint64_t{17} << 30, problems);
    CHECK(problems.list().empty());
    CHECK(plan.framesAtOnce == 3);
    CHECK(plan.peakBytes <= 17 * kGiB);
    CHECK(plan.fitting.ways == model::MemoryWays{});
    CHECK_THAT(fittingTexts(plan).front(), Contains("3 frames are written at a time"));
}

TEST_CASE("on a card the clip is the host's", "[fitting]") {
    RenderPlan plan = largePlan();
    const double peak = fitted(plan, 64 * kGiB).peakBytes;
    plan.device = "cuda";
    const RenderPlan card = fitted(plan, peak - 0.3 * kGiB);
    CHECK(card.fitting.ways == model::MemoryWays{});
}

TEST_CASE("what is refused says what would help", "[fitting]") {
    std::string refusal;
    RenderPlan plan = largePlan("float32");
    plan.model.vaeCost = {};
    plan.model.heads = 40;  // so wide that the tokens' keys and values count most
    fitted(plan, 1 * kGiB, &refusal);
    CHECK_THAT(refusal, Contains("may use 1.0 GiB") && Contains("denoising") &&
                            Contains("a smaller region (now 832x480)") &&
                            Contains("shorter windows (now 81 frames)") && Contains("bfloat16"));
    plan.dtype = "bfloat16";
    fitted(plan, 1 * kGiB, &refusal);
    CHECK_THAT(refusal, !Contains("bfloat16"));
}

TEST_CASE("a shot's plan says how it fits, and ways that change no pixel leave its content alone",
          "[fitting][plan]") {
    const ShotFolder folder;
    Problems problems;
    RenderPlan plan = folder.plan(problems);
    REQUIRE_FALSE(problems.hasErrors());
    CHECK(json::parse(planJson(plan))["memory"]["limit_bytes"].is_null());
    CHECK_THAT(planText(plan), !Contains("at most"));
    // Denoising needs the most; the limit is below that by less than a block has.
    plan.model.transformerParameters = 1'000'000'000;
    const MemoryNeed need{5, 4, 0, 0, 0};
    fitMemory(plan, need, 0, problems);
    const double rest = plan.cost.heldBytes + plan.cost.denoiseBytes;
    RenderPlan tight = plan;
    fitMemory(tight, need, static_cast<std::uint64_t>(rest - 100), problems);
    CHECK(tight.fitting.ways.transformerBlocks >= 0);
    CHECK(json::parse(planJson(tight))["memory"]["resident_transformer_blocks"] ==
          tight.fitting.ways.transformerBlocks);
    CHECK_THAT(planText(tight), Contains("at most") && Contains("blocks stay in memory"));
    CHECK(sharedKeys(tight).model != sharedKeys(plan).model);
    CHECK(sharedKeys(tight).conditioning == sharedKeys(plan).conditioning);
}

TEST_CASE("a second pass takes the memory of its own size, and its transformer that of a tile",
          "[fitting][refine]") {
    RenderPlan plan = largePlan();
    plan.second = std::make_shared<RenderPlan>(plan);
    plan.second->region.width = 1920;
    plan.second->region.height = 1088;
    plan.second->tiles = {{0, 0, 60, 104}, {0, 88, 60, 104}};
    const RenderPlan one = fitted(largePlan(), 640 * kGiB), two = fitted(plan, 640 * kGiB);
    CHECK(two.peakBytes > 2.5 * one.peakBytes);  // of 5.2 times the pixels
    CHECK(two.cost.denoiseBytes == one.cost.denoiseBytes);
    CHECK(two.cost.tokens == one.cost.tokens);
    CHECK(two.second->cost.tokens == one.cost.tokens);
    CHECK(two.second->cost.decodeFlops == Approx(one.cost.decodeFlops * 1920 * 1088 / 832 / 480));
    // Less memory: the VAE works in tiles, and both plans say so.
    const RenderPlan less = fitted(plan, two.peakBytes * 0.9);
    CHECK(less.peakBytes <= two.peakBytes * 0.9);
    CHECK_FALSE(less.fitting.ways.exact());
    CHECK(less.second->fitting.ways == less.fitting.ways);
    std::string refusal;
    fitted(plan, 2 * kGiB, &refusal);
    CHECK_THAT(refusal, Contains("a smaller refine.scale (now 1920x1088)"));
}
