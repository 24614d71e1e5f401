#include "image/cryptomatte.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "support/atomic_file.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const PlateProbe& image, const std::string& why) {
    throw Error(ExitCode::Input, cat("the Cryptomatte ", image.file, ": ", why));
}

std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

/// A flat JSON object {"name": "8 hex digits", ...}; `position` and what follows are checked as
/// they are read, so that no input does worse than "false".
class ManifestReader {
  public:
    explicit ManifestReader(const std::string& text) : text_(text) {}

    bool read(std::map<std::string, std::uint32_t>& manifest) {
        if (!take('{')) return false;
        if (take('}')) return true;
        do {
            std::string name, hex;
            if (!string(name) || !take(':') || !string(hex)) return false;
            if (hex.empty() || hex.size() > 8 ||
                hex.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
                return false;
            manifest[name] = static_cast<std::uint32_t>(std::stoul(hex, nullptr, 16));
        } while (take(','));
        return take('}');
    }

  private:
    void skipSpace() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    }

    bool take(char c) {
        skipSpace();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    bool string(std::string& out) {
        if (!take('"')) return false;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') return true;
            if (c != '\\') {
                out += c;
            } else if (!escape(out)) {
                return false;
            }
        }
        return false;
    }

    bool hex4(std::uint32_t& code) {
        if (at_ + 4 > text_.size()) return false;
        const std::string digits = text_.substr(at_, 4);
        if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return false;
        code = static_cast<std::uint32_t>(std::stoul(digits, nullptr, 16));
        at_ += 4;
        return true;
    }

