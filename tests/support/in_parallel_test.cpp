#include "support/in_parallel.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

using namespace derrumbe;

TEST_CASE("every piece of work is done once", "[in_parallel]") {
    for (const int workers : {0, 1, 2, 5, 64})
        for (const int count : {0, 1, 2, 31}) {
            std::vector<std::atomic<int>> done(static_cast<size_t>(count));
            inParallel(count, workers, [&](int i) { ++done[i]; });
            for (const std::atomic<int>& times : done) CHECK(times == 1);
        }
}

TEST_CASE("as many as asked for run at the same time", "[in_parallel]") {
    std::mutex mutex;
    std::condition_variable arrived;
    int here = 0;
    std::atomic<int> alone = 0;
    // Each waits for the others: one after the other they would never end.
    inParallel(3, 3, [&](int) {
        std::unique_lock lock(mutex);
        ++here;
        arrived.notify_all();
        if (!arrived.wait_for(lock, std::chrono::seconds(60), [&] { return here == 3; })) ++alone;
    });
    CHECK(alone == 0);
    std::atomic<int> running = 0, most = 0;
    inParallel(40, 2, [&](int) {
        const int now = ++running;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        --running;
    });
    CHECK(most <= 2);
}

TEST_CASE("a failure stops what has not begun, and the first in order is thrown", "[in_parallel]") {
    for (const int workers : {1, 4}) {
        std::atomic<int> begun = 0;
        std::string message;
        try {
            inParallel(1000, workers, [&](int i) {
                ++begun;
                if (i >= 3) throw std::runtime_error(std::to_string(i));
            });
        } catch (const std::runtime_error& error) {
            message = error.what();
        }
        CHECK(message == "3");
        CHECK(begun < 1000);
    }
}
