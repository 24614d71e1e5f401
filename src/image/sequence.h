#pragma once
#include <string>
#include <vector>

namespace derrumbe::image {

/// A path with a place for the frame number, or one file that is held for every frame.
///
/// support/frame_token.h has the table of places. User text never reaches a printf, and
/// OpenImageIO's own sequence functions, which abort on a stray `%`, are not used.
class SequencePath {
  public:
    /// Never throws; a path without a token is a single file.
    static SequencePath parse(const std::string& path);

    /// The one sequence (or single picture) that a folder holds, whatever it is called: the last
    /// digits of a name are the frame's number. Hidden files, and files that are no pictures by
    /// their extension, do not count. Throws Error(Input) where the folder cannot be read, holds no
    /// picture, or more than one sequence (listing them).
    static SequencePath inFolder(const std::string& folder);

    bool isSequence() const { return isSequence_; }
    /// The file of a frame. A negative number fills the whole field: -5 in four digits is `-005`,
    /// as printf and the usual players write it. A single file is the same for every frame.
    std::string file(int frame) const;
    /// Frames whose files are there, ascending; only names that `file` would give count (`%04d`
    /// does not match `00005`). Empty for a single file and where the folder cannot be read.
    std::vector<int> existing() const;
    /// The path as it was given.
    const std::string& pattern() const { return pattern_; }
    /// Digits of the number, 0 for a single file.
    int width() const { return width_; }

  private:
    std::string pattern_, before_, after_;
    int width_ = 0;
    bool isSequence_ = false;
};

}  // namespace derrumbe::image