    bool escape(std::string& out) {
        if (at_ >= text_.size()) return false;
        const char c = text_[at_++];
        static const std::string plain = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
        if (const size_t found = plain.find(c); found != std::string::npos) {
            out += meant[found];
            return true;
        }
        std::uint32_t code = 0, low = 0;
        if (c != 'u' || !hex4(code)) return false;
        if (code >= 0xD800 && code < 0xDC00) {
            if (text_.compare(at_, 2, "\\u") != 0) return false;
            at_ += 2;
            if (!hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        appendUtf8(out, code);
        return true;
    }

    static void appendUtf8(std::string& out, std::uint32_t code) {
        if (code < 0x80) {
            out += static_cast<char>(code);
            return;
        }
        const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        static const std::uint32_t lead[] = {0, 0xC0, 0xE0, 0xF0};
        out += static_cast<char>(lead[more] | code >> (6 * more));
        for (int i = more - 1; i >= 0; --i)
            out += static_cast<char>(0x80 | (code >> (6 * i) & 0x3F));
    }

    const std::string& text_;
    size_t at_ = 0;
};

/// The header's entry of a layer: cryptomatte/KEY/name and its neighbours.
struct LayerEntry {
    std::string key, name;
};

LayerEntry findLayer(const PlateProbe& image, const std::string& layer) {
    std::string known;
    for (const ExrAttribute& attribute : image.header->attributes) {
        if (attribute.name.rfind("cryptomatte/", 0) != 0 || attribute.name.size() < 18) continue;
        const size_t slash = attribute.name.find('/', 12);
        if (slash == std::string::npos || attribute.name.substr(slash) != "/name") continue;
        // Renderers differ in the layer's case (Arnold: crypto_object).
        if (lower(attribute.value) == lower(layer))
            return {attribute.name.substr(0, slash), attribute.value};
        known += (known.empty() ? "" : ", ") + attribute.value;
    }
    fail(image, cat("there is no layer '", layer, "'; ",
                    known.empty() ? "it holds no Cryptomatte: check the file" : "it has " + known));
}

void checkEncoding(const PlateProbe& image, const LayerEntry& entry) {
    const std::string hash = image.header->text(entry.key + "/hash").value_or("MurmurHash3_32");
    const std::string conversion =
        image.header->text(entry.key + "/conversion").value_or("uint32_to_float32");
    if (hash != "MurmurHash3_32" || conversion != "uint32_to_float32")
        fail(image, cat("its ids are made with ", hash, " and ", conversion,
                        "; only MurmurHash3_32 and uint32_to_float32 are known"));
}

std::string manifestText(const PlateProbe& image, const LayerEntry& entry) {
    if (const auto text = image.header->text(entry.key + "/manifest")) return *text;
    const auto file = image.header->text(entry.key + "/manif_file");
    if (!file || file->empty()) return {};
    // The header is input: its path must not lead out of the picture's folder.
    const fs::path relative = fs::path(*file).lexically_normal();
    if (relative.is_absolute() || *relative.begin() == "..")
        fail(image, cat("its manifest '", *file, "' lies outside the picture's folder"));
    return readFile(fs::path(image.file).parent_path() / relative, ExitCode::Input);
}

std::set<std::uint32_t> wantedIds(const PlateProbe& image, const LayerEntry& entry,
                                  const std::vector<std::string>& names) {
    std::set<std::uint32_t> ids;
    std::map<std::string, std::uint32_t> manifest;
    const std::string text = manifestText(image, entry);
    if (!text.empty() && !ManifestReader(text).read(manifest))
        fail(image, "its manifest is damaged; render it again");
    if (names.empty()) fail(image, "no names are given; list them as cryptomatte.names");
    for (const std::string& name : names) {
        bool found = false;
        for (const auto& [known, id] : manifest)
            if (matchesWildcard(name, known)) {
                ids.insert(id);
                found = true;
            }
        if (found) continue;
        const bool wildcard = name.find_first_of("*?") != std::string::npos;
        if (wildcard && manifest.empty())
            fail(image, cat("'", name, "' has a wildcard, but there is no manifest to look in; ",
                            "write the names out"));
        if (!manifest.empty()) {
            std::vector<std::string> known;
            for (const auto& [each, id] : manifest) known.push_back(each);
            const std::string meant = nearest(name, known);
            fail(image,
                 cat("layer ", entry.name, " has no object '", name, "'",
                     meant.empty() ? "; check the spelling" : "; did you mean '" + meant + "'?"));
        }
        ids.insert(cryptomatteId(name));
    }
    return ids;
}

/// Pairs of channels that hold an id and its coverage, in rank order.
std::vector<std::pair<int, int>> rankChannels(const PlateProbe& image, const LayerEntry& entry) {
    const auto find = [&](const std::string& layer, const char* letter, const char* word) {
        for (size_t c = 0; c < image.channels.size(); ++c) {
            const std::string name = lower(image.channels[c]);
            if (name == layer + "." + letter || name == layer + "." + word)
                return static_cast<int>(c);
        }
        return -1;
    };
    std::vector<std::pair<int, int>> ranks;
    for (int i = 0; i < 100; ++i) {
        const std::string layer = lower(entry.name) + (i < 10 ? "0" : "") + std::to_string(i);
        const int r = find(layer, "r", "red"), g = find(layer, "g", "green");
        const int b = find(layer, "b", "blue"), a = find(layer, "a", "alpha");
        if (r < 0 || g < 0) break;
        ranks.emplace_back(r, g);
        if (b >= 0 && a >= 0) ranks.emplace_back(b, a);
    }
    if (ranks.empty())
        fail(image, cat("the channels of layer ", entry.name, " (", entry.name,
                        "00.R ...) are not there; was the file saved without them?"));
    for (const auto& [id, coverage] : ranks)
        if (image.types[id] != PixelType::Float && image.types[id] != PixelType::UInt32)
            fail(image, cat("the ids in ", image.channels[id], " are stored as ",
                            text(image.types[id]), ", which destroys them; write 32-bit float"));
    return ranks;
}

}  // namespace

std::uint32_t murmurHash3(const std::string& bytes, std::uint32_t seed) {
    constexpr std::uint32_t c1 = 0xcc9e2d51, c2 = 0x1b873593;
    std::uint32_t h = seed;
    const auto mix = [&](std::uint32_t k) { return std::rotl(k * c1, 15) * c2; };
    const auto byte = [&](size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
    };
    const size_t blocks = bytes.size() / 4;
    for (size_t i = 0; i < blocks; ++i) {
        h ^=
            mix(byte(4 * i) | byte(4 * i + 1) << 8 | byte(4 * i + 2) << 16 | byte(4 * i + 3) << 24);
        h = std::rotl(h, 13) * 5 + 0xe6546b64;
    }
    std::uint32_t tail = 0;
    for (size_t i = bytes.size(); i > blocks * 4; --i) tail = tail << 8 | byte(i - 1);
    if (bytes.size() % 4 != 0) h ^= mix(tail);
    h ^= static_cast<std::uint32_t>(bytes.size());
    h = (h ^ h >> 16) * 0x85ebca6b;
    h = (h ^ h >> 13) * 0xc2b2ae35;
    return h ^ h >> 16;
}

std::uint32_t cryptomatteId(const std::string& name) {
    const std::uint32_t hash = murmurHash3(name);
    const std::uint32_t exponent = hash >> 23 & 255;
    return exponent == 0 || exponent == 255 ? hash ^ 1u << 23 : hash;
}

bool matchesWildcard(const std::string& pattern, const std::string& text) {
    // Greedy with one step back to the last star: linear in practice, never exponential.
    size_t p = 0, t = 0, star = std::string::npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p, ++t;
        } else if (star != std::string::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

std::vector<float> extractCryptomatte(const PlateImage& image, const std::string& layer,
                                      const std::vector<std::string>& names) {
    const LayerEntry entry = findLayer(image, layer);
    checkEncoding(image, entry);
    const std::set<std::uint32_t> ids = wantedIds(image, entry, names);
    const auto ranks = rankChannels(image, entry);
    std::vector<float> values(static_cast<size_t>(image.data.width) * image.data.height);
    const float* pixel = image.frame.pixels.data();
    for (float& value : values) {
        for (const auto& [id, coverage] : ranks) {
            // 0 is "nothing here"; the comparison is of bits, ids may look like any number.
            const auto bits = std::bit_cast<std::uint32_t>(pixel[id]);
            if (bits != 0 && ids.count(bits) != 0) value += pixel[coverage];
        }
        pixel += image.frame.channels.size();
    }
    return values;
}

void checkCryptomatte(const PlateProbe& image, const std::string& layer,
                      const std::vector<std::string>& names) {
    const LayerEntry entry = findLayer(image, layer);
    checkEncoding(image, entry);
    wantedIds(image, entry, names);
    rankChannels(image, entry);
}

}  // namespace derrumbe::image
