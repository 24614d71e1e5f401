#include "../check.h"
#include "../targets.h"
#include "shot/shot.h"
#include "shot/tree.h"

namespace derrumbe::fuzz {

using shot::parseShot;
using shot::resolvedJson;
using shot::Shot;

namespace {

constexpr const char* kFile = "/shows/bld.yaml";  // nothing is there
constexpr size_t kMostOptions = 8;

bool inside(const shot::FilePath& output) {
    return output.string().rfind("/shows/", 0) == 0 ||
           std::filesystem::path(output.written).is_absolute();
}

void check(const Shot& shot) {
    expect(!shot.frames.empty(), "a shot has frames");
    expect(inside(shot.output.path) && inside(shot.provenance.path),
           "an output outside the shot's folder is named absolutely");
    for (const std::string* text : {&shot.prompt, &shot.negativePrompt})
        expect(text->find('\x1b') == std::string::npos, "a prompt has no control characters");
    if (shot.frames.size() > 2000) return;
    const std::string resolved = resolvedJson(shot);
    if (resolved.size() > shot::kMostBytes) return;
    expect(resolvedJson(parseShot(resolved, kFile)) == resolved,
           "the resolved shot is the same shot");
    contentJson(shot);
}

}  // namespace

void shotFile(const std::string& bytes) {
    const size_t end = bytes.find('\0');
    std::vector<std::string> overrides;
    for (size_t at = end; at != std::string::npos && overrides.size() < kMostOptions;) {
        const size_t next = bytes.find('\0', at + 1);
        overrides.push_back(bytes.substr(at + 1, next == std::string::npos ? next : next - at - 1));
        at = next;
    }
    accepted(ExitCode::Usage, [&] { check(parseShot(bytes.substr(0, end), kFile, overrides)); });
}

}  // namespace derrumbe::fuzz
