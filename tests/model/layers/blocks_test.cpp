// Blocks that stay, and blocks that are made at their turns.
#include "model/layers/blocks.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <stdexcept>

using namespace derrumbe::model;

namespace {

struct Counts {
    std::atomic<int> alive{0}, most{0}, made{0};
};

struct Numbered {
    Numbered(size_t i, Counts& shared) : index(i), counts(&shared) {
        const int now = ++counts->alive;
        for (int seen = counts->most;
             now > seen && !counts->most.compare_exchange_weak(seen, now);) {
        }
        ++counts->made;
    }
    Numbered(Numbered&& other) noexcept : index(other.index), counts(other.counts) {
        ++counts->alive;  // the one it is moved from is counted until it goes
    }
    ~Numbered() { --counts->alive; }
    size_t index;
    Counts* counts;
};

}  // namespace

TEST_CASE("every block comes at its turn, however many stay", "[blocks]") {
    for (const size_t count : {1, 2, 3, 7}) {
        for (size_t resident = 0; resident <= count + 1; ++resident) {
            CAPTURE(count, resident);
            Counts counts;
            {
                const Blocks<Numbered> blocks(count, resident,
                                              [&](size_t i) { return Numbered(i, counts); });
                REQUIRE(blocks.size() == count);
                const size_t stay = std::min(count, resident);
                CHECK(counts.made == static_cast<int>(stay));
                for (int round = 0; round < 3; ++round)
                    for (size_t i = 0; i < count; ++i) CHECK(blocks[i]->index == i);
                CHECK(counts.most <= static_cast<int>(std::min(count, stay + 2)));
                // Those that stay are made once, each other one at every turn and once in advance.
                const auto rest = static_cast<int>(count - stay);
                CHECK(counts.made >= static_cast<int>(stay) + 3 * rest);
                CHECK(counts.made <= static_cast<int>(stay) + 3 * rest + 1);
            }
            CHECK(counts.alive == 0);
        }
    }
}

TEST_CASE("blocks may be passed over", "[blocks]") {
    Counts counts;
    const Blocks<Numbered> blocks(5, 0, [&](size_t i) { return Numbered(i, counts); });
    for (const size_t i : {0, 2, 2, 4, 1, 3, 0}) CHECK(blocks[i]->index == i);
}

TEST_CASE("where the first does not come again, nothing is made in advance after the last",
          "[blocks]") {
    for (const size_t count : {1, 2, 5}) {
        Counts counts;
        const Blocks<Numbered> blocks(
            count, 0, [&](size_t i) { return Numbered(i, counts); }, /*around=*/false);
        for (size_t i = 0; i < count; ++i) CHECK(blocks[i]->index == i);
        CHECK(counts.made == static_cast<int>(count));
        CHECK(blocks[0]->index == 0);  // it may still be asked for
    }
}

TEST_CASE("what goes wrong with a block is said at its turn", "[blocks]") {
    Counts counts;
    const Blocks<Numbered> blocks(3, 0, [&](size_t i) {
        if (i == 1) throw std::runtime_error("torn");
        return Numbered(i, counts);
    });
    CHECK(blocks[0]->index == 0);
    CHECK_THROWS_WITH(blocks[1], "torn");
    CHECK(blocks[2]->index == 2);
}
