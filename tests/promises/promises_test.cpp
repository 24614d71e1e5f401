// The promises 1, 2 and 5 of a render, over random shots. A shot follows from its seed alone;
// DERRUMBE_PROMISE_SEED=N runs one seed, DERRUMBE_PROMISE_SHOTS=N that many, from another start
// with DERRUMBE_PROMISE_FIRST.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "random_shot.h"
#include "render/machine_speed.h"
#include "render/render.h"
#include "stored_picture.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "support/strings.h"

using namespace derrumbe;
namespace fs = std::filesystem;

namespace {

int fromEnvironment(const char* name, int otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::atoi(text);
}

/// Checks a promise on `shots` shots, or as many as were asked for; a failure says which, and how
/// to repeat it alone. Returns how many they were.
template <class Check>
int onRandomShots(int shots, bool wild, const Check& check) {
    render::setThreads(1);  // of so small a model: more would wait for each other
    const int one = fromEnvironment("DERRUMBE_PROMISE_SEED", 0),
              first = one > 0 ? one : fromEnvironment("DERRUMBE_PROMISE_FIRST", 1),
              count = one > 0 ? 1 : fromEnvironment("DERRUMBE_PROMISE_SHOTS", shots);
    for (int seed = first; seed < first + count; ++seed) {
        const RandomShot shot(static_cast<std::uint64_t>(seed), wild);
        INFO("seed " << seed << "; this shot alone: DERRUMBE_PROMISE_SEED=" << seed
                     << " bin/test_promises \"" << Catch::getResultCapture().getCurrentTestName()
                     << "\"\n"
                     << shot.yaml);
        check(shot, Dice(static_cast<std::uint64_t>(seed) + 1000000));
    }
    return count;
}

render::RenderResult renderOf(const render::RenderPlan& plan,
                              const render::RenderOptions& options = {}) {
    Log log;
    Progress progress(ProgressStyle::None);
    return render::render(plan, options, log, progress);
}

/// The same, asked to stop after a while. Whether it was over before.
bool finishedWithin(const render::RenderPlan& plan, std::chrono::microseconds while_) {
    installInterruptHandler();
    std::mutex mutex;
    std::condition_variable ended;
    bool over = false;
    std::thread signal([&] {
        std::unique_lock lock(mutex);
        if (!ended.wait_for(lock, while_, [&] { return over; })) std::raise(SIGTERM);
    });
    bool finished = true;
    try {
        renderOf(plan);
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Interrupted);
        finished = false;
    }
    {
        const std::lock_guard lock(mutex);
        over = true;
    }
    ended.notify_one();
    signal.join();
    forgetInterrupt();
    return finished;
}

std::string outputOf(const render::RenderPlan& plan, int frame) {
    for (const render::FrameJob& job : plan.frames)
        if (job.frame == frame) return job.output;
    return {};
}

/// EXR's name for what holds every value of a file's type.
std::string exrType(const std::string& type) {
    return type == "half" || type == "uint" ? type : "float";
}

bool isColour(const std::string& name) {
    return name == "R" || name == "G" || name == "B" || name == "Y";
}

/// Samples of a channel that differ from the plate's where they may not, and those that differ at
/// all.
struct Differences {
    int forbidden = 0, all = 0;
    std::string first;
};

Differences differences(const RandomShot& shot, int frame, const StoredPicture& plate,
                        const StoredPicture& made, const std::string& name) {
    Differences found;
    const int from = plate.channel(name), to = made.channel(name);
    for (int y = plate.data.y; y < plate.data.bottom(); ++y)
        for (int x = plate.data.x; x < plate.data.right(); ++x) {
            if (sameSample(plate.at(from, x, y), made.at(to, x, y))) continue;
            ++found.all;
            if (isColour(name) && shot.mayChange(frame, x, y)) continue;
            if (++found.forbidden == 1)
                found.first =
                    cat(x, ",", y, ": ", plate.at(from, x, y), " became ", made.at(to, x, y));
        }
    return found;
}

/// Whether a matte that was delivered is whole somewhere: there something must have changed.
bool isWholeSomewhere(const StoredPicture& made) {
    const auto& matte = made.planes[static_cast<size_t>(made.channel("matte.Y"))];
    return std::find(matte.begin(), matte.end(), 1.f) != matte.end();
}

