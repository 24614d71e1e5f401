#include "shot/wedge.h"

#include "../check.h"
#include "../targets.h"
#include "shot/shot.h"

namespace derrumbe::fuzz {

void wedge(const std::string& bytes) {
    Problems problems;
    std::vector<shot::Wedge> wedges;
    size_t takes = 1;
    for (size_t at = 0; at <= bytes.size() && wedges.size() < 4;) {
        const size_t end = std::min(bytes.find('\0', at), bytes.size());
        wedges.push_back(shot::parseWedge(bytes.substr(at, end - at), problems));
        takes *= wedges.back().values.size();
        at = end + 1;
    }
    if (problems.hasErrors() || takes > 1000) return;
    const auto all = shot::combinations(wedges);
    expect(all.size() == takes, "a take for each combination");
    // Each value reaches the shot as one value: what is refused is refused as the user's.
    for (size_t i = 0; i < std::min<size_t>(all.size(), 4); ++i)
        accepted(ExitCode::Usage, [&] {
            shot::parseShot(
                "version: 1\nframes: 1-9\nplate: {path: p.#.exr}\nmatte: full\nprompt: x\n",
                "/shows/bld.yaml", all[i]);
        });
}

}  // namespace derrumbe::fuzz
