#pragma once
#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "model/wan/transformer.h"
#include "model/wan/umt5.h"
#include "model/wan/vae.h"
#include "model/weights/safetensors.h"

/// A whole model folder of a few kilobytes with random weights, gone at the end of the test.
/// Latents of 4 channels, 4 x 4 pixels and up to 4 frames; prompts of width 16.
class TinyFolder {
  public:
    std::filesystem::path path;

    /// @param headSize of the transformer's two heads
    explicit TinyFolder(int headSize = 12) {
        std::string name = (std::filesystem::temp_directory_path() / "tiny_model_XXXXXX").string();
        path = ::mkdtemp(name.data());
        text("model_index.json", R"({"_class_name": "WanVACEPipeline"})");
        text("scheduler/scheduler_config.json",
             R"({"_class_name": "UniPCMultistepScheduler", "flow_shift": 2.5,
                 "prediction_type": "flow_prediction", "use_flow_sigmas": true})");
        text("transformer/config.json",
             R"({"_class_name": "WanVACETransformer3DModel", "num_attention_heads": 2,
                 "attention_head_dim": )" +
                 std::to_string(headSize) +
                 R"(, "in_channels": 4, "out_channels": 4, "text_dim": 16,
                 "freq_dim": 16, "ffn_dim": 32, "num_layers": 2, "vace_layers": [0],
                 "vace_in_channels": 24})");
        text(
            "vae/config.json",
            R"({"_class_name": "AutoencoderKLWan", "base_dim": 8, "z_dim": 4, "dim_mult": [1, 2, 2],
                 "num_res_blocks": 1, "temperal_downsample": [true, true],
                 "latents_mean": [0.1, 0, -0.1, 0], "latents_std": [1, 2, 1, 0.5],
                 "scale_factor_spatial": 4, "scale_factor_temporal": 4})");
        text("text_encoder/config.json",
             R"({"vocab_size": 50, "d_model": 16, "d_kv": 8, "num_heads": 2, "d_ff": 24,
                 "num_layers": 2, "feed_forward_proj": "gated-gelu"})");
        text("tokenizer/spiece.model", "not read here");
        using namespace derrumbe::model;
        weights<WanTransformer, TransformerConfig>("transformer", 1);
        weights<WanVae, VaeConfig>("vae", 2);
        weights<Umt5Encoder, Umt5Config>("text_encoder", 3);
    }
    ~TinyFolder() { std::filesystem::remove_all(path); }
    TinyFolder(const TinyFolder&) = delete;
    TinyFolder& operator=(const TinyFolder&) = delete;

    void text(const std::string& file, const std::string& content) const {
        std::filesystem::create_directories((path / file).parent_path());
        std::ofstream(path / file) << content;
    }

    std::filesystem::path weightsFile(const std::string& part) const {
        return path / part / "diffusion_pytorch_model.safetensors";
    }

    /// The part's tensors, copied out of their file so that it can be written again.
    std::map<std::string, at::Tensor> tensors(const std::string& part) const {
        const auto source = derrumbe::model::openSafetensors(path / part);
        std::map<std::string, at::Tensor> all;
        for (const auto& item : source->tensors())
            all[item.first] = source->read(item.first).clone();
        return all;
    }

  private:
    /// Random tensors for whatever the part asks for: built from an empty source, it names them
    /// all.
    template <class Part, class PartConfig>
    void weights(const std::string& part, int64_t seed) const {
        using namespace derrumbe::model;
        const PartConfig config = PartConfig::read(Config::read(path / part / "config.json"));
        const Weights empty(memorySource({}), at::kMeta, at::kFloat);
        const Part built(empty, config);
        std::map<std::string, at::Tensor> tensors;
        at::manual_seed(seed);
        for (const derrumbe::Problem& problem : empty.problems()) {
            const std::string& line = problem.message;  // "name [a, b] is missing"
            const size_t open = line.find(" [");
            std::vector<int64_t> shape;
            std::istringstream sizes(line.substr(open + 2, line.find(']') - open - 2));
            for (std::string size; std::getline(sizes, size, ',');)
                shape.push_back(std::stoll(size));
            const int64_t fanIn =
                shape.empty()
                    ? 1
                    : std::max<int64_t>(1, at::empty(shape, at::kMeta).numel() / shape[0]);
            tensors[line.substr(0, open)] =
                at::randn(shape) / std::sqrt(static_cast<double>(fanIn));
        }
        writeSafetensors(weightsFile(part), tensors);
    }
};
