#pragma once
#include "support/error.h"

namespace derrumbe::render {

/// Gathers the problems of one piece of work and goes on with the next; those that do not know
/// their place get `place`, the shot file's line that names what is wrong.
template <class Work>
bool attemptAt(Problems& problems, const Place& place, const Work& work) {
    try {
        work();
        return true;
    } catch (const Error& error) {
        for (Problem problem : error.problems()) {
            if (problem.place.file.empty()) problem.place = place;
            problems.add({problem});
        }
        return false;
    }
}

}  // namespace derrumbe::render
