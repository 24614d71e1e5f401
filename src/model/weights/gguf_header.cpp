#include "model/weights/gguf_header.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <set>

#include "support/error.h"
#include "support/log.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

constexpr uint32_t kInt32 = 5, kFlag = 7, kString = 8, kArray = 9;
constexpr uint32_t kMostDimensions = 8;
constexpr uint64_t kLongestName =
    1024;  ///< the specification allows 64 for tensors, 65535 for keys
constexpr uint64_t kLongestText = 1 << 16;  ///< longer metadata is skipped
constexpr uint64_t kMostAlignment = 1 << 16;
constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
const std::string kShapeKey = "comfy.gguf.orig_shape.";

/// Bytes of a metadata value of fixed size, by its type's number; 0 for strings, arrays and unknown
/// types.
uint64_t valueBytes(uint32_t type) {
    constexpr uint64_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < std::size(kBytes) ? kBytes[type] : 0;
}

class HeaderReader {
  public:
    HeaderReader(std::span<const std::byte> file, const std::string& name)
        : file_(file), name_(name) {}

    GgufHeader read() {
        if (file_.size() < 4 || std::memcmp(file_.data(), "GGUF", 4) != 0)
            refuse("it does not begin with GGUF");
        at_ = 4;
        const auto version = number<uint32_t>("its version");
        if (version == 0x02000000 || version == 0x03000000) refuse("it is big endian");
        if (version != 2 && version != 3) refuse(cat("version ", version, " is not 2 or 3"));
        const auto tensors = number<uint64_t>("the number of tensors");
        const auto values = number<uint64_t>("the number of metadata values");
        // What cannot be there is refused before anything is made for it.
        if (tensors > left() / 24) refuse(cat("it claims ", tensors, " tensors"));
        if (values > left() / 12) refuse(cat("it claims ", values, " metadata values"));
        for (uint64_t i = 0; i < values; ++i) metadata();
        for (uint64_t i = 0; i < tensors; ++i) tensor();
        place();
        return std::move(header_);
    }

  private:
    [[noreturn]] void refuse(const std::string& what) const {
        throw Error(ExitCode::Model, "not a valid GGUF file: " + what, {name_});
    }
    static std::string shown(const std::string& text) {
        return jsonQuote(text.size() > 200 ? text.substr(0, 200) + "..." : text);
    }
    uint64_t left() const { return file_.size() - at_; }

    template <class T>
    T number(const std::string& what) {
        if (left() < sizeof(T)) refuse("it ends before " + what);
        T value{};
        std::memcpy(&value, file_.data() + at_, sizeof(T));
        at_ += sizeof(T);
        return value;
    }

    std::string text(uint64_t longest, const std::string& what) {
        const auto length = number<uint64_t>(what);
        if (length > left()) refuse(cat(what, " claims ", length, " bytes"));
        const std::string value(reinterpret_cast<const char*>(file_.data()) + at_,
                                std::min(length, longest));
        at_ += length;
        if (length > longest && longest == kLongestName)
            refuse(cat(what, " is ", length, " bytes long"));
        return value;
    }

    void skip(uint64_t bytes, const std::string& what) {
        if (bytes > left()) refuse("it ends within " + what);
        at_ += bytes;
    }

    void metadata() {
        const std::string key = text(kLongestName, "a metadata key");
        const std::string what = "the value of " + shown(key);
        if (!keys_.insert(key).second) refuse(shown(key) + " is given twice");
        const auto type = number<uint32_t>(what);
        if (type == kString) {
            header_.texts[key] = text(kLongestText, what);
        } else if (type == kArray) {
            array(key, what);
        } else if (type == kFlag) {
            header_.flags[key] = number<uint8_t>(what) != 0;
        } else if (key == "general.alignment") {
            if (type != 4) refuse("general.alignment is not a 32-bit number");
            alignment_ = number<uint32_t>(what);
            if (!std::has_single_bit(alignment_) || alignment_ > kMostAlignment)
                refuse(cat("its alignment is ", alignment_));
        } else {
            if (valueBytes(type) == 0) refuse(cat(what, " has the unknown type ", type));
            skip(valueBytes(type), what);
        }
    }

