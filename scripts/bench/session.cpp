#include "session.h"

#include <algorithm>

#include "machine.h"
#include "model/weights/safetensors.h"
#include "support/error.h"

namespace derrumbe::bench {

namespace {

model::LoadOptions loadOptions(const Settings& settings) {
    model::LoadOptions options{settings.device, settings.dtype};
    options.ways.rounding = options.ways.products = settings.products;
    options.ways.vaeBfloat16 = settings.vaeBfloat16;
    return options;
}

}  // namespace

Session::Session(const Settings& settings)
    : settings_(settings),
      model_(model::loadVideoModel(settings.model, loadOptions(settings))),
      sampler_(model::makeSampler(settings.scheduler, settings.steps, settings.shift)) {
    const auto file = model::openSafetensors(settings.inputs);
    for (const char* name : {"video", "mask", "ids", "negative_ids", "noise"})
        inputs_[name] = file->read(name).clone();
}

Measured Session::run(const std::string& stage) {
    using Stage = at::Tensor (Session::*)();
    static const std::map<std::string, Stage> stages{{"text", &Session::text},
                                                     {"encode", &Session::encode},
                                                     {"step", &Session::step},
                                                     {"decode", &Session::decode},
                                                     {"whole", &Session::whole}};
    const auto found = stages.find(stage);
    if (found == stages.end()) throw Error(ExitCode::Usage, "no stage is called " + stage);
    if (stage == "step" && !prompt_.defined()) text();
    if (stage == "step" && !conditioning_.defined()) encode();
    synchronise(settings_.device);
    const double start = now();
    result_ = (this->*found->second)();
    synchronise(settings_.device);
    return {now() - start, result_.abs().sum(at::kDouble).item<double>()};
}

void Session::writeResult(const std::filesystem::path& file) const {
    model::writeSafetensors(file, {{"result", result_.to(at::kCPU, at::kFloat).contiguous()}});
}

double Session::flops(const std::string& stage) const {
    const at::Tensor& video = inputs_.at("video");
    const model::Estimate estimate =
        model::estimate(model_->description(), static_cast<int>(video.size(2)),
                        static_cast<int>(video.size(3)), static_cast<int>(video.size(4)), 0, 4);
    // The estimate counts a long prompt.
    const model::Description& about = model_->description();
    const double absent = std::min(about.textLength, model::kPromptTokens) -
                          static_cast<double>(inputs_.at("ids").numel());
    const double spared = 4 * absent * static_cast<double>(estimate.tokens) * about.heads *
                          about.headSize * model::transformerBlocks(about);
    const double step = (estimate.forwardFlops - spared) * (settings_.guidance > 1 ? 2 : 1);
    if (stage == "text") return 2 * estimate.textFlops;
    if (stage == "encode") return estimate.encodeFlops;
    if (stage == "decode") return estimate.decodeFlops;
    if (stage == "step") return step;
    return 2 * estimate.textFlops + estimate.encodeFlops + estimate.decodeFlops +
           step * settings_.steps;
}

at::Tensor Session::text() {
    const auto ids = [&](const char* name) {
        const at::Tensor& numbers = inputs_.at(name);
        const int64_t* first = numbers.const_data_ptr<int64_t>();
        return model::TokenIds(first, first + numbers.numel());
    };
    const std::vector<at::Tensor> both =
        model_->encodePrompts({ids("ids"), ids("negative_ids")}, {});
    prompt_ = both[0];
    negative_ = both[1];
    return prompt_;
}

at::Tensor Session::encode() {
    conditioning_ =
        model_->encodeConditioning({inputs_.at("video"), inputs_.at("mask"), true, {}}, {});
    return conditioning_;
}

at::Tensor Session::step() {
    if (!latents_.defined() || state_.step == settings_.steps) {
        latents_ = inputs_.at("noise");
        state_ = {};
    }
    const double timestep = sampler_->timesteps()[state_.step];
    const bool guided = settings_.guidance > 1;
    at::Tensor velocity = model_->velocity(
        {latents_, timestep, guided ? at::cat({prompt_, negative_}) : prompt_, conditioning_, 1});
    if (guided)
        velocity =
            model::guide(velocity.narrow(0, 0, 1), velocity.narrow(0, 1, 1), settings_.guidance);
    latents_ = sampler_->step(velocity, latents_, state_);
    return latents_;
}

at::Tensor Session::decode() {
    return model_->decode(latents_.defined() ? latents_ : inputs_.at("noise"), {});
}

at::Tensor Session::whole() {
    using Part = model::VideoModel::Stage;
    state_ = {};
    latents_ = at::Tensor();
    text();
    encode();
    do step();
    while (state_.step < settings_.steps);
    model_->release(Part::Transformer);
    const at::Tensor video = decode();
    model_->release(Part::Vae);
    return video;
}

}  // namespace derrumbe::bench
