// The published sizes: names and shapes of whole checkpoints, as files without data.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../weights/gguf_bytes.h"
#include "model/video_model.h"
#include "model/wan/wan_folder.h"
#include "support/strings.h"

using namespace derrumbe;
using namespace derrumbe::model;
namespace fs = std::filesystem;

namespace {

struct Named {
    std::string name;
    std::vector<uint64_t> shape;
};

/// A file of structures_0 with the names of its column `which` (0: diffusers', 1: Wan's, ...).
std::vector<Named> structure(const std::string& file, int which, int columns = 2) {
    std::ifstream in(fs::path(DERRUMBE_TEST_DATA) / "structures_0" / file);
    std::vector<Named> all;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::vector<std::string> names(columns);
        for (std::string& name : names) words >> name;
        int count = 0;
        words >> count;
        Named tensor{names[which], {}};
        for (uint64_t size = 0; words >> size;) tensor.shape.push_back(size);
        const size_t star = tensor.name.find('*');
        for (int i = 0; i < count; ++i) {
            all.push_back(tensor);
            if (star != std::string::npos) all.back().name.replace(star, 1, std::to_string(i));
        }
    }
    return all;
}

/// A folder of files as long as their headers say, of which the disk holds the headers alone.
struct Sparse {
    fs::path path;
    Sparse() {
        std::string name = (fs::temp_directory_path() / "sparse_XXXXXX").string();
        path = ::mkdtemp(name.data());
        std::ofstream(path / "spiece.model") << "not read here";
    }
    ~Sparse() { fs::remove_all(path); }

    void safetensors(const std::string& file, const std::vector<Named>& tensors,
                     const std::string& dtype = "BF16", uint64_t bytes = 2) const {
        std::string header = "{";
        uint64_t at = 0;
        for (const Named& tensor : tensors) {
            std::string shape;
            uint64_t size = bytes;
            for (const uint64_t axis : tensor.shape) {
                shape += cat(shape.empty() ? "" : ",", axis);
                size *= axis;
            }
            header +=
                cat(header.size() > 1 ? "," : "", "\"", tensor.name, "\":{\"dtype\":\"", dtype,
                    "\",\"shape\":[", shape, "],\"data_offsets\":[", at, ",", at + size, "]}");
            at += size;
        }
        header += "}";
        write(file, GgufBytes::raw<uint64_t>(header.size()) + header, at);
    }

    /// Matrices of whole blocks as Q4_K, the rest as F32.
    void gguf(const std::string& file, const std::vector<Named>& tensors) const {
        GgufBytes bytes;
        bytes.metadata = {GgufBytes::text("general.architecture", "wan")};
        uint64_t at = 0;
        for (const Named& tensor : tensors) {
            GgufBytes::Tensor entry{tensor.name, {}, 0, at};
            entry.sizes.assign(tensor.shape.rbegin(), tensor.shape.rend());
            uint64_t count = 1;
            for (const uint64_t axis : tensor.shape) count *= axis;
            const bool blocks = tensor.shape.size() == 2 && tensor.shape[1] % 256 == 0;
            entry.type = blocks ? 12 : 0;
            at += (blocks ? count / 256 * 144 : count * 4) + 31;
            at -= at % 32;
            bytes.tensors.push_back(entry);
        }
        write(file, bytes.header(), at);
    }

  private:
    void write(const std::string& file, const std::string& header, uint64_t data) const {
        std::ofstream(path / file, std::ios::binary) << header;
        fs::resize_file(path / file, header.size() + data);
    }
};

std::string all(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
}

}  // namespace

