// Real Gloo connections, between threads; tests/cli has the same between processes.
#include <catch2/catch.hpp>

#include "crew_of_threads.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

bool quiet(const std::vector<std::exception_ptr>& thrown) {
    for (const std::exception_ptr& one : thrown)
        if (one) return false;
    return true;
}

}  // namespace

TEST_CASE("tokens that processes share are all there again, in their order", "[distributed]") {
    for (const int size : {1, 2, 3, 5}) {
        for (const int64_t tokens : {5, 7, 10, 16}) {
            CAPTURE(size, tokens);
            const at::Tensor x = at::arange(2 * tokens * 3, at::kFloat).view({2, tokens, 3});
            std::vector<at::Tensor> own(size), all(size), rows(size);
            CHECK(quiet(inCrew(size, [&](Crew& crew) {
                const TokenShare share(crew.everyone(), tokens);
                own[crew.rank()] = share.own(x);
                rows[crew.rank()] = share.ownRows(x[0]);
                all[crew.rank()] = share.all(own[crew.rank()]);
            })));
            int64_t most = 0, least = tokens;
            for (int rank = 0; rank < size; ++rank) {
                CHECK(at::equal(all[rank], x));
                CHECK(at::equal(rows[rank], own[rank][0]));
                most = std::max(most, own[rank].size(1));
                least = std::min(least, own[rank].size(1));
            }
            CHECK(most - least <= 1);
        }
    }
    CHECK_THROWS_AS(TokenShare(Group(nullptr, 0, 4), 3), Error);
}

TEST_CASE("branches are spread over as many groups as divide both numbers", "[distributed]") {
    struct Case {
        int processes, branches, groups;
    };
    for (const auto& [processes, branches, groups] :
         {Case{1, 2, 1}, {2, 2, 2}, {4, 2, 2}, {4, 1, 1}, {3, 2, 1}, {4, 3, 1}, {6, 4, 2}}) {
        CAPTURE(processes, branches);
        std::vector<Crew::Cut> cuts(processes);
        std::vector<at::Tensor> heads(processes);
        CHECK(quiet(inCrew(processes, [&](Crew& crew) {
            const Crew::Cut& cut = crew.cut(branches);
            CHECK(&cut == &crew.cut(branches));
            cuts[crew.rank()] = cut;
            if (cut.isHead)
                heads[crew.rank()] =
                    at::cat(cut.heads.allGather(at::full({1}, cut.branch, at::kFloat)));
        })));
        for (int rank = 0; rank < processes; ++rank) {
            CHECK(cuts[rank].branches == groups);
            CHECK(cuts[rank].tokens.size() == processes / groups);
            CHECK(cuts[rank].branch == rank / (processes / groups));
            CHECK(cuts[rank].isHead == (cuts[rank].tokens.rank() == 0));
        }
        CHECK(at::equal(heads[0], at::arange(groups, at::kFloat)));
    }
}

TEST_CASE("orders are heard by all others, once and in their order", "[distributed]") {
    std::vector<std::string> heard(3);
    CHECK(quiet(inCrew(3, [&](Crew& crew) {
        if (crew.leads()) {
            crew.order("a");
            crew.awaitAll(crew.order("b"));
            crew.order("c");
            return;
        }
        for (int i = 0; i < 3; ++i) {
            heard[crew.rank()] += crew.nextOrder();
            if (i == 1) crew.carriedOut();
        }
    })));
    CHECK(heard[1] == "abc");
    CHECK(heard[2] == "abc");
}

TEST_CASE("why a process fails is what the others end with", "[distributed]") {
    // Process 2 fails while the others wait for it, in a group of their own or for an order.
    const auto thrown = inCrew(4, [&](Crew& crew) {
        if (crew.rank() == 2) throw Error(ExitCode::Memory, "out of memory: 8 TiB");
        if (crew.rank() == 3) crew.nextOrder();
        at::Tensor x = at::ones({3});
        crew.everyone().allGather(x);
    });
    CHECK(errorOf(thrown[2]).code() == ExitCode::Memory);
    const Error lead = errorOf(thrown[0]);
    CHECK(lead.code() == ExitCode::Memory);
    CHECK(std::string(lead.what()).find("process 2 (") != std::string::npos);
    CHECK(std::string(lead.what()).find("8 TiB") != std::string::npos);
    CHECK(errorOf(thrown[1]).code() == ExitCode::Memory);
}

TEST_CASE("one that is interrupted stops all, where process 0 looks", "[distributed]") {
    const auto thrown = inCrew(2, [&](Crew& crew) {
        if (!crew.leads()) return crew.sayInterrupted();
        for (int i = 0; i < 500; ++i) {
            crew.throwIfInterrupted();
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    });
    CHECK(errorOf(thrown[0]).code() == ExitCode::Interrupted);
}

TEST_CASE("builds and processors of a crew are the same ones", "[distributed]") {
    for (const bool build : {true, false}) {
        const auto thrown = inCrew(
            2, [](Crew&) {},
            [&](int rank) {
                const std::string own = rank == 1 ? "b" : "a";
                return build ? thisMember(own, "cpu") : thisMember("a", own);
            });
        for (const std::exception_ptr& one : thrown) {
            CHECK(errorOf(one).code() == ExitCode::Usage);
            CHECK(std::string(errorOf(one).what()).find("one build on one kind of processor") !=
                  std::string::npos);
        }
    }
    // One that cannot even describe itself does not leave the others waiting.
    const auto thrown = inCrew(
        2, [](Crew&) {},
        [](int rank) {
            if (rank == 1) throw Error(ExitCode::Usage, "there is no 'cuda:9'");
            return thisMember("a", "cpu");
        });
    CHECK(errorOf(thrown[0]).code() == ExitCode::Usage);
    CHECK(std::string(errorOf(thrown[0]).what()).find("cuda:9") != std::string::npos);
}
