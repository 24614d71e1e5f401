#include <catch2/catch.hpp>

#include "../tiny_folder.h"
#include "crew_of_threads.h"
#include "model/distributed/shared_model.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

/// 3 x 3 x 5 tokens: no number of processes here divides them, nor the 2 heads.
Evaluation evaluationOf(const Description& model, int prompts) {
    at::manual_seed(7);
    Evaluation evaluation;
    evaluation.latents = at::randn({1, model.latentChannels, 3, 6, 10});
    evaluation.timestep = 640;
    evaluation.promptEmbeds = at::randn({prompts, 12, 16});
    evaluation.conditioning = at::randn({1, 24, 3, 6, 10});
    evaluation.control = 0.8;
    return evaluation;
}

/// What a crew of so many makes of the evaluation; no process of it may throw.
at::Tensor velocityOfCrew(int size, const std::filesystem::path& folder,
                          const Evaluation& evaluation) {
    at::Tensor shared;
    const auto thrown = inCrew(size, [&](Crew& crew) {
        const std::shared_ptr<Crew> borrowed(&crew, [](Crew*) {});
        if (!crew.leads()) {
            serve(crew, at::kCPU);
            return;
        }
        shared = shareModel(borrowed, folder, {})->velocity(evaluation);
    });
    for (const auto& error : thrown) CHECK_FALSE(error);
    return shared;
}

}  // namespace

TEST_CASE("processes that share an evaluation get what one alone gets", "[distributed]") {
    const c10::InferenceMode inference;
    const TinyFolder folder;
    const auto alone = loadVideoModel(folder.path, {});
    for (const int size : {2, 4, 3}) {
        for (const int prompts : {1, 2, 3}) {
            CAPTURE(size, prompts);
            const Evaluation evaluation = evaluationOf(alone->description(), prompts);
            const at::Tensor expected = alone->velocity(evaluation);
            at::Tensor shared, again;
            std::vector<ExitCode> codes(size, ExitCode::Done);
            const auto thrown = inCrew(size, [&](Crew& crew) {
                // Without ownership: the crew outlives the model.
                const std::shared_ptr<Crew> borrowed(&crew, [](Crew*) {});
                if (!crew.leads()) {
                    codes[crew.rank()] = serve(crew, at::kCPU);
                    return;
                }
                const auto model = shareModel(borrowed, folder.path, {});
                shared = model->velocity(evaluation);
                model->release(VideoModel::Stage::Transformer);
                again = model->velocity(evaluation);
            });
            for (int rank = 0; rank < size; ++rank) {
                CHECK_FALSE(thrown[rank]);
                CHECK(codes[rank] == ExitCode::Done);
            }
            REQUIRE(shared.sizes() == expected.sizes());
            CHECK((shared - expected).abs().max().item<float>() < 1e-5);
            CHECK(at::equal(shared, again));
        }
    }
}

TEST_CASE("processes share the tokens that are computed, and no others", "[distributed][sparse]") {
    const c10::InferenceMode inference;
    const TinyFolder folder;
    const auto alone = loadVideoModel(folder.path, {});
    Evaluation evaluation = evaluationOf(alone->description(), 2);
    const at::Tensor whole = alone->velocity(evaluation);
    evaluation.kept = at::tensor({1, 2, 6, 16, 17, 21, 30, 40, 44}, at::kLong);
    const at::Tensor expected = alone->velocity(evaluation);
    CHECK((expected - whole).abs().max().item<float>() > 1e-3);
    for (const int size : {2, 3, 4}) {
        CAPTURE(size);
        const at::Tensor shared = velocityOfCrew(size, folder.path, evaluation);
        REQUIRE(shared.defined());
        CHECK((shared - expected).abs().max().item<float>() < 1e-5);
    }
}

TEST_CASE("processes share the image that is seen beside the prompts", "[distributed]") {
    const c10::InferenceMode inference;
    const std::filesystem::path folder =
        std::filesystem::path(DERRUMBE_TEST_DATA) / "image_to_video_1";
    const auto alone = loadVideoModel(folder, {});
    Evaluation evaluation = evaluationOf(alone->description(), 2);
    evaluation.conditioning = at::randn({1, 13, 3, 6, 10});
    evaluation.image = alone->encodeImage(at::rand({1, 3, 1, 40, 60}));
    const at::Tensor expected = alone->velocity(evaluation);
    for (const int size : {2, 3}) {
        CAPTURE(size);
        const at::Tensor shared = velocityOfCrew(size, folder, evaluation);
        REQUIRE(shared.defined());
        CHECK((shared - expected).abs().max().item<float>() < 1e-5);
    }
}

TEST_CASE("a model that a process cannot read is said by all", "[distributed]") {
    const c10::InferenceMode inference;
    const TinyFolder folder;
    std::vector<ExitCode> codes(2, ExitCode::Done);
    const auto thrown = inCrew(2, [&](Crew& crew) {
        const std::shared_ptr<Crew> borrowed(&crew, [](Crew*) {});
        if (crew.leads()) {
            LoadOptions options;
            options.dtype = "float8";  // read where weights are: process 0 finds it first
            shareModel(borrowed, folder.path, options);
        } else {
            serve(crew, at::kCPU);
        }
    });
    CHECK(errorOf(thrown[0]).code() == ExitCode::Usage);
}