    void array(const std::string& key, const std::string& what) {
        const auto type = number<uint32_t>(what);
        const auto count = number<uint64_t>(what);
        const uint64_t begin = at_;
        if (type == kString) {
            if (count > left() / 8) refuse(cat(what, " claims ", count, " texts"));
            for (uint64_t i = 0; i < count; ++i) {
                const auto length = number<uint64_t>(what);
                skip(length, what);
            }
        } else {
            const uint64_t bytes = valueBytes(type);
            if (bytes == 0) refuse(cat(what, " is an array of the unknown type ", type));
            if (count > left() / bytes) refuse(cat(what, " claims ", count, " numbers"));
            skip(count * bytes, what);
        }
        header_.arrays[key] = {type, count, file_.subspan(begin, at_ - begin)};
    }

    /// The shape that a converter has noted for a tensor; empty where it has not.
    std::vector<int64_t> noted(const std::string& tensor) const {
        const auto found = header_.arrays.find(kShapeKey + tensor);
        if (found == header_.arrays.end()) return {};
        const GgufArray& array = found->second;
        if (array.type != kInt32 || array.count > kMostDimensions)
            refuse(shown(found->first) + " is not a shape");
        std::vector<int64_t> shape;
        for (uint64_t i = 0; i < array.count; ++i) {
            int32_t size = 0;
            std::memcpy(&size, array.bytes.data() + 4 * i, 4);
            shape.push_back(size);
        }
        return shape;
    }

    void tensor() {
        GgufEntry entry;
        entry.name = text(kLongestName, "a tensor's name");
        const std::string what = shown(entry.name);
        if (!names_.insert(entry.name).second) refuse("the name " + what + " stands there twice");
        const auto dimensions = number<uint32_t>("the shape of " + what);
        if (dimensions > kMostDimensions) refuse(cat(what, " has ", dimensions, " dimensions"));
        for (uint32_t i = 0; i < dimensions; ++i) {
            const auto size = number<uint64_t>("the shape of " + what);
            if (size == 0 || size > static_cast<uint64_t>(kLargest))
                refuse(cat("a dimension of ", what, " is ", size));
            entry.shape.insert(entry.shape.begin(), static_cast<int64_t>(size));
        }
        const auto type = number<uint32_t>("the type of " + what);
        entry.begin = number<uint64_t>("the place of " + what);
        entry.type = ggufType(type);
        if (entry.type == nullptr)
            refuse(cat(what, " is of type ", type, "; those read here are ", ggufTypeNames()));
        header_.entries.push_back(std::move(entry));
    }

    /// Values of a shape; refuses one that overflows.
    int64_t values(const std::vector<int64_t>& shape, const std::string& what) const {
        int64_t product = 1;
        for (const int64_t size : shape) {
            if (size <= 0 || product > kLargest / 16 / size)
                refuse("the shape of " + what + " overflows");
            product *= size;
        }
        return product;
    }

    /// Checks every tensor's data once the alignment and all names are known.
    void place() {
        const uint64_t start = (at_ + alignment_ - 1) / alignment_ * alignment_;
        for (GgufEntry& entry : header_.entries) {
            const std::string what = shown(entry.name);
            const int64_t count = values(entry.shape, what);
            const int64_t row = entry.shape.empty() ? 1 : entry.shape.back();
            if (row % entry.type->values != 0)
                refuse(cat("rows of ", what, " are ", row, " values, ", entry.type->name,
                           " needs multiples of ", entry.type->values));
            const auto bytes =
                static_cast<uint64_t>(count / entry.type->values) * entry.type->bytes;
            if (entry.begin % alignment_ != 0) refuse("the data of " + what + " is not aligned");
            if (start > file_.size() || entry.begin > file_.size() - start ||
                bytes > file_.size() - start - entry.begin)
                refuse("the data of " + what + " lies outside the file");
            entry.begin += start;
            entry.end = entry.begin + bytes;
            const std::vector<int64_t> original = noted(entry.name);
            if (original.empty()) continue;
            if (values(original, what) != count)
                refuse("the original shape of " + what + " has another number of values");
            entry.shape = original;
        }
        std::sort(header_.entries.begin(), header_.entries.end(),
                  [](const GgufEntry& a, const GgufEntry& b) { return a.begin < b.begin; });
        for (size_t i = 1; i < header_.entries.size(); ++i)
            if (header_.entries[i].begin < header_.entries[i - 1].end)
                refuse("overlapping data at " + shown(header_.entries[i].name));
    }

    std::span<const std::byte> file_;
    const std::string& name_;
    uint64_t at_ = 0;
    uint32_t alignment_ = 32;
    GgufHeader header_;
    std::set<std::string> keys_, names_;
};

}  // namespace

GgufHeader parseGgufHeader(std::span<const std::byte> file, const std::string& name) {
    return HeaderReader(file, name).read();
}

}  // namespace derrumbe::model
