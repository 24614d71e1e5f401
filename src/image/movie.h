#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "image/picture.h"

namespace derrumbe::image {

/// Writes an H.264 movie by piping raw pictures into `ffmpeg`, which is started without a shell.
/// The file appears under its name when finish() has succeeded; otherwise nothing is left.
class MovieWriter {
  public:
    /// `path` ends in .mp4 or .mov. Throws Error(Output) where ffmpeg cannot be started, saying
    /// what to install, and Error(Usage) for another ending.
    MovieWriter(const std::filesystem::path& path, double fps);
    ~MovieWriter();
    MovieWriter(const MovieWriter&) = delete;
    MovieWriter& operator=(const MovieWriter&) = delete;

    /// Pictures of one size; an odd size loses its last column or row (H.264 codes pairs). Throws
    /// Error(Output) with ffmpeg's last words where it ends early.
    void add(const Picture& picture);
    void finish();

  private:
    struct Process;
    std::unique_ptr<Process> process_;
};

}  // namespace derrumbe::image
