#pragma once
#include <cstdint>
#include <string>
#include <vector>

/// A GGUF file written field by field, so that a test can get any of them wrong.
struct GgufBytes {
    struct Tensor {
        std::string name;
        std::vector<uint64_t> sizes;  ///< fastest first, as in the file
        uint32_t type = 0;
        uint64_t offset = 0;
    };
    uint32_t version = 3;
    std::vector<std::string> metadata;  ///< whole entries: text(...), number(...)
    std::vector<Tensor> tensors;
    std::string data;
    uint64_t claimedTensors = 0, claimedValues = 0;  ///< 0: as many as there are

    template <class T>
    static std::string raw(T value) {
        return {reinterpret_cast<const char*>(&value), sizeof value};
    }
    static std::string string(const std::string& text) { return raw<uint64_t>(text.size()) + text; }
    static std::string text(const std::string& key, const std::string& value) {
        return string(key) + raw<uint32_t>(8) + string(value);
    }
    template <class T>
    static std::string number(const std::string& key, uint32_t type, T value) {
        return string(key) + raw(type) + raw(value);
    }
    template <class T>
    static std::string numbers(const std::string& key, uint32_t type,
                               const std::vector<T>& values) {
        std::string entry = string(key) + raw<uint32_t>(9) + raw(type);
        entry += raw<uint64_t>(values.size());
        for (const T value : values) entry += raw(value);
        return entry;
    }

    /// Everything before the data, padded to 32 bytes.
    std::string header() const {
        std::string all = "GGUF" + raw(version);
        all += raw<uint64_t>(claimedTensors != 0 ? claimedTensors : tensors.size());
        all += raw<uint64_t>(claimedValues != 0 ? claimedValues : metadata.size());
        for (const std::string& entry : metadata) all += entry;
        for (const Tensor& tensor : tensors) {
            all += string(tensor.name) + raw(static_cast<uint32_t>(tensor.sizes.size()));
            for (const uint64_t size : tensor.sizes) all += raw(size);
            all += raw(tensor.type) + raw(tensor.offset);
        }
        all.append((32 - all.size() % 32) % 32, '\0');
        return all;
    }
    std::string bytes() const { return header() + data; }
};
