#include "model/weights/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "model/weights/dtypes.h"
#include "support/error.h"
#include "support/log.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

constexpr size_t kMostDimensions = 16;
constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

[[noreturn]] void refuse(const std::string& file, const std::string& message) {
    throw Error(ExitCode::Model, "not a valid safetensors file: " + message, {file});
}

/// A name as it may be printed: quoted, escaped, and cut, since it is the file's word.
std::string shown(const std::string& name) {
    return jsonQuote(name.size() > 200 ? name.substr(0, 200) + "..." : name);
}

/// Takes the header token by token, so that no tree of a hostile size or depth is ever built.
class HeaderReader : public nlohmann::json::json_sax_t {
  public:
    HeaderReader(const std::string& file, SafetensorsHeader& header)
        : file_(file), header_(header) {}

    bool null() override { return unexpected(); }
    bool boolean(bool) override { return unexpected(); }
    bool number_float(double, const std::string&) override { return unexpected(); }
    bool binary(nlohmann::json::binary_t&) override { return unexpected(); }
    // nlohmann hands a negative number here, others to number_unsigned.
    bool number_integer(int64_t) override { refuse(file_, "a negative number " + where()); }

    bool number_unsigned(uint64_t value) override {
        if (!inArray_) return unexpected();
        if (field_ == "shape") {
            if (value > static_cast<uint64_t>(kLargest)) refuse(file_, "a huge shape " + where());
            if (entry_.shape.size() == kMostDimensions)
                refuse(file_, cat("more than ", kMostDimensions, " dimensions ", where()));
            entry_.shape.push_back(static_cast<int64_t>(value));
        } else {
            if (offsets_.size() == 2) refuse(file_, "data_offsets needs two numbers " + where());
            offsets_.push_back(value);
        }
        return true;
    }

    bool string(std::string& value) override {
        if (inMetadata_) {
            header_.metadata[field_] = value;
        } else if (depth_ == 2 && !inArray_ && field_ == "dtype") {
            entry_.dtype = value;
        } else {
            return unexpected();
        }
        return true;
    }

    bool start_object(size_t) override {
        if (inArray_ || depth_ == 2) return unexpected();
        ++depth_;
        if (depth_ == 2) {
            inMetadata_ = name_ == "__metadata__";
            entry_ = {};
            entry_.name = name_;
            offsets_.clear();
            fields_.clear();
        }
        return true;
    }

    bool key(std::string& value) override {
        if (depth_ == 1) {
            name_ = value;
            if (!names_.insert(value).second)
                refuse(file_, "the name " + shown(value) + " stands there twice");
            return true;
        }
        field_ = value;
        if (inMetadata_) return true;
        if (value != "dtype" && value != "shape" && value != "data_offsets")
            refuse(file_, "an unknown field " + shown(value) + " " + where());
        if (!fields_.insert(value).second) refuse(file_, "a field given twice " + where());
        return true;
    }

    bool end_object() override {
        --depth_;
        if (depth_ == 1 && !inMetadata_) {
            if (fields_.size() != 3)
                refuse(file_, "dtype, shape or data_offsets missing " + where());
            if (offsets_.size() != 2) refuse(file_, "data_offsets needs two numbers " + where());
            entry_.begin = offsets_[0];
            entry_.end = offsets_[1];
            header_.entries.push_back(std::move(entry_));
        }
        inMetadata_ = false;
        return true;
    }

    bool start_array(size_t) override {
        if (inArray_ || inMetadata_ || depth_ != 2 ||
            (field_ != "shape" && field_ != "data_offsets"))
            return unexpected();
        inArray_ = true;
        return true;
    }

    bool end_array() override {
        inArray_ = false;
        return true;
    }

    bool parse_error(size_t byte, const std::string&, const nlohmann::json::exception&) override {
        refuse(file_, cat("its header is not JSON at byte ", byte));
    }

  private:
    bool unexpected() const { refuse(file_, "a value of the wrong type " + where()); }
    std::string where() const { return "in the header's " + shown(name_); }

    const std::string& file_;
    SafetensorsHeader& header_;
    int depth_ = 0;
    bool inArray_ = false, inMetadata_ = false;
    std::string name_, field_;
    SafetensorsEntry entry_;
    std::vector<uint64_t> offsets_;
    std::set<std::string> names_, fields_;
};

/// Bytes that dtype and shape ask for; every intermediate product is checked, a zero in the shape
/// does not excuse an overflow elsewhere (sizes and strides are computed from all of them).
uint64_t bytesOf(const SafetensorsEntry& entry, const std::string& file) {
    at::ScalarType type{};
    if (!dtypeFromName(entry.dtype, type))
        refuse(file,
               "the dtype " + shown(entry.dtype) + " of " + shown(entry.name) + " is unknown");
    int64_t product = static_cast<int64_t>(c10::elementSize(type));
    bool empty = false;
    for (const int64_t size : entry.shape) {
        if (size == 0) {
            empty = true;
            continue;
        }
        if (product > kLargest / size)
            refuse(file, "the shape of " + shown(entry.name) + " overflows");
        product *= size;
    }
    return empty ? 0 : static_cast<uint64_t>(product);
}

}  // namespace

SafetensorsHeader parseSafetensorsHeader(std::string_view text, uint64_t dataBytes,
                                         const std::string& file) {
    SafetensorsHeader header;
    // The format asks for a brace first, so that no leading white space can hide one.
    if (text.empty() || text.front() != '{') refuse(file, "its header does not begin with {");
    HeaderReader reader(file, header);
    nlohmann::json::sax_parse(text.begin(), text.end(), &reader);

    std::sort(header.entries.begin(), header.entries.end(), [](const auto& a, const auto& b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    uint64_t covered = 0;
    for (const SafetensorsEntry& entry : header.entries) {
        if (entry.begin > entry.end || entry.end > dataBytes)
            refuse(file, "the data of " + shown(entry.name) + " lies outside the file");
        if (entry.begin != covered)
            refuse(file, (entry.begin < covered ? "overlapping data at " : "a hole before ") +
                             shown(entry.name));
        if (entry.end - entry.begin != bytesOf(entry, file))
            refuse(file, cat("the data of ", shown(entry.name), " is ", entry.end - entry.begin,
                             " bytes, its shape asks for ", bytesOf(entry, file)));
        covered = entry.end;
    }
    if (covered != dataBytes)
        refuse(file, cat(dataBytes - covered, " bytes at its end belong to no tensor"));
    return header;
}

}  // namespace derrumbe::model
