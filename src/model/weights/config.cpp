#include "model/weights/config.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "support/atomic_file.h"
#include "support/strings.h"

namespace derrumbe::model {

using nlohmann::json;

struct Config::Node {
    json object = json::object();
    std::string file;
    std::string prefix;  ///< the keys above, for messages
    std::shared_ptr<std::vector<Problem>> problems;
};

namespace {

constexpr size_t kLargestFile = size_t{16} << 20;
constexpr int kDeepest = 32;
constexpr size_t kLongestList = 4096;

/// Line and column of a byte, both from 1.
Place placeOf(const std::string& text, size_t byte, const std::string& file) {
    Place place{file, 1, 1};
    for (size_t i = 0; i + 1 < byte && i < text.size(); ++i) {
        if (text[i] == '\n') {
            ++place.line;
            place.column = 1;
        } else {
            ++place.column;
        }
    }
    return place;
}

}  // namespace

Config Config::parse(const std::string& text, const std::string& name) {
    Config config;
    config.node_ = std::make_shared<Node>();
    config.node_->file = name;
    config.node_->problems = std::make_shared<std::vector<Problem>>();
    try {
        config.node_->object = json::parse(text, [&](int depth, json::parse_event_t, json&) {
            if (depth > kDeepest) throw Error(ExitCode::Model, "nested too deeply", {name});
            return true;
        });
    } catch (const json::exception& fault) {
        const auto* parse = dynamic_cast<const json::parse_error*>(&fault);
        throw Error(ExitCode::Model, "not valid JSON",
                    parse != nullptr ? placeOf(text, parse->byte, name) : Place{name});
    }
    if (!config.node_->object.is_object())
        throw Error(ExitCode::Model, "a JSON object was expected", {name});
    return config;
}

Config Config::read(const std::filesystem::path& file) {
    return parse(readFile(file, ExitCode::Model, kLargestFile), file.string());
}

bool Config::has(const std::string& key) const {
    const auto found = node_->object.find(key);
    return found != node_->object.end() && !found->is_null();
}

std::vector<std::string> Config::keys() const {
    std::vector<std::string> names;
    for (const auto& item : node_->object.items()) names.push_back(item.key());
    return names;
}

const std::string& Config::file() const {
    return node_->file;
}
const std::vector<Problem>& Config::problems() const {
    return *node_->problems;
}

void Config::problem(const std::string& key, const std::string& message) const {
    node_->problems->push_back(
        {ExitCode::Model, node_->prefix + key + ": " + message, {node_->file}});
}

void Config::throwIfProblems() const {
    if (!node_->problems->empty()) throw Error(*node_->problems);
}

namespace {

/// Reads a whole number; floats that are whole count, as Python writes 3.0 now and then.
bool wholeNumber(const json& value, int64_t& out) {
    if (value.is_number_unsigned()) {
        if (value.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
            return false;
        out = value.get<int64_t>();
        return true;
    }
    if (value.is_number_integer()) {
        out = value.get<int64_t>();
        return true;
    }
    if (!value.is_number_float()) return false;
    const double number = value.get<double>();
    if (!(std::abs(number) < 9e15) || number != std::floor(number)) return false;
    out = static_cast<int64_t>(number);
    return true;
}

}  // namespace

int64_t Config::integer(const std::string& key, int64_t fallback, int64_t low, int64_t high) const {
    if (!has(key)) return fallback;
    int64_t value = 0;
    if (!wholeNumber(node_->object[key], value)) {
        problem(key, "a whole number was expected");
        return fallback;
    }
    if (value < low || value > high) {
        problem(key, cat(value, " is outside ", low, "..", high));
        return fallback;
    }
    return value;
}

double Config::number(const std::string& key, double fallback, double low, double high) const {
    if (!has(key)) return fallback;
    const json& value = node_->object[key];
    if (!value.is_number()) {
        problem(key, "a number was expected");
        return fallback;
    }
    const double number = value.get<double>();
    if (!(number >= low && number <= high)) {
        problem(key, cat(number, " is outside ", low, "..", high));
        return fallback;
    }
    return number;
}

std::string Config::text(const std::string& key, const std::string& fallback) const {
    if (!has(key)) return fallback;
    const json& value = node_->object[key];
    if (!value.is_string()) {
        problem(key, "a text was expected");
        return fallback;
    }
    return value.get<std::string>();
}

bool Config::flag(const std::string& key, bool fallback) const {
    if (!has(key)) return fallback;
    const json& value = node_->object[key];
    if (!value.is_boolean()) {
        problem(key, "true or false was expected");
        return fallback;
    }
    return value.get<bool>();
}

std::vector<int64_t> Config::integers(const std::string& key, const std::vector<int64_t>& fallback,
                                      int64_t low, int64_t high) const {
    if (!has(key)) return fallback;
    const json& list = node_->object[key];
    if (!list.is_array() || list.size() > kLongestList) {
        problem(key, "a list of whole numbers was expected");
        return fallback;
    }
    std::vector<int64_t> values;
    for (const json& item : list) {
        int64_t value = 0;
        if (!wholeNumber(item, value) || value < low || value > high) {
            problem(key, cat("a list of whole numbers in ", low, "..", high, " was expected"));
            return fallback;
        }
        values.push_back(value);
    }
    return values;
}

std::vector<double> Config::numbers(const std::string& key,
                                    const std::vector<double>& fallback) const {
    if (!has(key)) return fallback;
    const json& list = node_->object[key];
    std::vector<double> values;
    bool good = list.is_array() && list.size() <= kLongestList;
    for (size_t i = 0; good && i < list.size(); ++i) {
        good = list[i].is_number() && std::isfinite(list[i].get<double>());
        if (good) values.push_back(list[i].get<double>());
    }
    if (good) return values;
    problem(key, "a list of finite numbers was expected");
    return fallback;
}

std::vector<bool> Config::flags(const std::string& key, const std::vector<bool>& fallback) const {
    if (!has(key)) return fallback;
    const json& list = node_->object[key];
    std::vector<bool> values;
    bool good = list.is_array() && list.size() <= kLongestList;
    for (size_t i = 0; good && i < list.size(); ++i) {
        good = list[i].is_boolean();
        if (good) values.push_back(list[i].get<bool>());
    }
    if (good) return values;
    problem(key, "a list of true and false was expected");
    return fallback;
}

std::vector<std::string> Config::texts(const std::string& key,
                                       const std::vector<std::string>& fallback) const {
    if (!has(key)) return fallback;
    const json& list = node_->object[key];
    std::vector<std::string> values;
    bool good = list.is_array() && list.size() <= kLongestList;
    for (size_t i = 0; good && i < list.size(); ++i) {
        good = list[i].is_string();
        if (good) values.push_back(list[i].get<std::string>());
    }
    if (good) return values;
    problem(key, "a list of texts was expected");
    return fallback;
}

Config Config::object(const std::string& key) const {
    Config child;
    child.node_ = std::make_shared<Node>();
    child.node_->file = node_->file;
    child.node_->prefix = node_->prefix + key + ".";
    child.node_->problems = node_->problems;
    if (has(key)) {
        if (node_->object[key].is_object()) {
            child.node_->object = node_->object[key];
        } else {
            problem(key, "an object was expected");
        }
    }
    return child;
}

}  // namespace derrumbe::model
