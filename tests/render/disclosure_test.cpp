#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "render/disclosure.h"
#include "render/record.h"

using namespace derrumbe;
using namespace derrumbe::render;

namespace {

bool claims(const provenance::Disclosure& disclosure, const std::string& what) {
    const auto& all = disclosure.humanContributions;
    return std::find(all.begin(), all.end(), what) != all.end();
}

}  // namespace

TEST_CASE("the log claims what people did in this shot, and no more", "[disclosure]") {
    RenderPlan plan;
    plan.shot.prompt = "it falls";
    plan.shot.provenance.usage = R"({"prompt_author": "J. Salvo", "talent": "none"})";
    Delivered changed, same;
    changed.generatedShare = 0.5;
    changed.frame = 1002;
    same.frame = 1001;
    provenance::Disclosure bare = disclosure(plan, {same, changed});
    CHECK(bare.promptAuthor == "J. Salvo");
    CHECK(claims(bare, "prompt"));
    CHECK_FALSE(claims(bare, "matte"));
    CHECK_FALSE(claims(bare, "onset"));
    CHECK(bare.framesChanged == "1002");
    CHECK(bare.layers.size() == 2);

    plan.shot.mattes.resize(1);
    plan.shot.onset = 1002;
    plan.shot.keyframes.resize(1);
    plan.shot.output.generatedLayer = false;
    plan.shot.provenance.usage = "{}";
    const provenance::Disclosure drawn = disclosure(plan, {same});
    CHECK(drawn.promptAuthor == drawn.operatorName);
    for (const char* what : {"matte", "onset", "keyframes"}) CHECK(claims(drawn, what));
    REQUIRE(drawn.layers.size() == 1);
    CHECK(drawn.layers[0].second == provenance::SourceType::Capture);
}

TEST_CASE("the logged shot holds what the plan decided", "[disclosure]") {
    RenderPlan plan;
    plan.shot.frames = {1001, 1002};
    plan.plateSpace = plan.outputSpace = "ACEScg";
    plan.fps = {24000, 1001};
    plan.sampler = {"unipc", 20, 5.0, 3.0, 42};
    plan.device = "cpu";
    plan.dtype = "float32";
    plan.model.windowLength = 25;
    plan.model.windowOverlap = 9;
    plan.frames.resize(1);
    const auto log = nlohmann::json::parse(
        provenance::statementJson(Record().statement(plan, provenance::Outcome::Done, "")));
    const auto& external = log["predicate"]["buildDefinition"]["externalParameters"];
    const auto& shot = external["shot"];
    CHECK(external["device"] == "cpu");
    CHECK(external["threads"].get<int>() >= 1);
    CHECK(shot["sampler"] == nlohmann::json({{"scheduler", "unipc"},
                                             {"steps", 20},
                                             {"guidance", 5.0},
                                             {"guidance_2", nullptr},
                                             {"shift", 3.0},
                                             {"cache", 0.0},
                                             {"sparse", "off"},
                                             {"seed", 42}}));
    CHECK(shot["plate"]["colorspace"] == "ACEScg");
    CHECK(shot["fps"] == "24000/1001");
    CHECK(shot["windows"] == nlohmann::json({{"length", 25}, {"overlap", 9}}));
    CHECK(shot["model"]["dtype"] == "float32");
    const auto& version = log["predicate"]["runDetails"]["builder"]["version"];
    for (const char* library : {"openimageio", "opencolorio", "openexr", "openssl", "libtorch"})
        CHECK(version.value(library, "").find('.') != std::string::npos);
}