/// Samples of a delivered channel that are no numbers where the plate's are, or that were generated
/// and are beyond half's range.
Differences impossible(const RandomShot& shot, const render::RenderPlan& plan, int frame,
                       const StoredPicture& plate, const StoredPicture& made, int channel) {
    const std::string& name = made.channels[static_cast<size_t>(channel)];
    const int own = plate.channel(name), matte = made.channel("matte.Y");
    const bool layer = name.rfind("generated.", 0) == 0;
    // A conversion mixes a pixel's colours, so that one of them takes the others along.
    const bool mixed = isColour(name) && plan.outputSpace != plan.plateSpace;
    const std::vector<std::string> sources = mixed     ? plate.colours()
                                             : own < 0 ? std::vector<std::string>{}
                                                       : std::vector{name};
    Differences found;
    for (int y = plate.data.y; y < plate.data.bottom(); ++y)
        for (int x = plate.data.x; x < plate.data.right(); ++x) {
            const float value = made.at(channel, x, y);
            const bool generated =
                layer || (isColour(name) && made.at(matte, x, y) == 1 && plan.region.coversMatte &&
                          shot.mayChange(frame, x, y));
            const bool mustBe = std::all_of(sources.begin(), sources.end(), [&](const auto& of) {
                return std::isfinite(plate.at(plate.channel(of), x, y));
            });
            // The layer's matte is rounded to half: where it says 1 there may be a trace of plate.
            const float plates = own < 0 ? 0.f : std::abs(plate.at(own, x, y)),
                        most = 65504 + (std::isfinite(plates) ? plates / 2048 : 0.f);
            const bool good = std::isfinite(value) ? !generated || std::abs(value) <= most
                                                   : !mustBe && !generated;
            if (good) continue;
            if (++found.forbidden == 1)
                found.first = cat(x, ",", y, ": ", value, own < 0 ? "" : ", the plate's ",
                                  own < 0 ? "" : std::to_string(plate.at(own, x, y)));
        }
    return found;
}

/// Samples of a keyframe that the composite takes and that no half holds.
std::int64_t beyondHalf(const StoredPicture& key, const StoredPicture& made, const Window& crop) {
    std::int64_t count = 0;
    const int matte = made.channel("matte.Y");
    const Window seen = intersect(crop, made.data);
    for (int y = seen.y; y < seen.bottom(); ++y)
        for (int x = seen.x; x < seen.right(); ++x)
            for (const std::string& name : key.colours()) {
                const float value = key.at(key.channel(name), x, y);
                count +=
                    made.at(matte, x, y) > 0 && std::isfinite(value) && std::abs(value) > 65504;
            }
    return count;
}

/// The number that an event of a frame begins with; 0 where there is none of that kind.
std::int64_t counted(const render::Delivered& frame, const std::string& what) {
    for (const provenance::Event& event : frame.events)
        if (event.message.find(what) != std::string::npos) return std::stoll(event.message);
    return 0;
}

}  // namespace

TEST_CASE("promise 1: outside the matte and before the onset a render is the plate",
          "[promise_1]") {
    int following = 0, refined = 0;
    const int count = onRandomShots(60, false, [&](const RandomShot& shot, Dice) {
        const render::RenderPlan plan = shot.plan("out");
        following += !plan.region.path.empty();
        refined += plan.second != nullptr;
        renderOf(plan);
        int changed = 0, whole = 0;
        for (const int frame : shot.frames) {
            const StoredPicture plate = shot.plate(frame), made = readStored(outputOf(plan, frame));
            CAPTURE(frame);
            REQUIRE(made.data == plate.data);
            REQUIRE(made.display == plate.display);
            REQUIRE(made.pixelAspect == plate.pixelAspect);
            REQUIRE(made.channel("matte.Y") >= 0);
            for (size_t c = 0; c < plate.channels.size(); ++c) {
                CAPTURE(plate.channels[c]);
                REQUIRE(made.channel(plate.channels[c]) >= 0);
                const std::string& type =
                    made.types[static_cast<size_t>(made.channel(plate.channels[c]))];
                const bool widened =
                    plan.shot.output.pixelType == shot::PixelType::Float && type == "float";
                if (!widened) REQUIRE(type == exrType(plate.types[c]));
                const Differences found = differences(shot, frame, plate, made, plate.channels[c]);
                CAPTURE(found.first);
                REQUIRE(found.forbidden == 0);
                changed += found.all;
            }
            const auto generated = std::find_if(
                plan.frames.begin(), plan.frames.end(),
                [&](const render::FrameJob& job) { return job.frame == frame && job.generated; });
            whole += generated != plan.frames.end() && isWholeSomewhere(made);
        }
        // A renderer that changes nothing would keep the promise, too.
        if (whole > 0 && plan.region.coversMatte) REQUIRE(changed > 0);
    });
    // Crops that move are among them, and second passes.
    if (count >= 60) CHECK((following > 3 && refined > 5));
}

