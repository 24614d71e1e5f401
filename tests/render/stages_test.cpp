#include <catch2/catch.hpp>

#include "render/stages.h"
#include "render/state.h"

using namespace derrumbe;
using namespace derrumbe::render;

namespace {

/// A model whose velocity is known on paper: latents minus the prompt's first value, times the
/// conditioning's mean.
class PaperModel : public model::VideoModel {
  public:
    model::Description about;
    int calls = 0;
    const model::Description& description() const override { return about; }
    at::Tensor encodePrompt(std::span<const int64_t>) override { return at::zeros({1, 4, 2}); }
    at::Tensor encodeConditioning(const model::ConditioningInput&, const model::Tick&) override {
        return {};
    }
    at::Tensor velocity(const at::Tensor& latents, double timestep, const at::Tensor& prompt,
                        const at::Tensor& conditioning, double) override {
        ++calls;
        return latents * (timestep / 1000) - prompt[0][0][0] +
               conditioning.narrow(1, 0, latents.size(1)) * 0.1;
    }
    at::Tensor decode(const at::Tensor& latents, const model::Tick&) override { return latents; }
    void release(Stage) override {}
};

RenderPlan smallPlan(int latentFrames, int windowLength, int overlap) {
    RenderPlan plan;
    plan.model.latentChannels = 3;
    plan.latentFrames = latentFrames;
    plan.latentHeight = 4;
    plan.latentWidth = 5;
    plan.sampler = {"unipc", 6, 3.0, 3.0, 11};
    plan.windows = clip::planWindows(latentFrames, windowLength, overlap);
    return plan;
}

Conditions conditionsFor(const RenderPlan& plan, int references = 0) {
    Conditions conditions;
    conditions.prompt = at::full({1, 4, 2}, 0.3);
    conditions.negativePrompt = at::full({1, 4, 2}, -0.2);
    conditions.references = references;
    conditions.conditioning = at::linspace(-1, 1, plan.latentFrames + references)
                                  .view({1, 1, -1, 1, 1})
                                  .expand({1, 6, -1, plan.latentHeight, plan.latentWidth})
                                  .contiguous();
    return conditions;
}

at::Tensor run(const RenderPlan& plan, const Conditions& conditions, DenoiseState state,
               int stopAfter = -1, DenoiseState* stopped = nullptr) {
    PaperModel model;
    try {
        denoise(
            plan, model, conditions, state, [](double, double) {},
            [&](int step, int, const DenoiseState& now) {
                if (step != stopAfter) return;
                *stopped = now;
                throw Error(ExitCode::Interrupted, "stop");
            });
    } catch (const Error&) {
    }
    return state.latents;
}

}  // namespace

TEST_CASE("a velocity that does not look across time is the same in one window and in many",
          "[denoise]") {
    const RenderPlan whole = smallPlan(13, 13, 0), parts = smallPlan(13, 5, 2);
    REQUIRE(parts.windows.size() > 2);
    const int references = GENERATE(0, 2);
    const Conditions conditions = conditionsFor(whole, references);
    const at::Tensor one = run(whole, conditions, {startNoise(whole, references), {}});
    const at::Tensor many = run(parts, conditions, {startNoise(parts, references), {}});
    CHECK((one - many).abs().max().item<float>() < 1e-5f);
    CHECK((one - startNoise(whole, references)).abs().max().item<float>() > 0.1f);
}

TEST_CASE("a run that is stopped, saved and resumed gives the same bits", "[denoise][state]") {
    char name[] = "/tmp/derrumbe_state_XXXXXX";
    const std::filesystem::path folder = mkdtemp(name);
    const RenderPlan plan = smallPlan(5, 5, 0);
    const Conditions conditions = conditionsFor(plan);
    const at::Tensor noise = startNoise(plan, 0);
    const at::Tensor straight = run(plan, conditions, {noise, {}});
    for (int stop = 1; stop < plan.sampler.steps; ++stop) {
        DenoiseState saved;
        run(plan, conditions, {noise, {}}, stop, &saved);
        const StateStore store(folder, "0123456789abcdef");
        store.save(saved);
        auto loaded = store.load(noise, plan.sampler.steps);
        REQUIRE(loaded);
        CHECK(loaded->sampler.step == stop);
        CHECK(at::equal(run(plan, conditions, *loaded), straight));
        store.remove();
    }
    CHECK(std::filesystem::is_empty(folder));
    std::filesystem::remove_all(folder);
}

TEST_CASE("foreign, cut or misshapen state is not used", "[state]") {
    char name[] = "/tmp/derrumbe_state_XXXXXX";
    const std::filesystem::path folder = mkdtemp(name);
    const RenderPlan plan = smallPlan(5, 5, 0);
    const at::Tensor noise = startNoise(plan, 0);
    DenoiseState state{noise.clone(), {}};
    state.sampler.step = 2;
    const StateStore store(folder, "aaaa");
    store.save(state);
    CHECK(store.load(noise, 6));
    CHECK_FALSE(StateStore(folder, "bbbb").load(noise, 6));
    CHECK_FALSE(store.load(noise, 1));                          // saved by a longer schedule
    CHECK_FALSE(store.load(noise.narrow(2, 0, 4).clone(), 6));  // another length
    const auto file = folder / ".derrumbe" / "aaaa" / "denoise.safetensors";
    const auto size = std::filesystem::file_size(file);
    for (const auto cut : {size - 1, size / 2, uintmax_t{7}, uintmax_t{0}}) {
        std::filesystem::resize_file(file, cut);
        CHECK_FALSE(store.load(noise, 6));
    }
    std::filesystem::remove_all(folder);
}

TEST_CASE("noise depends on its place alone", "[noise]") {
    const RenderPlan shorter = smallPlan(5, 5, 0), longer = smallPlan(9, 9, 0);
    CHECK(at::equal(startNoise(shorter, 0), startNoise(longer, 0).narrow(2, 0, 5)));
    CHECK(at::equal(startNoise(shorter, 0), startNoise(shorter, 2).narrow(2, 2, 5)));
}
