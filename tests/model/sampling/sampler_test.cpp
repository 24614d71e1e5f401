#include "model/sampling/sampler.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "../fixture_folders.h"
#include "model/weights/config.h"
#include "model/weights/safetensors.h"

using namespace derrumbe;
using namespace derrumbe::model;

TEST_CASE("schedules as in the reference notes", "[sampling]") {
    const auto unipc = makeSampler("unipc", 4, 3.0);
    CHECK(unipc->timesteps() == std::vector<double>{999, 900, 750, 500});
    const std::vector<double> sigmas{.999999, .900120, .750375, .500999, 0};
    REQUIRE(unipc->sigmas().size() == 5);
    for (int i = 0; i < 5; ++i) CHECK(unipc->sigmas()[i] == Approx(sigmas[i]).margin(1e-6));

    const auto euler = makeSampler("euler", 4, 3.0);
    const std::vector<double> levels{1, .857692, .602151, .008929, 0};
    REQUIRE(euler->sigmas().size() == 5);
    for (int i = 0; i < 5; ++i) CHECK(euler->sigmas()[i] == Approx(levels[i]).margin(1e-6));
    for (int i = 0; i < 4; ++i)
        CHECK(euler->timesteps()[i] == Approx(1000 * levels[i]).margin(1e-3));
}

TEST_CASE("samplers step as diffusers", "[sampling][parity]") {
    const auto folders = fixtureFolders("scheduler_");
    REQUIRE(folders.size() >= 4);
    for (const auto& folder : folders) {
        INFO(folder.filename().string());
        const Config config = Config::read(folder / "config.json");
        const auto io = openSafetensors(folder / "io.safetensors");
        const auto sampler =
            makeSampler(config.text("scheduler", ""), static_cast<int>(config.integer("steps", 0)),
                        config.number("shift", 0));
        const at::Tensor velocities = io->read("velocities"), outputs = io->read("outputs");
        const at::Tensor sigmas = io->read("sigmas"), timesteps = io->read("timesteps");
        REQUIRE(static_cast<int64_t>(sampler->timesteps().size()) == velocities.size(0));
        for (int64_t i = 0; i < sigmas.size(0); ++i)
            CHECK(sampler->sigmas()[i] == sigmas[i].item<float>());
        for (int64_t i = 0; i < timesteps.size(0); ++i)
            CHECK(sampler->timesteps()[i] == timesteps[i].item<double>());
        SamplerState state;
        at::Tensor latents = io->read("sample");
        double worst = 0;
        for (int64_t i = 0; i < velocities.size(0); ++i) {
            latents = sampler->step(velocities[i], latents, state);
            worst = std::max(worst, (latents - outputs[i]).abs().max().item<double>());
            latents = outputs[i];  // one step at a time is what is compared
        }
        INFO("max abs error of a step " << worst);
        CHECK(worst <= 1e-5);
        if (std::getenv("DERRUMBE_PRINT_ERRORS") != nullptr)
            WARN(folder.filename().string() << " max abs error of a step " << worst);
    }
}

TEST_CASE("a run stopped and resumed from its state is the same run", "[sampling]") {
    const auto sampler = makeSampler("unipc", 9, 5.0);
    const auto run = [&](int from, SamplerState state, at::Tensor x, int to) {
        for (int i = from; i < to; ++i) x = sampler->step(x.cos() * (i + 1), x, state);
        return std::pair(x, state);
    };
    const at::Tensor start = counterNoise(5, 0, 2, 2, 3, 3);
    const auto whole = run(0, {}, start, 9);
    const auto half = run(0, {}, start, 4);
    const auto rest = run(4, half.second, half.first, 9);
    CHECK(at::equal(whole.first, rest.first));
    CHECK(whole.second.step == 9);
    SamplerState ended = whole.second;
    CHECK_THROWS_AS(sampler->step(start, start, ended), Error);
}

TEST_CASE("a straight flow is followed to its end in any number of steps", "[sampling]") {
    const at::Tensor noise = counterNoise(1, 0, 2, 1, 4, 4), clean = counterNoise(2, 0, 2, 1, 4, 4);
    for (const char* name : {"unipc", "euler"}) {
        for (const int steps : {1, 2, 3, 7, 40}) {
            INFO(name << " " << steps);
            const auto sampler = makeSampler(name, steps, 3.0);
            SamplerState state;
            at::Tensor x = noise;
            for (int i = 0; i < steps; ++i) x = sampler->step(noise - clean, x, state);
            CHECK((x - clean).abs().max().item<double>() < 2e-5);
        }
    }
}

TEST_CASE("a run may begin at any noise level, with steps as dense as those of a whole one",
          "[sampling]") {
    const at::Tensor noise = counterNoise(1, 0, 2, 1, 4, 4), clean = counterNoise(2, 0, 2, 1, 4, 4);
    for (const char* name : {"unipc", "euler"}) {
        for (const double start : {1e-4, 0.05, 0.3, 0.75, 1.0}) {
            for (const int whole : {1, 3, 20, 1000}) {
                CAPTURE(name, start, whole);
                const int steps = stepsFrom(start, whole, 3.0);
                REQUIRE(steps >= 1);
                REQUIRE(steps <= whole);
                const auto sampler = makeSampler(name, steps, 3.0, start);
                const std::vector<double>& sigmas = sampler->sigmas();
                CHECK(sigmas.front() == Approx(start).epsilon(1e-5));
                REQUIRE(sigmas.size() == static_cast<size_t>(steps) + 1);
                CHECK(std::is_sorted(sigmas.rbegin(), sigmas.rend()));
                SamplerState state;
                at::Tensor x = clean * (1 - start) + noise * start;
                for (int i = 0; i < steps && whole < 1000; ++i)
                    x = sampler->step(noise - clean, x, state);
                if (whole < 1000) CHECK((x - clean).abs().max().item<double>() < 2e-5);
            }
        }
        CHECK(makeSampler(name, 7, 5.0, 1.0)->sigmas() == makeSampler(name, 7, 5.0)->sigmas());
    }
    // Without a shift the noise level is the share of the steps that is left.
    CHECK(stepsFrom(0.5, 20, 1.0) == 10);
    CHECK(stepsFrom(0.51, 20, 1.0) == 11);
    // With one it is less: 0.6 is what a shift of 3 makes of a third.
    CHECK(stepsFrom(0.6, 30, 3.0) == 10);
    CHECK_THROWS_AS(makeSampler("unipc", 4, 3.0, 0.0), Error);
}

TEST_CASE("what no sampler can do is refused", "[sampling]") {
    CHECK_THROWS_AS(makeSampler("ddim", 4, 3.0), Error);
    CHECK_THROWS_AS(makeSampler("unipc", 0, 3.0), Error);
    CHECK_THROWS_AS(makeSampler("unipc", 4, 0.0), Error);
    CHECK_THROWS_AS(makeSampler("euler", 4, std::nan("")), Error);
}

TEST_CASE("guidance moves from the unconditional through the conditional", "[sampling]") {
    const at::Tensor cond = at::full({2}, 3.0f), uncond = at::full({2}, 1.0f);
    CHECK(at::equal(guide(cond, uncond, 5.0), at::full({2}, 11.0f)));
    CHECK(at::equal(guide(cond, uncond, 1.0), cond));
}
