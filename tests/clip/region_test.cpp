#include "clip/region.h"

#include <catch2/catch.hpp>
#include <random>

#include "support/error.h"

using namespace derrumbe;
using clip::CropPlan;
using clip::planRegion;
using clip::RegionInput;
using clip::RegionRequest;

namespace {

bool inside(const Window& inner, const Window& outer) {
    return intersect(inner, outer) == inner;
}

RegionInput input(Window matte, Window data, int width = 832, int height = 480) {
    RegionInput in;
    in.matte = matte, in.data = data, in.workingWidth = width, in.workingHeight = height;
    return in;
}

}  // namespace

TEST_CASE("auto: random mattes in random plates keep the rules", "[region]") {
    std::mt19937 random(3);
    const auto pick = [&](int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random);
    };
    const int models[][3] = {{832, 480, 16}, {256, 256, 16}, {128, 128, 16}, {480, 832, 32}};
    int held = 0, bent = 0;
    for (int count = 0; count < 2000; ++count) {
        const auto& model = models[pick(0, 3)];
        RegionInput in;
        in.workingWidth = model[0], in.workingHeight = model[1], in.sizeMultiple = model[2];
        in.data = {pick(-300, 300), pick(-300, 300), pick(200, 4096), pick(200, 2304)};
        in.pixelAspect = pick(0, 4) == 0 ? 2.f : 1.f;
        in.matte.width = pick(1, in.data.width), in.matte.height = pick(1, in.data.height);
        in.matte.x = pick(in.data.x, in.data.right() - in.matte.width);
        in.matte.y = pick(in.data.y, in.data.bottom() - in.matte.height);
        const CropPlan plan = planRegion(in);
        REQUIRE(inside(plan.crop, in.data));
        REQUIRE(plan.coversMatte);
        REQUIRE(inside(in.matte, plan.crop));
        REQUIRE(plan.width > 0);
        REQUIRE(plan.width % in.sizeMultiple == 0);
        REQUIRE(plan.height % in.sizeMultiple == 0);
        const double area = static_cast<double>(plan.width) * plan.height,
                     wanted = static_cast<double>(in.workingWidth) * in.workingHeight;
        REQUIRE(area / wanted >= 0.49);
        REQUIRE(area / wanted <= 2.01);
        const double shown = static_cast<double>(plan.crop.width) * in.pixelAspect /
                             plan.crop.height * plan.height / plan.width;
        REQUIRE(std::max(shown, 1 / shown) - 1 == Approx(plan.distortion).margin(1e-9));
        held += plan.distortion <= 0.02;
        if (plan.distortion > 0.02) {
            // only where the whole data window had to be taken
            REQUIRE(plan.crop == in.data);
            ++bent;
        }
    }
    CHECK(held + bent == 2000);
    CHECK(held > 1900);
}

TEST_CASE("auto: the margin is there where the plate has it", "[region]") {
    const CropPlan plan = planRegion(input({900, 400, 600, 500}, {0, 0, 3840, 2160}));
    CHECK(plan.crop.x <= 900 - 150);
    CHECK(plan.crop.right() >= 1500 + 150);
    CHECK(plan.crop.y <= 400 - 150);
    CHECK(plan.crop.bottom() >= 900 + 150);
    CHECK(plan.crop.width < 2000);  // and not the whole plate
}

TEST_CASE("auto: a small matte does not enlarge the plate's pixels", "[region]") {
    const CropPlan plan = planRegion(input({500, 200, 40, 60}, {0, 0, 960, 540}, 256, 256));
    CHECK(plan.crop.width >= plan.width);
    CHECK(plan.crop.height >= plan.height);
    CHECK(plan.crop.width <= plan.width * 1.3);
}

TEST_CASE("auto: a matte at the border slides the crop inside", "[region]") {
    const CropPlan plan = planRegion(input({0, 0, 100, 100}, {0, 0, 1920, 1080}, 256, 256));
    CHECK(plan.crop.x == 0);
    CHECK(plan.crop.y == 0);
}

TEST_CASE("a plate smaller than the working size goes in whole", "[region]") {
    const Window data{0, 0, 320, 180};
    const CropPlan plan = planRegion(input({100, 60, 80, 60}, data));
    CHECK(plan.crop == data);
    CHECK(plan.distortion <= 0.02);
}

