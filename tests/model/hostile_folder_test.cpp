#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "model/description.h"
#include "tiny_folder.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

std::string refusal(const std::filesystem::path& folder) {
    try {
        describeModel(folder);
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Model);
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("code that a folder names or holds is neither read nor run", "[model][hostile]") {
    const TinyFolder folder;
    const Description plain = describeModel(folder.path);
    folder.text("model_index.json",
                R"({"_class_name": "WanVACEPipeline", "auto_map": {"AutoModel": "modeling.Model"},
                    "trust_remote_code": true})");
    folder.text("text_encoder/config.json",
                R"({"vocab_size": 50, "d_model": 16, "d_kv": 8, "num_heads": 2, "d_ff": 24,
                    "num_layers": 2, "feed_forward_proj": "gated-gelu",
                    "auto_map": {"AutoModel": "modeling.Model"}})");
    // What a program that ran them would trip over.
    for (const char* file : {"modeling.py", "text_encoder/modeling.py", "vae/libvae.so"})
        folder.text(file, "raise SystemExit(1)");
    folder.text("transformer/diffusion_pytorch_model.bin", "\x80\x02not opened");
    const Description read = describeModel(folder.path);
    CHECK(read.parameters == plain.parameters);
    REQUIRE(read.files.size() == plain.files.size());
    for (size_t i = 0; i < read.files.size(); ++i) CHECK(read.files[i].path == plain.files[i].path);
}

TEST_CASE("a pipe in a folder is not waited for", "[model][hostile]") {
    const TinyFolder folder;
    const Description plain = describeModel(folder.path);
    REQUIRE(::mkfifo((folder.path / "README.md").c_str(), 0600) == 0);
    CHECK(describeModel(folder.path).license.empty());
    for (const char* file : {"vae/config.json", "scheduler/scheduler_config.json",
                             "transformer/diffusion_pytorch_model.safetensors"}) {
        std::filesystem::rename(folder.path / file, folder.path / "kept");
        REQUIRE(::mkfifo((folder.path / file).c_str(), 0600) == 0);
        CAPTURE(file);
        CHECK_FALSE(refusal(folder.path).empty());
        std::filesystem::remove(folder.path / file);
        std::filesystem::rename(folder.path / "kept", folder.path / file);
    }
    std::filesystem::remove(plain.tokenizerFile);
    REQUIRE(::mkfifo(plain.tokenizerFile.c_str(), 0600) == 0);
    CHECK_THROWS_WITH(vocabulary(plain), Catch::Contains("not a plain file"));
}

TEST_CASE("a VAE of no stages, or of more than there can be, is refused", "[model][hostile]") {
    // A file that leaves its scales out means those that its layers make: none, here.
    const TinyFolder folder;
    folder.text("vae/config.json", R"({"dim_mult": []})");
    CHECK(refusal(folder.path).find("one to eight stages") != std::string::npos);
    std::string stages = "1", halves = "true";
    for (int i = 1; i < 100; ++i) stages += ",1", halves += ",true";
    folder.text("vae/config.json",
                R"({"dim_mult": [)" + stages + R"(], "temperal_downsample": [)" + halves + "]}");
    CHECK(refusal(folder.path).find("one to eight stages") != std::string::npos);
}
