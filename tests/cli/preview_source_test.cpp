#include "cli/preview_source.h"

#include <catch2/catch.hpp>

using namespace derrumbe::cli;
using nlohmann::json;

namespace {

PreviewSource take(int number, double guidance, double grow, std::vector<std::string> wedge) {
    PreviewSource source;
    source.shot = json{{"shot", {{"take", number}}},
                       {"sampler", {{"guidance", guidance}, {"seed", 7}}},
                       {"matte", {{{"grow", grow}}}},
                       {"region", {0, 0, number, 9}},
                       {"output", {{"path", std::to_string(number)}}}}
                      .flatten();
    source.wedge = std::move(wedge);
    return source;
}

}  // namespace

TEST_CASE("a wedge's key comes first, with the value that the shot has", "[preview]") {
    const std::vector<PreviewSource> all{take(1, 3, 2, {"sampler.guidance=3", "region=a"}),
                                         take(2, 5.5, 2, {"sampler.guidance=null", "region=b"})};
    CHECK(difference(all[0], all) == "sampler.guidance=3 region=a shot.take=1");
    CHECK(difference(all[1], all) == "sampler.guidance=5.5 region=b shot.take=2");
}

TEST_CASE("a wedged key that is the same in all is left out", "[preview]") {
    const std::vector<PreviewSource> all{take(1, 3, 2, {"sampler.guidance=3", "matte.grow=2"}),
                                         take(1, 3, 4, {"sampler.guidance=3", "matte.grow=4"})};
    CHECK(difference(all[0], all) == "matte.grow=2");
    CHECK(difference(all[1], all) == "matte.grow=4");
}

TEST_CASE("what differs without a wedge is every such key", "[preview]") {
    const std::vector<PreviewSource> all{take(1, 3, 2, {}), take(1, 5, 2, {"sampler.guidance=5"})};
    CHECK(difference(all[0], all) == "sampler.guidance=3");
    CHECK(difference(all[1], all) == "sampler.guidance=5");
    CHECK(difference(PreviewSource(), all).empty());
}
