#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "image/read_frame.h"
#include "image/write_exr.h"
#include "provenance/statement.h"
#include "render/deliver.h"
#include "render/plan.h"

namespace derrumbe::render {

/// The log that earlier renders left at the shot's place.
struct FormerLog {
    std::filesystem::path path;
    provenance::Statement statement;

    /// What it says of a delivered file; nullptr where it does not name it.
    const provenance::Subject* subject(const std::string& file) const;
};

/// Nothing where there is no log, or something else of that name.
std::optional<FormerLog> readFormerLog(const std::filesystem::path& path);

/// The same of a log's text that stood at `path`.
std::optional<FormerLog> readFormerLog(const std::filesystem::path& path, const std::string& text);

/// A digest of every sample that an EXR holds: SHA-256 over the channels in the order of their
/// names, each its name, its type and its bytes. Goes into the header, where it says whether pixels
/// were changed since; the same before writing and after reading wherever nothing is lost.
std::string storedPixelHash(const image::ExrOutput& output);

/// The same of a file, as it is read.
std::string storedPixelHash(const image::PlateImage& file);

/// The log's entry of a frame that is there already, made by the same content (its header's
/// `derrumbe/contentHash`) and unchanged since: byte for byte where the former log names it, else
/// (a render that was killed before it wrote its log) by the pixel digest in its header. Nothing
/// for any other file: headers survive the tools that change pixels.
std::optional<Delivered> keptFrame(const RenderPlan& plan, const FrameJob& job,
                                   const std::string& contentHash,
                                   const std::optional<FormerLog>& former);

/// Keeps a log that describes files of other content than `contentHash` which are still there and
/// not among `frames`: copies it to NAME.HASH.json, as it is about to be replaced. Returns the
/// copy's path and the frames, empty where there was no need.
struct SetAside {
    std::filesystem::path path;
    FrameList frames;
};
SetAside setAsideForeign(const std::optional<FormerLog>& former, const std::string& contentHash,
                         const std::vector<Delivered>& frames);

}  // namespace derrumbe::render
