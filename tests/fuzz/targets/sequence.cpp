#include "image/sequence.h"

#include <algorithm>
#include <limits>

#include "../check.h"
#include "../targets.h"
#include "shot/tokens.h"

namespace derrumbe::fuzz {

namespace fs = std::filesystem;
using image::SequencePath;

namespace {

constexpr int kFrames[] = {-12, 7, 1001};

void asWritten(const std::string& path) {
    const SequencePath sequence = SequencePath::parse(path);
    expect(sequence.pattern() == path, "the pattern is kept as it is");
    expect(sequence.isSequence() == (sequence.width() > 0), "a sequence has digits");
    expect((shot::framePattern(path) == path) != sequence.isSequence() ||
               path.find("<frame>") != std::string::npos,
           "a frame's place means the same to the shot's checks");
    for (const int frame : {std::numeric_limits<int>::min(), std::numeric_limits<int>::max()})
        expect((sequence.file(frame) == path) != sequence.isSequence() ||
                   sequence.file(frame).size() == path.size(),
               "a single file is the same for every frame");
}

/// The pattern's own files, in a folder where nothing else is.
void onDisk(const std::string& name) {
    if (name.empty() || name == "." || name == ".." || name.size() > 200) return;
    const fs::path folder = scratch() / "sequence";
    const SequencePath sequence = SequencePath::parse((folder / name).string());
    std::vector<int> wanted;
    for (const int frame : kFrames) {
        writeScratch(sequence.file(frame), "");
        if (sequence.isSequence()) wanted.push_back(frame);
    }
    expect(sequence.existing() == wanted, "files that were written are found, and no others");
    const bool found = accepted(ExitCode::Input, [&] {
        const SequencePath whole = SequencePath::inFolder(folder.string());
        expect(!whole.isSequence() || !whole.existing().empty(), "a folder's sequence has files");
    });
    expect(found || sequence.isSequence() || !name.ends_with(".exr") || name.front() == '.',
           "a folder with one picture is that picture");
    for (const int frame : kFrames) fs::remove(sequence.file(frame));
}

}  // namespace

void sequence(const std::string& bytes) {
    asWritten(bytes);
    std::string name = bytes.substr(bytes.rfind('/') + 1);
    std::erase(name, '\0');
    onDisk(name);
}

}  // namespace derrumbe::fuzz