TEST_CASE("follow: the crop holds every frame's matte and stays in the plate", "[region]") {
    std::mt19937 random(8);
    const auto pick = [&](int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random);
    };
    int moving = 0;
    for (int count = 0; count < 150; ++count) {
        RegionInput in;
        in.request.kind = RegionRequest::Kind::Follow;
        in.workingWidth = in.workingHeight = 128;
        in.data = {pick(-100, 100), pick(-100, 100), pick(150, 2000), pick(150, 1200)};
        in.pixelAspect = pick(0, 4) == 0 ? 2.f : 1.f;
        double x = pick(in.data.x, in.data.right()), y = pick(in.data.y, in.data.bottom());
        const int width = pick(5, 300), height = pick(5, 300);
        for (int i = 0, frames = pick(1, 40); i < frames; ++i) {
            x += pick(-20, 30), y += pick(-6, 8);
            const bool there = i >= frames / 4 && pick(0, 9) > 0;
            in.mattes.push_back(there ? intersect({static_cast<int>(x), static_cast<int>(y),
                                                   width + pick(0, 9), height + pick(0, 9)},
                                                  in.data)
                                      : Window{});
            in.matte = unite(in.matte, in.mattes.back());
        }
        const CropPlan plan = planRegion(in);
        if (in.matte.empty()) {
            REQUIRE(plan.crop.empty());
            continue;
        }
        REQUIRE(plan.coversMatte);
        moving += !plan.path.empty();
        for (size_t i = 0; i < in.mattes.size(); ++i) {
            const Box box = plan.at(static_cast<int>(i));
            REQUIRE(box.width == plan.crop.width);
            REQUIRE(box.height == plan.crop.height);
            REQUIRE(inside(box.pixels(), in.data));
            REQUIRE(inside(box.touched(), in.data));
            if (!in.mattes[i].empty()) REQUIRE(inside(in.mattes[i], box.pixels()));
        }
        if (!plan.path.empty()) REQUIRE(plan.crop == plan.path.front().pixels());
    }
    CHECK(moving > 50);
}

TEST_CASE("follow: what moves steadily stands still in the crop", "[region]") {
    RegionInput in = input({}, {0, 0, 3840, 2160}, 256, 256);
    in.request.kind = RegionRequest::Kind::Follow;
    for (int i = 0; i < 30; ++i) {
        in.mattes.push_back({300 + 40 * i, 400 + 7 * i, 500, 600});
        in.matte = unite(in.matte, in.mattes.back());
    }
    const CropPlan plan = planRegion(in);
    REQUIRE(plan.path.size() == 30);
    for (int i = 0; i < 30; ++i) {
        CHECK(plan.at(i).x - plan.at(0).x == 40 * i);
        CHECK(plan.at(i).y - plan.at(0).y == 7 * i);
    }
    RegionInput fixed = in;
    fixed.request.kind = RegionRequest::Kind::Auto;
    CHECK(plan.crop.width < planRegion(fixed).crop.width / 1.5);
}

TEST_CASE("follow: where nothing moves the crop is auto's", "[region]") {
    RegionInput in = input({200, 100, 300, 250}, {0, 0, 1920, 1080}, 256, 256);
    const CropPlan still = planRegion(in);
    in.request.kind = RegionRequest::Kind::Follow;
    in.mattes = {{}, {210, 120, 200, 200}, {200, 100, 300, 250}, {225, 115, 250, 220}};
    for (Window& matte : in.mattes)  // nested: the same middle
        if (!matte.empty()) matte.x = 350 - matte.width / 2, matte.y = 225 - matte.height / 2;
    CHECK(planRegion(in).path.empty());
    CHECK(planRegion(in).crop == still.crop);
    // And where the matte grows to the whole plate.
    in.mattes = {{0, 0, 50, 50}, {0, 0, 1920, 1080}};
    in.matte = in.data;
    CHECK(planRegion(in).path.empty());
    CHECK(planRegion(in).crop == in.data);
}

TEST_CASE("full and explicit take the window asked for", "[region]") {
    RegionInput in = input({100, 100, 50, 50}, {-10, -20, 2000, 1000}, 256, 256);
    in.request.kind = RegionRequest::Kind::Full;
    CHECK(planRegion(in).crop == in.data);
    CHECK(planRegion(in).distortion <= 0.02);

    in.request = {RegionRequest::Kind::Explicit, {90, 90, 400, 300}};
    CHECK(planRegion(in).crop == Window{90, 90, 400, 300});
    CHECK(planRegion(in).coversMatte);

    in.request.window = {120, 90, 400, 300};
    CHECK_FALSE(planRegion(in).coversMatte);

    in.request.window = {1900, 900, 400, 300};
    CHECK(planRegion(in).crop == Window{1900, 900, 90, 80});
}

TEST_CASE("pixel aspect is undone", "[region]") {
    RegionInput in = input({0, 0, 10, 10}, {0, 0, 1000, 1000}, 256, 256);
    in.pixelAspect = 2;
    in.request.kind = RegionRequest::Kind::Full;
    const CropPlan plan = planRegion(in);
    CHECK(static_cast<double>(plan.width) / plan.height == Approx(2).epsilon(0.02));
}

TEST_CASE("what cannot be planned", "[region]") {
    CHECK(planRegion(input({}, {0, 0, 100, 100})).crop.empty());
    CHECK(planRegion(input({500, 0, 10, 10}, {0, 0, 100, 100})).crop.empty());
    CHECK_THROWS_AS(planRegion(input({0, 0, 10, 10}, {})), Error);
    RegionInput in = input({0, 0, 10, 10}, {0, 0, 100, 100});
    in.request = {RegionRequest::Kind::Explicit, {100, 0, 10, 10}};
    try {
        planRegion(in);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Usage);
    }
}
