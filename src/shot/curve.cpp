#include <algorithm>

#include "shot/shot.h"

namespace derrumbe::shot {

double Curve::at(int frame) const {
    if (keys.empty()) return constant;
    const auto after = std::lower_bound(keys.begin(), keys.end(), frame,
                                        [](const Key& key, int at) { return key.frame < at; });
    if (after == keys.end()) return keys.back().value;
    if (after == keys.begin() || after->frame == frame) return after->value;
    const Key& before = *(after - 1);
    const double part = (static_cast<double>(frame) - before.frame) /
                        (static_cast<double>(after->frame) - before.frame);
    return before.value + (after->value - before.value) * part;
}

}  // namespace derrumbe::shot
