#pragma once
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "shot/shot.h"

namespace derrumbe::shot {

/// The least that a shot file must say.
inline const std::string kLeast =
    "version: 1\n"
    "frames: 1001-1010\n"
    "plate: {path: plates/a.####.exr}\n"
    "matte: {path: mattes/a.####.exr}\n"
    "prompt: it falls\n";

inline Shot parse(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return parseShot(text, "/shows/bld.yaml", overrides);
}

/// The problems of a text that must be refused, as users see them.
inline std::string refusal(const std::string& text,
                           const std::vector<std::string>& overrides = {}) {
    try {
        parse(text, overrides);
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Usage);
        return error.what();
    }
    FAIL("was accepted: " << text.substr(0, 200));
    return {};
}

}  // namespace derrumbe::shot
