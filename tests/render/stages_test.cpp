#include <catch2/catch.hpp>
#include <fstream>

#include "render/stages.h"
#include "render/state.h"
#include "support/folders.h"

using namespace derrumbe;
using namespace derrumbe::render;

namespace {

/// A model whose velocity is known on paper: latents minus the prompt's first value, times the
/// conditioning's mean.
class PaperModel : public model::VideoModel {
  public:
    model::Description about;
    int calls = 0;
    std::vector<double> controls;  ///< of every call
    std::vector<int64_t> tokens;   ///< of every call, that were asked for; -1: all
    const model::Description& description() const override { return about; }
    std::vector<at::Tensor> encodePrompts(const std::vector<model::TokenIds>& prompts,
                                          const model::Tick&) override {
        return {prompts.size(), at::zeros({1, 4, 2})};
    }
    at::Tensor encodeImage(const at::Tensor&) override { return {}; }
    at::Tensor encodeConditioning(const model::ConditioningInput&, const model::Tick&) override {
        return {};
    }
    at::Tensor velocity(const model::Evaluation& asked) override {
        controls.push_back(asked.control);
        calls += static_cast<int>(asked.promptEmbeds.size(0));
        tokens.push_back(asked.kept.defined() ? asked.kept.size(0) : -1);
        const at::Tensor velocity =
            asked.latents * (asked.timestep / 1000) -
            asked.promptEmbeds.select(2, 0).select(1, 0).view({-1, 1, 1, 1, 1}) +
            asked.conditioning.narrow(1, 0, asked.latents.size(1)) * 0.1;
        if (!asked.kept.defined()) return velocity;
        // A token a latent, as smallPlan's patch says.
        const at::Tensor cells = at::zeros({asked.latents.numel() / asked.latents.size(1)});
        cells.index_fill_(0, asked.kept, 1);
        return velocity * cells.view({1, 1, asked.latents.size(2), asked.latents.size(3), -1});
    }
    at::Tensor decode(const at::Tensor& latents, const model::Tick&) override { return latents; }
    at::Tensor encode(const at::Tensor& video, const model::Tick&) override { return video; }
    void release(Stage) override {}
};

RenderPlan smallPlan(int latentFrames, int windowLength, int overlap) {
    RenderPlan plan;
    plan.model.latentChannels = 3;
    plan.model.patch = {1, 1, 1};
    plan.latentFrames = latentFrames;
    plan.latentHeight = 4;
    plan.latentWidth = 5;
    plan.sampler = {"unipc", 6, 3.0, 3.0, 11};
    plan.windows = clip::planWindows(latentFrames, windowLength, overlap);
    plan.prompts = {{"it falls", std::vector<float>(static_cast<size_t>(latentFrames), 1.f)}};
    return plan;
}

Conditions conditionsFor(const RenderPlan& plan, int references = 0) {
    Conditions conditions;
    conditions.prompts = {at::full({1, 4, 2}, 0.3)};
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

TEST_CASE("beats blend velocities by their weight at each latent frame", "[denoise][beats]") {
    // One Euler step of the paper model: the latents differ by the prompts' blended value alone.
    RenderPlan plan = smallPlan(9, 9, 0);
    plan.sampler = {"euler", 1, 1.0, 1.0, 11};
    Conditions conditions = conditionsFor(plan, 1);
    const DenoiseState start{startNoise(plan, 1), {}};
    const at::Tensor plain = run(plan, conditions, start);
    plan.prompts = {{"a", {1, 1, 1, 0.75f, 0.5f, 0.25f, 0, 0, 0}},
                    {"b", {0, 0, 0, 0.25f, 0.5f, 0.75f, 1, 1, 1}},
                    {"c", std::vector<float>(9, 0.f)}};
    conditions.prompts = {at::full({1, 4, 2}, 0.3), at::full({1, 4, 2}, 1.3), at::Tensor()};
    const at::Tensor moved = run(plan, conditions, start) - plain;
    for (int latent = 0; latent < 9; ++latent) {
        const at::Tensor frame = moved.select(2, 1 + latent);
        const float expected = plan.prompts[1].weights[latent];  // 1 more velocity, sigma 1 to 0
        CHECK((frame - expected).abs().max().item<float>() < 1e-5f);
    }
    CHECK((moved.select(2, 0) - 0.5).abs().max().item<float>() < 1e-5f);  // the reference
}

TEST_CASE("a prompt is evaluated in the windows that it holds in, and in no others",
          "[denoise][beats]") {
    RenderPlan plan = smallPlan(13, 5, 2);
    REQUIRE(plan.windows.size() == 4);
    plan.sampler = {"unipc", 3, 1.0, 3.0, 11};
    plan.prompts.push_back(plan.prompts.front());
    std::fill(plan.prompts[0].weights.begin() + 8, plan.prompts[0].weights.end(), 0.f);
    std::fill(plan.prompts[1].weights.begin(), plan.prompts[1].weights.begin() + 8, 0.f);
    Conditions conditions = conditionsFor(plan);
    conditions.prompts.push_back(conditions.prompts.front());
    PaperModel model;
    DenoiseState state{startNoise(plan, 0), {}};
    denoise(
        plan, model, conditions, state, [](double, double) {},
        [](int, int, const DenoiseState&) {});
    int evaluations = 0;
    for (const auto& window : plan.windows)
        evaluations += (window.first < 8 ? 1 : 0) + (window.end() > 8 ? 1 : 0);
    CHECK(evaluations > 4);
    CHECK(model.calls == 3 * evaluations);
    // The same prompt in both halves is the one prompt.
    RenderPlan one = plan;
    one.prompts = {smallPlan(13, 5, 2).prompts.front()};
    const at::Tensor whole = run(one, conditionsFor(one), {startNoise(one, 0), {}});
    CHECK((whole - state.latents).abs().max().item<float>() < 1e-5f);
}

TEST_CASE("a prompt that holds in a part of the picture makes that part alone",
          "[denoise][beats]") {
    RenderPlan plan = smallPlan(5, 3, 1);
    const auto planes = [](float left, float right) {
        std::vector<float> weights;
        for (int i = 0; i < 5 * 4 * 5; ++i) weights.push_back(i % 5 < 2 ? left : right);
        return weights;
    };
    plan.prompts = {{"it stands", planes(0, 1), 20}, {"it falls", planes(1, 0), 20}};
    const int references = GENERATE(0, 2);
    Conditions conditions = conditionsFor(plan, references);
    conditions.prompts.push_back(at::full({1, 4, 2}, 0.9));
    const at::Tensor noise = startNoise(plan, references);
    const at::Tensor both = run(plan, conditions, {noise, {}});
    RenderPlan alone = smallPlan(5, 3, 1);
    Conditions one = conditionsFor(alone, references);
    const at::Tensor stands = run(alone, one, {noise, {}});
    one.prompts = {conditions.prompts[1]};
    const at::Tensor falls = run(alone, one, {noise, {}});
    CHECK((stands - falls).abs().max().item<float>() > 0.1f);
    // A velocity that does not look across the picture.
    CHECK((both - falls).narrow(4, 0, 2).abs().max().item<float>() < 1e-5f);
    CHECK((both - stands).narrow(4, 2, 3).abs().max().item<float>() < 1e-5f);
    CHECK(weightsOf(plan, plan.prompts[1]).sizes() == at::IntArrayRef({5, 4, 5}));
}

TEST_CASE("each window's hints are scaled as its guides are strong", "[denoise][guides]") {
    RenderPlan plan = smallPlan(9, 5, 1);
    REQUIRE(plan.windows.size() == 2);
    PaperModel model;
    DenoiseState state{startNoise(plan, 0), {}};
    const auto nothing = [](int, int, const DenoiseState&) {};
    denoise(
        plan, model, conditionsFor(plan), state, [](double, double) {}, nothing);
    CHECK(model.controls == std::vector<double>(12, 1.0));
    plan.hintScales = {1, 1.5};
    model.controls.clear();
    state = {startNoise(plan, 0), {}};
    denoise(
        plan, model, conditionsFor(plan), state, [](double, double) {}, nothing);
    REQUIRE(model.controls.size() == 12);
    for (size_t i = 0; i < 12; ++i) CHECK(model.controls[i] == (i % 2 == 0 ? 1 : 1.5));
}

TEST_CASE("the second expert has its own guidance", "[denoise][experts]") {
    RenderPlan plan = smallPlan(5, 5, 0);
    plan.sampler = {"euler", 8, 4.0, 1.0, 11};
    const Conditions conditions = conditionsFor(plan);
    const DenoiseState start{startNoise(plan, 0), {}};
    const at::Tensor everywhere = run(plan, conditions, start);
    plan.sampler.boundary = 0.5;
    plan.sampler.guidance2 = 4.0;
    CHECK(at::equal(run(plan, conditions, start), everywhere));
    // Unguided below the boundary: one evaluation a step there, two above.
    plan.sampler.guidance2 = 1.0;
    PaperModel model;
    DenoiseState state = start;
    denoise(
        plan, model, conditions, state, [](double, double) {},
        [](int, int, const DenoiseState&) {});
    const auto sampler = model::makeSampler("euler", 8, 1.0);
    int high = 0;
    for (const double timestep : sampler->timesteps()) high += timestep >= 500 ? 1 : 0;
    REQUIRE(high > 1);
    REQUIRE(high < 7);
    CHECK(model.calls == 8 + high);
    CHECK_FALSE(at::allclose(state.latents, everywhere, 1e-3, 1e-3));
    // The other way round the negative prompt is needed, too.
    plan.sampler.guidance = 1.0;
    CHECK_FALSE(plan.sampler.guided());
    plan.sampler.guidance2 = 4.0;
    CHECK(plan.sampler.guided());
}

namespace {

/// A plan and conditions of a model that is not shown the plate: latents held on the left half,
/// and everywhere in the first latent frame.
RenderPlan heldPlan(const std::string& scheduler, int steps) {
    RenderPlan plan = smallPlan(5, 5, 0);
    plan.sampler = {scheduler, steps, 1.0, 3.0, 11};
    plan.model.heldByNoise = true;
    return plan;
}

Conditions heldConditions(const RenderPlan& plan) {
    Conditions conditions = conditionsFor(plan);
    at::manual_seed(5);
    const at::Tensor plate = at::randn({1, 3, 5, 4, 5});
    at::Tensor mask = at::ones({1, 1, 5, 4, 5});
    mask.narrow(4, 0, 2).zero_();
    mask.narrow(2, 0, 1).zero_();
    conditions.conditioning = at::cat({plate, mask}, 1);
    conditions.plate = plate;
    return conditions;
}

}  // namespace

TEST_CASE("held latents are the plate's at every step, noised with the same noise",
          "[denoise][held]") {
    const std::string scheduler = GENERATE("euler", "unipc");
    const RenderPlan plan = heldPlan(scheduler, 7);
    const Conditions conditions = heldConditions(plan);
    const at::Tensor plate = conditions.conditioning.narrow(1, 0, 3);
    const at::Tensor held = (conditions.conditioning.narrow(1, 3, 1) == 0).expand_as(plate);
    const at::Tensor noise = startNoise(plan, 0);
    const auto sampler = model::makeSampler(scheduler, 7, 3.0);
    PaperModel model;
    DenoiseState state{noise, {}};
    denoise(
        plan, model, conditions, state, [](double, double) {},
        [&](int step, int, const DenoiseState& now) {
            const double sigma = sampler->sigmas()[step];
            const at::Tensor expected = (1 - sigma) * plate + sigma * noise;
            CHECK((now.latents - expected).masked_select(held).abs().max().item<float>() < 1e-4f);
        });
    CHECK((state.latents - plate).masked_select(held).abs().max().item<float>() < 1e-4f);
    CHECK((state.latents - plate).masked_select(~held).abs().max().item<float>() > 0.1f);
}

TEST_CASE("holding latents is blending by the mask after every Euler step", "[denoise][held]") {
    const RenderPlan plan = heldPlan("euler", 5);
    const Conditions conditions = heldConditions(plan);
    const at::Tensor noise = startNoise(plan, 0);
    const at::Tensor plate = conditions.conditioning.narrow(1, 0, 3);
    const at::Tensor mask = conditions.conditioning.narrow(1, 3, 1);
    const auto sampler = model::makeSampler("euler", 5, 3.0);
    PaperModel model;
    model::SamplerState steps;
    at::Tensor x = noise;
    for (const double timestep : sampler->timesteps()) {
        const at::Tensor velocity =
            model.velocity({x, timestep, conditions.prompts[0], conditions.conditioning, 1.0});
        x = sampler->step(velocity, x, steps);
        const double sigma = sampler->sigmas()[steps.step];
        x = mask * x + (1 - mask) * ((1 - sigma) * plate + sigma * noise);
    }
    const at::Tensor ours = run(plan, conditions, {noise, {}});
    CHECK((ours - x).abs().max().item<float>() < 1e-5f);
}

namespace {

/// Of every window, tokens in the right columns alone.
void keepRight(RenderPlan& plan, int columns) {
    plan.kept.clear();
    for (const clip::TimeWindow& window : plan.windows) {
        std::vector<std::uint8_t> tokens;
        for (int i = 0; i < window.length * plan.latentHeight * plan.latentWidth; ++i)
            tokens.push_back(i % plan.latentWidth >= plan.latentWidth - columns ? 1 : 0);
        plan.kept.push_back(tokens);
    }
}

}  // namespace

TEST_CASE("where no token is computed the plate's latents come out, and the rest is as it was",
          "[denoise][sparse]") {
    const std::string scheduler = GENERATE("euler", "unipc");
    const int references = GENERATE(0, 2);
    CAPTURE(scheduler, references);
    RenderPlan plan = smallPlan(9, 5, 2);
    plan.sampler.scheduler = scheduler;
    Conditions conditions = conditionsFor(plan, references);
    const DenoiseState start{startNoise(plan, references), {}};
    const at::Tensor whole = run(plan, conditions, start);
    at::manual_seed(6);
    conditions.plate = at::randn({1, 3, 9, 4, 5});
    // The plate is not looked at while every token is computed.
    CHECK(at::equal(run(plan, conditions, start), whole));
    keepRight(plan, 5);
    CHECK(at::equal(run(plan, conditions, start), whole));
    keepRight(plan, 2);
    PaperModel model;
    DenoiseState state = start;
    denoise(
        plan, model, conditions, state, [](double, double) {},
        [](int, int, const DenoiseState&) {});
    CHECK(model.tokens == std::vector<int64_t>(plan.sampler.steps * plan.windows.size(),
                                               references * 20 + 5 * 4 * 2));
    const at::Tensor made = state.latents.narrow(2, references, 9);
    CHECK((made - conditions.plate).narrow(4, 0, 3).abs().max().item<float>() < 1e-4f);
    // A velocity that does not look across the picture.
    CHECK(at::equal(made.narrow(4, 3, 2), whole.narrow(2, references, 9).narrow(4, 3, 2)));
    CHECK(at::equal(state.latents.narrow(2, 0, references), whole.narrow(2, 0, references)));
}

TEST_CASE("a window that computes nothing is not evaluated", "[denoise][sparse]") {
    RenderPlan plan = smallPlan(9, 5, 1);
    REQUIRE(plan.windows.size() == 2);
    const int references = GENERATE(0, 1);
    Conditions conditions = conditionsFor(plan, references);
    conditions.plate = at::full({1, 3, 9, 4, 5}, 0.5);
    keepRight(plan, 5);
    std::fill(plan.kept[0].begin(), plan.kept[0].end(), std::uint8_t{0});
    PaperModel model;
    DenoiseState state{startNoise(plan, references), {}};
    denoise(
        plan, model, conditions, state, [](double, double) {},
        [](int, int, const DenoiseState&) {});
    CHECK(model.tokens == std::vector<int64_t>(plan.sampler.steps, -1));
    const at::Tensor made = state.latents.narrow(2, references, 9);
    CHECK((made - conditions.plate).narrow(2, 0, 4).abs().max().item<float>() < 1e-4f);
    // The references are what the window that is evaluated makes of them.
    const at::Tensor whole =
        run(smallPlan(9, 5, 1), conditions, {startNoise(plan, references), {}});
    CHECK(at::allclose(state.latents.narrow(2, 0, references), whole.narrow(2, 0, references)));
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
        auto loaded = store.load(noise, plan.sampler);
        REQUIRE(loaded);
        CHECK(loaded->sampler.step == stop);
        CHECK(at::equal(run(plan, conditions, *loaded), straight));
        store.remove();
    }
    CHECK(std::filesystem::is_empty(folder));
    std::filesystem::remove_all(folder);
}

TEST_CASE("a pair of experts goes on with the same bits on either side of its boundary",
          "[denoise][state][experts]") {
    const auto pair = std::filesystem::weakly_canonical(std::filesystem::path(DERRUMBE_TEST_DATA) /
                                                        "../../model/fixtures/pipeline_3");
    const auto load = [&] { return model::loadVideoModel(pair, {at::kCPU, "float32"}); };
    RenderPlan plan;
    plan.model = load()->description();
    plan.latentFrames = 3;
    plan.latentHeight = plan.latentWidth = 4;
    plan.windows = clip::planWindows(3, 3, 0);
    plan.prompts = {{"it falls", {1, 1, 1}}};
    plan.sampler = {"unipc", 9, 3.0, 1.0, 11, plan.model.boundary, 2.0};
    plan.sampler.cache = GENERATE(0.0, 0.6);
    at::manual_seed(8);
    Conditions conditions;
    conditions.prompts = {at::randn({1, 24, 16})};
    conditions.negativePrompt = at::randn({1, 24, 16});
    conditions.conditioning = at::randn({1, 72, 3, 4, 4});
    const at::Tensor noise = startNoise(plan, 0);
    /// Each run has a model of its own, as after a restart.
    const auto denoised = [&](DenoiseState state, int stopAfter, DenoiseState* stopped) {
        const auto model = load();
        try {
            denoise(
                plan, *model, conditions, state, [](double, double) {},
                [&](int step, int, const DenoiseState& now) {
                    if (step != stopAfter) return;
                    *stopped = now;
                    throw Error(ExitCode::Interrupted, "stop");
                });
        } catch (const Error&) {
        }
        return state;
    };
    const DenoiseState straight = denoised({noise, {}}, -1, nullptr);
    CHECK((straight.cache.reused > 0) == (plan.sampler.cache > 0));
    const TemporaryFolder folder("pair_state");
    const StateStore store(folder.path(), std::string(64, 'b'));
    const auto timesteps = model::makeSampler("unipc", 9, 1.0)->timesteps();
    int before = 0, across = 0, after = 0;
    for (int stop = 1; stop < plan.sampler.steps; ++stop) {
        CAPTURE(stop);
        const bool lowNext = plan.sampler.lowNoiseAt(timesteps[stop]),
                   lowLast = plan.sampler.lowNoiseAt(timesteps[stop - 1]);
        ++(lowNext == lowLast ? (lowNext ? after : before) : across);
        DenoiseState stopped;
        denoised({noise, {}}, stop, &stopped);
        store.save(stopped);
        const auto loaded = store.load(noise, plan.sampler);
        REQUIRE(loaded);
        const DenoiseState again = denoised(*loaded, -1, nullptr);
        CHECK(at::equal(again.latents, straight.latents));
        CHECK(again.cache.reused == straight.cache.reused);
    }
    CHECK(before > 0);
    CHECK(across == 1);
    CHECK(after > 0);
}

TEST_CASE("foreign, cut, mixed or misshapen state is not used", "[state]") {
    char name[] = "/tmp/derrumbe_state_XXXXXX";
    const std::filesystem::path folder = mkdtemp(name);
    const RenderPlan plan = smallPlan(5, 5, 0);
    const SamplerPlan sampler = plan.sampler;
    const at::Tensor noise = startNoise(plan, 0);
    const auto after = [&](int stop) {
        DenoiseState state;
        run(plan, conditionsFor(plan), {noise, {}}, stop, &state);
        return state;
    };
    const StateStore store(folder, "aaaa");
    const auto file = folder / ".derrumbe" / "aaaa" / "denoise.safetensors";
    store.save(after(2));
    CHECK(store.load(noise, sampler));
    CHECK_FALSE(StateStore(folder, "bbbb").load(noise, sampler));
    SamplerPlan shorter = sampler, other = sampler;
    shorter.steps = 1;
    other.scheduler = "euler";
    CHECK_FALSE(store.load(noise, shorter));
    CHECK_FALSE(store.load(noise, other));
    CHECK_FALSE(store.load(noise.narrow(2, 0, 4).clone(), sampler));  // another length
    std::filesystem::create_directories(folder / ".derrumbe" / "cccc");
    std::filesystem::copy_file(file, folder / ".derrumbe" / "cccc" / "denoise.safetensors");
    CHECK_FALSE(StateStore(folder, "cccc").load(noise, sampler));  // moved to other content

    // What a sampler cannot have left: UniPC reads the history that its step number promises.
    const auto refused = [&](const auto& change) {
        DenoiseState state = after(2);
        change(state.sampler);
        store.save(state);
        return !store.load(noise, sampler);
    };
    CHECK_FALSE(refused([](model::SamplerState&) {}));
    CHECK(refused([](model::SamplerState& state) { state.history.clear(); }));
    CHECK(refused([](model::SamplerState& state) { state.history.pop_back(); }));
    CHECK(refused([](model::SamplerState& state) { state.history.push_back(state.last); }));
    CHECK(refused([](model::SamplerState& state) { state.last = at::Tensor(); }));
    CHECK(refused([](model::SamplerState& state) { state.lastOrder = 1; }));
    CHECK(refused([](model::SamplerState& state) { state.step = 0; }));

    // Two renders' bytes in one file, then a file that ends early.
    store.save(after(2));
    const auto size = std::filesystem::file_size(file);
    {
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(static_cast<std::streamoff>(size) - 3);
        bytes.put('x');
    }
    CHECK_FALSE(store.load(noise, sampler));
    store.save(after(2));
    for (const auto cut : {size - 1, size / 2, uintmax_t{7}, uintmax_t{0}}) {
        std::filesystem::resize_file(file, cut);
        CHECK_FALSE(store.load(noise, sampler));
    }
    std::filesystem::remove_all(folder);
}

TEST_CASE("noise depends on its place alone", "[noise]") {
    const RenderPlan shorter = smallPlan(5, 5, 0), longer = smallPlan(9, 9, 0);
    CHECK(at::equal(startNoise(shorter, 0), startNoise(longer, 0).narrow(2, 0, 5)));
    CHECK(at::equal(startNoise(shorter, 0), startNoise(shorter, 2).narrow(2, 2, 5)));
}

TEST_CASE("a cache leaves out evaluations, and where it may leave out none changes no bit",
          "[denoise][cache]") {
    RenderPlan plan = smallPlan(9, 5, 2);
    plan.sampler = {"unipc", 20, 3.0, 3.0, 11};
    const Conditions conditions = conditionsFor(plan);
    const auto denoised = [&](double limit, DenoiseState state, PaperModel& model) {
        plan.sampler.cache = limit;
        double last = 0;
        denoise(
            plan, model, conditions, state, [&](double done, double) { last = done; },
            [](int, int, const DenoiseState&) {});
        CHECK(last == 20.0 * static_cast<double>(plan.windows.size()));
        return state;
    };
    const DenoiseState start{startNoise(plan, 0), {}};
    PaperModel plain, careful, cached;
    const DenoiseState whole = denoised(0, start, plain), same = denoised(1e-9, start, careful),
                       near = denoised(0.1, start, cached);
    CHECK(at::equal(whole.latents, same.latents));
    CHECK(careful.calls == plain.calls);
    CHECK(whole.cache.reused == 0);
    CHECK_FALSE(whole.cache.velocity.defined());
    CHECK(near.cache.reused >= 3);
    CHECK(cached.calls == plain.calls / 20 * (20 - near.cache.reused));
    const double error =
        ((near.latents - whole.latents).norm() / whole.latents.norm()).item<double>();
    CHECK(error > 0);
    CHECK(error < 0.1);

    // Stopped and gone on with: the same bits, and the same evaluations left out.
    const TemporaryFolder folder("cache_state");
    const StateStore store(folder.path(), std::string(64, 'a'));
    for (const int stop : {1, 7, 12}) {
        CAPTURE(stop);
        DenoiseState stopped;
        plan.sampler.cache = 0.1;
        run(plan, conditions, start, stop, &stopped);
        store.save(stopped);
        const auto loaded = store.load(start.latents, plan.sampler);
        REQUIRE(loaded);
        PaperModel model;
        const DenoiseState again = denoised(0.1, *loaded, model);
        CHECK(at::equal(again.latents, near.latents));
        CHECK(again.cache.reused == near.cache.reused);
        plan.sampler.cache = 0;
        CHECK_FALSE(store.load(start.latents, plan.sampler));
    }
}

TEST_CASE("what one expert said is not reused for the other", "[denoise][cache]") {
    RenderPlan plan = smallPlan(5, 5, 0);
    plan.sampler = {"euler", 20, 1.0, 1.0, 11};
    plan.sampler.boundary = 0.5;
    plan.sampler.cache = 1;
    const Conditions conditions = conditionsFor(plan);
    DenoiseState state{startNoise(plan, 0), {}};
    PaperModel model;
    denoise(
        plan, model, conditions, state, [](double, double) {},
        [](int, int, const DenoiseState&) {});
    // Two of each expert tell the rate, and the last step is always evaluated.
    CHECK(model.calls == 5);
}
