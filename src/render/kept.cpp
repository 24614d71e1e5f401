#include "render/kept.h"

#include <algorithm>
#include <set>

#include "provenance/digest.h"
#include "render/inputs.h"
#include "support/atomic_file.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace fs = std::filesystem;

namespace {

/// As the former log has it: events that concern this frame's pixels stay true while they do.
Delivered fromLog(const FormerLog& former, const provenance::Subject& subject) {
    Delivered delivered;
    delivered.sha256 = subject.sha256;
    delivered.pixelSha256 = subject.pixelSha256;
    delivered.generatedShare = subject.generatedShare.value_or(0);
    for (const provenance::Event& event : former.statement.events)
        if (event.frame && event.frame == subject.frame &&
            (event.kind == "clamped" || event.kind == "held"))
            delivered.events.push_back(event);
    return delivered;
}

}  // namespace

const provenance::Subject* FormerLog::subject(const std::string& file) const {
    const fs::path folder = fs::absolute(path).lexically_normal().parent_path();
    const fs::path wanted = fs::absolute(file).lexically_normal();
    // Names are relative to the log's folder where they can be.
    const std::string absolute = wanted.generic_string(),
                      relative = wanted.lexically_relative(folder).generic_string();
    for (const provenance::Subject& subject : statement.subjects)
        if (subject.name == relative || subject.name == absolute) return &subject;
    return nullptr;
}

std::optional<FormerLog> readFormerLog(const fs::path& path) {
    std::error_code unknown;
    if (!fs::is_regular_file(path, unknown)) return std::nullopt;
    try {
        return readFormerLog(path, readFile(path));
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::optional<FormerLog> readFormerLog(const fs::path& path, const std::string& text) {
    try {
        return FormerLog{path, provenance::readStatement(text, path.string())};
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::string storedPixelHash(const image::ExrOutput& output) {
    std::vector<const image::ExrChannel*> channels;
    for (const image::ExrChannel& channel : output.channels) channels.push_back(&channel);
    std::sort(channels.begin(), channels.end(),
              [](const auto* a, const auto* b) { return a->name < b->name; });
    provenance::Sha256 hash;
    for (const image::ExrChannel* channel : channels)
        hash.update(cat(channel->name, "\n", image::text(channel->type), "\n"))
            .update(channel->samples.data(), channel->samples.size());
    return hash.hex();
}

std::string storedPixelHash(const image::PlateImage& file) {
    std::vector<image::PixelType> types;
    for (const image::PixelType type : file.types) types.push_back(image::exrTypeFor(type));
    image::ExrOutput output;
    image::addFrame(output, file.frame, types);
    return storedPixelHash(output);
}

std::optional<Delivered> keptFrame(const RenderPlan& plan, const FrameJob& job,
                                   const std::string& contentHash,
                                   const std::optional<FormerLog>& former) {
    std::error_code unknown;
    if (!fs::is_regular_file(job.output, unknown)) return std::nullopt;
    Delivered delivered;
    try {
        const auto header = image::probe(job.output).header;
        if (header->text("derrumbe/contentHash") != contentHash) return std::nullopt;
        const bool known = former && former->statement.contentSha256 == contentHash;
        const provenance::Subject* subject = known ? former->subject(job.output) : nullptr;
        const std::string sha256 = provenance::sha256File(job.output);
        if (subject) {
            if (subject->sha256 != sha256) return std::nullopt;
            delivered = fromLog(*former, *subject);
        } else {
            const image::PlateImage file = image::readPlate(job.output);
            if (header->text("derrumbe/pixelHash") != storedPixelHash(file)) return std::nullopt;
            delivered.sha256 = sha256;
            delivered.pixelSha256 = provenance::sha256Pixels(file.frame);
            if (job.generated && !plan.region.crop.empty())
                delivered.generatedShare = readJobMatte(plan, job).coverage();
        }
    } catch (const Error& error) {
        if (error.code() == ExitCode::Memory) throw;
        return std::nullopt;  // somebody else's file of that name: it is rendered again
    }
    delivered.frame = job.frame;
    delivered.file = job.output;
    delivered.kept = true;
    return delivered;
}

SetAside setAsideForeign(const std::optional<FormerLog>& former, const std::string& contentHash,
                         const std::vector<Delivered>& frames) {
    SetAside aside;
    if (!former || former->statement.contentSha256 == contentHash) return aside;
    std::set<const provenance::Subject*> ours;
    for (const Delivered& frame : frames) ours.insert(former->subject(frame.file));
    for (const provenance::Subject& subject : former->statement.subjects) {
        const fs::path file = fs::absolute(former->path).parent_path() / subject.name;
        std::error_code unknown;
        if (ours.count(&subject) || !subject.frame || !fs::is_regular_file(file, unknown)) continue;
        if (provenance::sha256File(file) == subject.sha256) aside.frames.push_back(*subject.frame);
    }
    if (aside.frames.empty()) return aside;
    const fs::path& path = former->path;
    aside.path = path.parent_path() / cat(path.stem().string(), ".",
                                          former->statement.contentSha256.substr(0, 8),
                                          path.extension().string());
    writeTextAtomically(aside.path, readFile(path));
    return aside;
}

}  // namespace derrumbe::render
