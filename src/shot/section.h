#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shot/keys.h"
#include "shot/shot.h"
#include "shot/tree.h"

namespace derrumbe::shot {

/// What all sections of one file share.
struct Reading {
    Problems& problems;
    std::map<std::string, Place>& places;  ///< filled with what is given
    std::filesystem::path folder;          ///< relative paths count from it
    Place file;
};

/// One mapping of the shot file, read by key. Types, ranges and choices come from the key table;
/// what does not fit is put into `problems` and reads as not given, so that one run finds
/// everything. An empty (null) value is not given.
class Section {
  public:
    /// @param node a map, or nullptr for one that is not there: then everything reads as not given
    /// @param path as places are named, `matte.0`
    /// @param group as the key table names it, `matte`
    Section(const Node* node, std::string path, std::string group, Reading& reading);

    std::optional<std::string> text(const std::string& name) const;  ///< Name and Prose
    /// Whole, WholeOrAuto and WholeOrOff (auto, off: not given)
    std::optional<int> whole(const std::string& name) const;
    std::optional<std::uint64_t> seed(const std::string& name) const;
    std::optional<double> number(const std::string& name) const;
    std::optional<Curve> curve(const std::string& name) const;
    std::optional<bool> flag(const std::string& name) const;
    std::optional<size_t> choice(const std::string& name) const;  ///< index into the key's choices
    std::optional<std::vector<size_t>> choices(const std::string& name) const;
    std::optional<std::vector<std::string>> names(const std::string& name) const;
    std::optional<FilePath> path(const std::string& name) const;
    std::optional<std::vector<FilePath>> paths(const std::string& name) const;
    std::optional<FrameList> frames(const std::string& name) const;
    std::optional<Rate> rate(const std::string& name) const;
    std::optional<Region> region(const std::string& name) const;
    const Node* free(const std::string& name) const;  ///< a map, or nullptr

    Section group(const std::string& name) const;
    std::vector<Section> groups(
        const std::string& name) const;  ///< of a list; a lone mapping counts as a list of one
    /// The matte key's sections; none and `full` true where it says `full`.
    std::vector<Section> mattes(const std::string& name, bool& full) const;

    bool there() const { return node_ != nullptr; }
    const std::string& where() const { return path_; }

  private:
    const Node* find(const std::string& name) const;  ///< nullptr where absent or null
    const Node* scalar(const std::string& name, const char* wanted) const;
    /// One key of a curve, `item` being named `entry`; none where it is wrong.
    std::optional<Curve::Key> curveKey(const std::string& name, const std::string& entry,
                                       const Node& item) const;
    const Key& key(const std::string& name) const;
    std::string below(const std::string& name) const {
        return path_.empty() ? name : path_ + "." + name;
    }
    void wrong(const std::string& name, const Node& node, const std::string& wanted) const;
    void checkKeys() const;
    bool printable(const std::string& name, const Node& node) const;  ///< all text below, keys too
    std::optional<std::string> line(const std::string& name, const Node& node, bool lines) const;
    std::optional<FilePath> onePath(const std::string& name, const Node& node) const;

    const Node* node_;
    std::string path_, group_;
    Reading* reading_;
};

/// A path of the shot file made absolute against `folder`, lexically normal.
FilePath resolvePath(const std::string& written, const std::filesystem::path& folder);

}  // namespace derrumbe::shot
