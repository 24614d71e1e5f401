#pragma once
#include <string>
#include <vector>

namespace derrumbe::shot {

/// What a key takes.
enum class KeyType {
    Group,        ///< a mapping of further keys
    Groups,       ///< a list of such mappings
    OneOrGroups,  ///< one such mapping or a list of them
    Mattes,       ///< the same, or `full`
    Whole,        ///< a whole number in [minimum, maximum]
    WholeOrAuto,  ///< the same, or `auto`
    WholeOrOff,   ///< the same, or `off`
    Seed,         ///< a whole number of 64 bits without a sign
    Number,       ///< a finite number in [minimum, maximum]
    Curve,        ///< the same, or a list of {frame: F, value: N} with F rising
    Rate,         ///< frames a second: 24, 23.976 or 24000/1001
    Flag,         ///< true | false
    Choice,       ///< one of `choices`
    Choices,      ///< a list of some of `choices`
    Name,         ///< one line of text
    Prose,        ///< text of several lines
    Path,         ///< a path, relative to the shot file
    OutputPath,   ///< the same with tokens, inside the shot's folder or absolute
    Paths,        ///< a list of paths
    Names,        ///< a list of names
    Frames,       ///< a frame range
    Region,       ///< auto | follow | full | [x, y, width, height]
    Free          ///< a mapping of anything, kept as given
};

/// One key of the shot file, for the parser, the JSON Schema and configs/README.md alike.
struct Key {
    std::string path;  ///< dotted, list entries without a number: `matte.grow`
    KeyType type = KeyType::Group;
    bool required = false;  ///< where its group is given
    std::string standard;   ///< the default as YAML, or a phrase in parentheses; empty: none
    std::string example;    ///< a YAML value
    std::string help;       ///< one sentence, ends without a full stop
    std::vector<std::string> choices = {};
    double minimum = 0, maximum = 0;  ///< of Whole, Number and Curve

    std::string name() const;    ///< the last part of the path
    std::string parent() const;  ///< the path without it; empty at the top
};

/// Every key, groups before what they hold, in the page's order.
const std::vector<Key>& keys();

/// The key of that path, or nullptr.
const Key* findKey(const std::string& path);

/// Names of the keys directly in a group; "" is the top.
const std::vector<std::string>& keyNames(const std::string& group);

}  // namespace derrumbe::shot
