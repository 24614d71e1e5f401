#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/comparer.h"
#include "provenance/statement.h"

namespace derrumbe::cli {

/// What `golden.json` says of a shot's golden frames, beside which it lies.
struct GoldenFile {
    std::string frames;                          ///< fileseq syntax
    std::string pattern;                         ///< of the frames' file names, e.g. `c.####.exr`
    std::string processor;                       ///< kind that made them, e.g. `cpu AVX512`
    std::string builder;                         ///< version, commit and compiler that made them
    std::string model;                           ///< name and version
    int threads = 0;                             ///< of the tensor library
    std::vector<provenance::Dependency> inputs;  ///< what was read; paths are for people only
    /// By the kind of processor that checks: `same` is the one that made the frames; else the key
    /// with the most words that the kind begins with (`cuda`, `cuda NVIDIA H100`).
    std::map<std::string, Tolerance> tolerances;

    /// nullptr where no key fits.
    const Tolerance* toleranceFor(const std::string& kind) const;
};

/// What a first `golden update` writes; the studio's own are kept by later ones. The same kind of
/// processor gives the same pixels; others compute sums in another order, which a render's steps
/// amplify.
std::map<std::string, Tolerance> defaultTolerances();

/// Reads golden.json; everything that is wrong with it is added to `problems` (Usage, Input where
/// it cannot be read).
GoldenFile readGolden(const std::filesystem::path& file, Problems& problems);

/// As JSON text with a line end; keys in a fixed order, so that version control shows what changed.
std::string goldenJson(const GoldenFile& golden);

}  // namespace derrumbe::cli
