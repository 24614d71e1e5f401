#include "model/distributed/shared_model.h"

#include <nlohmann/json.hpp>

#include "support/interrupt.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Orders are JSON objects: "do" says what, the rest is what it takes.

/// Of the files that a render reads, as process 0 sees them. Their contents are process 0's to
/// hash: sizes tell another model of the same name from this one.
Json filesOf(const Description& model, const std::vector<LoraFile>& loras) {
    Json files = Json::array();
    for (const Description::File& file : model.files)
        files.push_back(Json::array({fs::absolute(file.path).string(), file.bytes}));
    for (const LoraFile& lora : loras)
        files.push_back(Json::array({fs::absolute(lora.path).string(), fs::file_size(lora.path)}));
    return files;
}

/// Throws Error(Model) with every file that is missing here or another one than process 0's.
void checkFiles(const Json& files) {
    Problems problems;
    for (const Json& file : files) {
        const std::string path = file[0];
        std::error_code error;
        const auto bytes = fs::file_size(path, error);
        if (error)
            problems.error(ExitCode::Model, "cannot be read on this machine: " + error.message(),
                           {path, 0, 0});
        else if (bytes != file[1])
            problems.error(ExitCode::Model,
                           cat("is another file on this machine: ", bytes, " bytes, and ",
                               file[1].get<std::uint64_t>(), " where process 0 runs"),
                           {path, 0, 0});
    }
    problems.throwIfErrors();
}

Json loadOrder(const VideoModel& model, const fs::path& folder, const LoadOptions& options) {
    Json loras = Json::array();
    for (const LoraFile& lora : options.loras)
        loras.push_back(Json::array(
            {fs::absolute(lora.path).string(), lora.strength, static_cast<int>(lora.experts)}));
    return {{"do", "load"},
            {"folder", fs::absolute(folder).string()},
            {"files", filesOf(model.description(), options.loras)},
            {"dtype", options.dtype},
            {"loras", loras},
            {"resident", options.ways.transformerBlocks},
            {"packed", options.ways.transformerPacked},
            {"rounding", static_cast<int>(options.ways.rounding)},
            {"products", static_cast<int>(options.ways.products)}};
}

std::unique_ptr<VideoModel> loadFrom(const Json& order, at::Device device) {
    checkFiles(order.at("files"));
    LoadOptions options{device, order.at("dtype"), {}, {}};
    for (const Json& lora : order.at("loras"))
        options.loras.push_back({lora[0].get<std::string>(), lora[1].get<double>(),
                                 static_cast<Experts>(lora[2].get<int>())});
    options.ways.transformerBlocks = order.at("resident");
    options.ways.transformerPacked = order.at("packed");
    options.ways.rounding = static_cast<Rounding>(order.at("rounding").get<int>());
    options.ways.products = static_cast<Rounding>(order.at("products").get<int>());
    return loadVideoModel(order.at("folder").get<std::string>(), options);
}

Json evaluationOrder(const Evaluation& evaluation) {
    return {{"do", "evaluate"},
            {"timestep", evaluation.timestep},
            {"control", evaluation.control},
            {"latents", evaluation.latents.sizes().vec()},
            {"prompts", evaluation.promptEmbeds.sizes().vec()},
            {"conditioning", evaluation.conditioning.sizes().vec()},
            {"kept", evaluation.kept.defined() ? evaluation.kept.size(0) : -1},
            {"image",
             evaluation.image.defined() ? evaluation.image.sizes().vec() : std::vector<int64_t>{}}};
}

Evaluation emptyEvaluation(const Json& order) {
    const auto room = [&](const char* name) {
        return at::empty(order.at(name).get<std::vector<int64_t>>(), at::kFloat);
    };
    const int64_t kept = order.at("kept");
    return {room("latents"),
            order.at("timestep"),
            room("prompts"),
            room("conditioning"),
            order.at("control"),
            {},
            kept < 0 ? at::Tensor() : at::empty({kept}, at::kLong),
            order.at("image").empty() ? at::Tensor() : room("image")};
}