TEST_CASE("the published checkpoints load by name and shape, in their own layouts",
          "[structures]") {
    struct Size {
        const char* file;
        size_t tensors;
        int layers, heads, ffn, vaceLayers, stride;
        std::uint64_t parameters;
    };
    // Tensors and parameters: diffusers 0.42.1 with the published configurations.
    const Size sizes[] = {{"transformer_1.3b.txt", 1264, 30, 12, 8960, 15, 2, 2153972032},
                          {"transformer_14b.txt", 1331, 40, 40, 13824, 8, 5, 0}};
    for (const Size& size : sizes) {
        INFO(size.file);
        const std::vector<Named> original = structure(size.file, 1);
        REQUIRE(original.size() == size.tensors);
        const auto check = [&](const Sparse& folder) {
            folder.safetensors("vae", structure("vae.txt", 1), "F32", 4);
            folder.safetensors("t5", structure("text_encoder.txt", 1, 3));
            CHECK(all(checkModel(folder.path)) == "");
            const WanFolder read = readWanFolder(folder.path);
            const Description& d = read.description;
            CHECK(d.layers == size.layers);
            CHECK(d.heads == size.heads);
            CHECK(d.headSize == 128);
            CHECK(d.ffn == size.ffn);
            CHECK(d.vaceLayers == size.vaceLayers);
            CHECK(read.transformer.vaceLayers[1] == size.stride);
            CHECK(d.textWidth == 4096);
            CHECK(read.text.layers == 24);
            CHECK(read.text.vocabulary == 256384);
            CHECK(read.text.headSize == 64);
            CHECK(read.vae.widths == std::vector<int64_t>{1, 2, 4, 4});
            CHECK(read.vae.halveTime == std::vector<bool>{false, true, true});
            if (size.parameters != 0) CHECK(d.transformerParameters == size.parameters);
        };
        {
            const Sparse folder;
            folder.safetensors("t", original);
            check(folder);
        }
        {
            const Sparse folder;
            std::vector<Named> prefixed = original;
            for (Named& tensor : prefixed) tensor.name = "model.diffusion_model." + tensor.name;
            folder.safetensors("t", prefixed, "F8_E4M3", 1);
            check(folder);
        }
        {
            // The VACE layers in a file of their own, beside a text-to-video model.
            const Sparse folder;
            std::vector<Named> base, module;
            for (const Named& tensor : original)
                (tensor.name.rfind("vace_", 0) == 0 ? module : base).push_back(tensor);
            folder.safetensors("t2v", base);
            folder.safetensors("vace", module, "F16");
            check(folder);
        }
        const Sparse folder;
        folder.gguf("t", original);
        check(folder);
        // The text encoder's other names.
        fs::remove(folder.path / "t5");
        folder.gguf("text", structure("text_encoder.txt", 2, 3));
        CHECK(all(checkModel(folder.path)) == "");
    }
}

TEST_CASE("the published image-to-video checkpoint of Wan2.1 loads by name and shape",
          "[structures]") {
    for (const int names : {0, 1}) {
        INFO(names);
        const Sparse folder;
        const std::vector<Named> transformer = structure("transformer_i2v_14b.txt", names);
        REQUIRE(transformer.size() == 1303);
        folder.safetensors("t", transformer);
        folder.safetensors("clip_vision_h", structure("image_encoder.txt", names), "F16");
        folder.safetensors("vae", structure("vae.txt", names), "F32", 4);
        folder.safetensors("t5", structure("text_encoder.txt", names, 3));
        CHECK(all(checkModel(folder.path)) == "");
        const WanFolder read = readWanFolder(folder.path);
        const Description& d = read.description;
        CHECK(d.family == "wan-i2v");
        CHECK(d.heldByNoise);
        CHECK(d.layers == 40);
        CHECK(read.transformer.imageDim == 1280);
        CHECK(d.transformerParameters == 16394878784);  // diffusers 0.42.1
        REQUIRE(read.image);
        CHECK(read.image->config.layers == 32);
        CHECK(read.image->config.heads == 16);
        CHECK(read.image->config.patch == 14);
        CHECK_FALSE(read.image->config.quickGelu);
        CHECK(d.imageTokens == 257);
        CHECK(d.imageParameters == 630766080);  // transformers 5.23
    }
}

TEST_CASE("a published checkpoint with a fault is told what is wrong", "[structures]") {
    const Sparse folder;
    folder.safetensors("vae", structure("vae.txt", 0), "F32", 4);
    folder.safetensors("t5", structure("text_encoder.txt", 0, 3));
    std::vector<Named> tensors = structure("transformer_14b.txt", 1);
    for (size_t i = 0; i < tensors.size();) {
        if (tensors[i].name == "blocks.7.self_attn.k.bias")
            tensors.erase(tensors.begin() + static_cast<long>(i));
        else if (tensors[i].name == "vace_blocks.3.after_proj.weight")
            tensors[i++].shape = {5120, 5121};
        else
            ++i;
    }
    folder.safetensors("t", tensors);
    CHECK(all(checkModel(folder.path)) ==
          "transformer: blocks.7.self_attn.k.bias [5120] is missing\n"
          "transformer: vace_blocks.3.after_proj.weight is [5120, 5121], [5120, 5120] was "
          "expected\n");
}