TEST_CASE("promise 2: pixels depend neither on the range, nor on stops, nor on what was before",
          "[promise_2]") {
    onRandomShots(25, false, [](const RandomShot& shot, Dice dice) {
        const render::RenderPlan whole = shot.plan("whole");
        const auto begun = std::chrono::steady_clock::now();
        renderOf(whole);
        const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - begun);
        const auto requireSame = [&](const std::string& folder) {
            const render::RenderPlan plan = shot.plan(folder);
            for (const int frame : shot.frames) {
                CAPTURE(folder, frame);
                REQUIRE(fs::exists(outputOf(plan, frame)));
                REQUIRE((readFile(outputOf(plan, frame)) == readFile(outputOf(whole, frame))));
            }
        };
        // Another shot of the same names, in the same folder and program.
        renderOf(shot.plan("parts", "", {"sampler.seed=1001", "shot.take=2"}));
        // In parts of any order, some stopped at any moment.
        std::vector<int> left = shot.frames;
        const int step = shot.frames.size() > 1 ? shot.frames[1] - shot.frames[0] : 1;
        while (!left.empty()) {
            const int from = dice.oneOf(left), to = dice.oneOf(shot.frames);
            const std::string range = from <= to
                                          ? cat(from, "-", to, dice.oneOf<std::string>({"x", ":"}),
                                                step * dice.between(1, 2))
                                          : cat(from, ",", to);
            CAPTURE(range);
            const render::RenderPlan part = shot.plan("parts", range);
            for (int stops = dice.between(0, 2); stops > 0; --stops)
                finishedWithin(part, taken * dice.between(0, 110) / 100);
            renderOf(part);
            for (const render::FrameJob& job : part.frames)
                if (job.deliver) std::erase(left, job.frame);
        }
        requireSame("parts");
        if (!dice.chance(40)) return;
        // As the second of two takes, which share what is not their own.
        render::RenderOptions options;
        options.shared = render::makeSharedWork();
        renderOf(shot.plan("take", "", {"sampler.seed=1001", "negative_prompt=fire"}), options);
        options.overwrite = true;
        renderOf(shot.plan("take"), options);
        requireSame("take");
    });
}

TEST_CASE("promise 5: nothing is delivered that is no number, unless the plate held it",
          "[promise_5]") {
    onRandomShots(60, true, [](const RandomShot& shot, Dice) {
        const render::RenderPlan plan = shot.plan("out");
        const render::RenderResult result = renderOf(plan);
        REQUIRE(result.frames.size() == shot.frames.size());
        for (const render::Delivered& delivered : result.frames) {
            CAPTURE(delivered.frame);
            const StoredPicture plate = shot.plate(delivered.frame),
                                made = readStored(delivered.file);
            for (size_t c = 0; c < made.channels.size(); ++c) {
                if (made.types[c] == "uint") continue;
                const Differences found =
                    impossible(shot, plan, delivered.frame, plate, made, static_cast<int>(c));
                CAPTURE(made.channels[c], found.first);
                REQUIRE(found.forbidden == 0);
            }
            // What a keyframe brings is known to the sample, and so is the count.
            const StoredPicture key = shot.keyframe(delivered.frame);
            if (!key.channels.empty())
                REQUIRE(counted(delivered, "generated samples were brought") ==
                        beyondHalf(key, made, plan.region.crop));
        }
    });
}