/// This process's part of an evaluation whose tensors process 0 has; the result of all in process 0
/// alone.
at::Tensor evaluateTogether(Crew& crew, VideoModel& model, Evaluation evaluation) {
    for (at::Tensor* tensor :
         {&evaluation.latents, &evaluation.promptEmbeds, &evaluation.conditioning})
        crew.everyone().broadcast(*tensor);
    if (evaluation.kept.defined()) crew.everyone().broadcast(evaluation.kept);
    if (evaluation.image.defined()) crew.everyone().broadcast(evaluation.image);
    const int64_t prompts = evaluation.promptEmbeds.size(0);
    const Crew::Cut& cut = crew.cut(static_cast<int>(prompts));
    const int64_t each = prompts / cut.branches;
    evaluation.promptEmbeds = evaluation.promptEmbeds.narrow(0, cut.branch * each, each);
    evaluation.tokens = cut.tokens;
    const at::Tensor own = model.velocity(evaluation);
    return cut.isHead ? at::cat(cut.heads.allGather(own)) : at::Tensor();
}

class SharedModel : public VideoModel {
  public:
    SharedModel(std::shared_ptr<Crew> crew, std::unique_ptr<VideoModel> own)
        : crew_(std::move(crew)), own_(std::move(own)) {}

    const Description& description() const override { return own_->description(); }
    std::vector<at::Tensor> encodePrompts(const std::vector<TokenIds>& prompts,
                                          const Tick& tick) override {
        return own_->encodePrompts(prompts, tick);
    }
    at::Tensor encodeImage(const at::Tensor& video) override { return own_->encodeImage(video); }
    at::Tensor encodeConditioning(const ConditioningInput& input, const Tick& tick) override {
        return own_->encodeConditioning(input, tick);
    }
    at::Tensor decode(const at::Tensor& latents, const Tick& tick) override {
        return own_->decode(latents, tick);
    }
    at::Tensor encode(const at::Tensor& video, const Tick& tick) override {
        return own_->encode(video, tick);
    }

    at::Tensor velocity(const Evaluation& evaluation) override {
        const auto sent = [](const at::Tensor& tensor) {
            return tensor.to(at::kCPU, at::kFloat).contiguous();
        };
        const Evaluation shared{sent(evaluation.latents),
                                evaluation.timestep,
                                sent(evaluation.promptEmbeds),
                                sent(evaluation.conditioning),
                                evaluation.control,
                                {},
                                evaluation.kept,
                                evaluation.image.defined() ? sent(evaluation.image) : at::Tensor()};
        crew_->throwIfInterrupted();
        crew_->order(evaluationOrder(shared).dump());
        return evaluateTogether(*crew_, *own_, shared);
    }

    void release(Stage stage) override {
        own_->release(stage);
        if (stage == Stage::Transformer) crew_->order(Json{{"do", "release"}}.dump());
    }

  private:
    std::shared_ptr<Crew> crew_;
    std::unique_ptr<VideoModel> own_;
};

}  // namespace

std::unique_ptr<VideoModel> shareModel(std::shared_ptr<Crew> crew, const fs::path& folder,
                                       const LoadOptions& options) {
    auto own = loadVideoModel(folder, options);
    crew->awaitAll(crew->order(loadOrder(*own, folder, options).dump()));
    return std::make_unique<SharedModel>(std::move(crew), std::move(own));
}

ExitCode serve(Crew& crew, at::Device device) {
    std::unique_ptr<VideoModel> model;
    for (;;) {
        const Json order = Json::parse(crew.nextOrder());
        const std::string task = order.at("do");
        if (task == "end") return static_cast<ExitCode>(order.at("code").get<int>());
        if (task == "load") {
            model.reset();
            model = loadFrom(order, device);
            crew.carriedOut();
        } else if (task == "evaluate") {
            evaluateTogether(crew, *model, emptyEvaluation(order));
        } else if (task == "release") {
            model->release(VideoModel::Stage::Transformer);
        }
        if (interrupted()) crew.sayInterrupted();
    }
}

}  // namespace derrumbe::model
