#include "provenance/input_changes.h"

#include <catch2/catch.hpp>

using namespace derrumbe::provenance;

TEST_CASE("inputs are compared by role and content", "[inputs]") {
    const auto input = [](const char* path, const char* sha256, const char* role) {
        return Dependency{path, sha256, role, {}, 0};
    };
    const std::vector<Dependency> before = {
        input("p.1", "aa", "plate"), input("p.2", "bb", "plate"), input("w", "cc", "weights")};
    std::vector<Dependency> now = {input("other/w", "cc", "weights"), input("q.1", "aa", "plate"),
                                   input("q.2", "bb", "plate")};
    CHECK(inputChanges(before, now).none());

    now[2] = input("q.2", "dd", "plate");
    InputChanges changes = inputChanges(before, now);
    REQUIRE(changes.gone.size() == 1);
    REQUIRE(changes.added.size() == 1);
    CHECK(changes.gone[0].path == "p.2");
    CHECK(changes.added[0].path == "q.2");

    // The same content as another thing is another input, and so is the same one once more.
    now[2] = input("q.2", "bb", "matte");
    CHECK(inputChanges(before, now).added.size() == 1);
    now[2] = input("q.2", "bb", "plate");
    now.push_back(now[2]);
    changes = inputChanges(before, now);
    CHECK(changes.gone.empty());
    CHECK(changes.added.size() == 1);
}
