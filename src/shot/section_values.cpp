#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "shot/characters.h"
#include "shot/section.h"
#include "support/strings.h"

/// Scalars that mean something: numbers, choices, ranges, rates, boxes.
namespace derrumbe::shot {

namespace {

/// All of `text` as a number; none where anything is left over. One leading + is allowed.
template <class Value>
std::optional<Value> parseAll(const std::string& text) {
    const char* first = text.data();
    const char* last = first + text.size();
    if (text.size() > 1 && *first == '+' && first[1] != '-') ++first;
    Value value{};
    const std::from_chars_result result = std::from_chars(first, last, value);
    if (result.ec != std::errc() || result.ptr != last) return std::nullopt;
    return value;
}

std::string plainNumber(double value) {
    char buffer[32];
    const std::to_chars_result result = std::to_chars(buffer, buffer + sizeof buffer, value);
    return std::string(buffer, result.ptr);
}

std::string rangeText(const Key& key) {
    if (key.minimum == key.maximum) return plainNumber(key.minimum);
    return "in " + plainNumber(key.minimum) + " to " + plainNumber(key.maximum);
}

std::string choiceText(const Key& key) {
    std::string all;
    for (const std::string& choice : key.choices) all += (all.empty() ? "" : " | ") + choice;
    return all;
}

}  // namespace

std::optional<int> Section::whole(const std::string& name) const {
    const KeyType type = key(name).type;
    const std::string word = type == KeyType::WholeOrAuto  ? "auto"
                             : type == KeyType::WholeOrOff ? "off"
                                                           : "";
    const std::string wanted =
        cat("a whole number ", rangeText(key(name)), word.empty() ? "" : " or " + word);
    const Node* node = scalar(name, wanted.c_str());
    if (node == nullptr || (!word.empty() && node->text == word)) return std::nullopt;
    const std::optional<int> value = node->quoted ? std::nullopt : parseAll<int>(node->text);
    if (value && *value >= key(name).minimum && *value <= key(name).maximum) return value;
    wrong(name, *node, wanted);
    return std::nullopt;
}

std::optional<std::uint64_t> Section::seed(const std::string& name) const {
    const char* wanted = "a whole number in 0 to 18446744073709551615";
    const Node* node = scalar(name, wanted);
    if (node == nullptr) return std::nullopt;
    const std::optional<std::uint64_t> value =
        node->quoted ? std::nullopt : parseAll<std::uint64_t>(node->text);
    if (!value) wrong(name, *node, wanted);
    return value;
}

std::optional<double> Section::number(const std::string& name) const {
    const std::string wanted = cat("a number ", rangeText(key(name)));
    const Node* node = scalar(name, wanted.c_str());
    if (node == nullptr) return std::nullopt;
    const std::optional<double> value = node->quoted ? std::nullopt : parseAll<double>(node->text);
    // a NaN fails both comparisons
    if (value && *value >= key(name).minimum && *value <= key(name).maximum)
        return *value + 0.0;  // -0 becomes 0
    wrong(name, *node, wanted);
    return std::nullopt;
}

std::optional<Curve::Key> Section::curveKey(const std::string& name, const std::string& entry,
                                            const Node& item) const {
    const std::string wanted = cat("{frame: a frame, value: a number ", rangeText(key(name)), "}");
    const Node *frame = item.find("frame"), *value = item.find("value");
    const auto number = [](const Node* node) {
        return node != nullptr && node->kind == Node::Kind::Scalar && !node->quoted;
    };
    if (item.kind == Node::Kind::Map && item.keys.size() == 2 && number(frame) && number(value)) {
        const Key& onset = *findKey("onset");  // the same bounds for every frame number
        const std::optional<int> at = parseAll<int>(frame->text);
        const std::optional<double> level = parseAll<double>(value->text);
        // a NaN fails both comparisons
        if (at && *at >= onset.minimum && *at <= onset.maximum && level &&
            *level >= key(name).minimum && *level <= key(name).maximum)
            return Curve::Key{*at, *level + 0.0};  // -0 becomes 0
    }
    wrong(entry, item, wanted);
    return std::nullopt;
}

std::optional<Curve> Section::curve(const std::string& name) const {
    const Node* node = find(name);
    Curve curve;
    if (node != nullptr && node->kind == Node::Kind::List && !node->items.empty()) {
        for (size_t i = 0; i < node->items.size(); ++i) {
            const Node& item = node->items[i];
            const std::string entry = cat(name, ".", i);
            reading_->places[below(entry)] = item.place;
            const std::optional<Curve::Key> one = curveKey(name, entry, item);
            if (!one) continue;
            if (!curve.keys.empty() && one->frame <= curve.keys.back().frame) {
                reading_->problems.error(ExitCode::Usage,
                                         cat(below(entry), ": frame ", one->frame,
                                             " does not come after the one before "
                                             "it, ",
                                             curve.keys.back().frame),
                                         item.place);
                continue;
            }
            curve.keys.push_back(*one);
        }
        return curve;
    }
    if (node != nullptr && node->kind != Node::Kind::Scalar) {
        wrong(name, *node, cat("a number ", rangeText(key(name)), " or a list of {frame, value}"));
        return std::nullopt;
    }
    const std::optional<double> level = number(name);
    if (!level) return std::nullopt;
    curve.constant = *level;
    return curve;
}

std::optional<bool> Section::flag(const std::string& name) const {
    const Node* node = scalar(name, "true or false");
    if (node == nullptr) return std::nullopt;
    if (!node->quoted && (node->text == "true" || node->text == "false"))
        return node->text == "true";
    wrong(name, *node, "true or false");
    return std::nullopt;
}

std::optional<size_t> Section::choice(const std::string& name) const {
    const Key& it = key(name);
    const std::string wanted = choiceText(it);
    const Node* node = scalar(name, wanted.c_str());
    if (node == nullptr) return std::nullopt;
    const auto found = std::find(it.choices.begin(), it.choices.end(), node->text);
    if (found != it.choices.end()) return static_cast<size_t>(found - it.choices.begin());
    const std::string meant = nearest(node->text, it.choices);
    reading_->problems.error(
        ExitCode::Usage,
        cat(below(name), " must be one of ", wanted, ", not ", shown(node->text),
            meant.empty() ? "" : "; did you mean " + meant + "?"),
        node->place);
    return std::nullopt;
}

std::optional<std::vector<size_t>> Section::choices(const std::string& name) const {
    const Key& it = key(name);
    const std::string wanted = "a list of " + choiceText(it);
    const Node* node = find(name);
    if (node == nullptr) return std::nullopt;
    if (node->kind != Node::Kind::List) {
        wrong(name, *node, wanted);
        return std::nullopt;
    }
    std::vector<size_t> all;
    for (const Node& item : node->items) {
        const auto found = std::find(it.choices.begin(), it.choices.end(), item.text);
        if (item.kind != Node::Kind::Scalar || found == it.choices.end()) {
            wrong(name, item, wanted);
        } else {
            all.push_back(static_cast<size_t>(found - it.choices.begin()));
        }
    }
    return all;
}

std::optional<FrameList> Section::frames(const std::string& name) const {
    const Node* node = scalar(name, "a frame range");
    if (node == nullptr) return std::nullopt;
    try {
        const Key& onset = *findKey("onset");  // the same bounds for every frame number
        FrameList list = parseFrameRange(node->text);
        if (!std::all_of(list.begin(), list.end(),
                         [&](int f) { return f >= onset.minimum && f <= onset.maximum; })) {
            throw Error(ExitCode::Usage, cat("frame numbers must be ", rangeText(onset)));
        }
        if (!list.empty()) return list;
        wrong(name, *node, "a frame range");
    } catch (const Error& error) {
        for (const Problem& problem : error.problems()) {
            reading_->problems.error(ExitCode::Usage, cat(below(name), ": ", problem.message),
                                     node->place);
        }
    }
    return std::nullopt;
}

std::optional<Rate> Section::rate(const std::string& name) const {
    const char* wanted = "frames a second: a number up to 1000 or a fraction such as 24000/1001";
    const Node* node = scalar(name, wanted);
    if (node == nullptr) return std::nullopt;
    const size_t slash = node->text.find('/');
    if (slash != std::string::npos) {
        const std::optional<int> top = parseAll<int>(node->text.substr(0, slash));
        const std::optional<int> bottom = parseAll<int>(node->text.substr(slash + 1));
        if (top && bottom && *top > 0 && *bottom > 0 && *top <= 1000000 && *bottom <= 1000000 &&
            *top <= 1000LL * *bottom) {
            const int common = std::gcd(*top, *bottom);
            return Rate{*top / common, *bottom / common};
        }
    } else if (const std::optional<double> value = parseAll<double>(node->text);
               value && !node->quoted && *value >= 0.001 && *value <= 1000) {
        // SMPTE's rates over 1001 are always written rounded to two or three places
        for (const int whole : {24, 30, 48, 60, 120}) {
            if (std::abs(*value - whole * 1000.0 / 1001) < 0.0051) return Rate{whole * 1000, 1001};
        }
        const int thousandths = static_cast<int>(std::lround(*value * 1000));
        const int common = std::gcd(thousandths, 1000);
        return Rate{thousandths / common, 1000 / common};
    }
    wrong(name, *node, wanted);
    return std::nullopt;
}

std::optional<Region> Section::region(const std::string& name) const {
    const std::string wanted = "auto, follow, full or [x, y, width, height] in plate pixels";
    key(name);
    const Node* node = find(name);
    if (node == nullptr) return std::nullopt;
    if (node->kind == Node::Kind::Scalar && node->text == "auto") return Region{};
    if (node->kind == Node::Kind::Scalar && node->text == "follow")
        return Region{RegionKind::Follow, {}};
    if (node->kind == Node::Kind::Scalar && node->text == "full")
        return Region{RegionKind::Full, {}};
    if (node->kind == Node::Kind::List && node->items.size() == 4) {
        constexpr int kFarthest = 1000000;
        int box[4] = {};
        bool good = true;
        for (size_t i = 0; i < 4; ++i) {
            const std::string& number = node->items[i].text;
            const std::from_chars_result result =
                std::from_chars(number.data(), number.data() + number.size(), box[i]);
            good = good && result.ec == std::errc() &&
                   result.ptr == number.data() + number.size() && !node->items[i].quoted &&
                   box[i] >= (i < 2 ? -kFarthest : 1) && box[i] <= kFarthest;
        }
        if (good) return Region{RegionKind::Box, {box[0], box[1], box[2], box[3]}};
    }
    wrong(name, *node, wanted);
    return std::nullopt;
}

}  // namespace derrumbe::shot
