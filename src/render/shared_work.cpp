#include "render/shared_work.h"

#include <initializer_list>
#include <nlohmann/json.hpp>

#include "render/disclosure.h"
#include "render/render.h"

namespace derrumbe::render {

namespace {

using Json = nlohmann::json;

std::string without(Json json, std::initializer_list<const char*> keys) {
    for (const char* key : keys) json.erase(key);
    return json.dump();
}

}  // namespace

SharedKeys sharedKeys(const RenderPlan& plan) {
    Json shot = Json::parse(shot::contentJson(resolvedShot(plan)));
    // Ways that change pixels are part of everything, the others of the open model alone.
    const model::MemoryWays& ways = plan.fitting.ways;
    const Json model = Json::array({shot["model"]["path"], plan.dtype, plan.device, ways.encodeTile,
                                    ways.decodeTile, shot["model"]["vae_dtype"]});
    SharedKeys keys;
    keys.model =
        Json::array({model, shot["model"]["loras"], shot["model"]["weights"],
                     shot["model"]["products"], ways.transformerBlocks, ways.transformerPacked})
            .dump();

    Json texts = Json::array();
    for (const PromptPlan& prompt : plan.prompts) texts.push_back(prompt.text);
    const bool guided = plan.sampler.guided();
    texts.push_back(guided ? Json(plan.shot.negativePrompt) : Json());
    keys.prompts = Json::array({model, texts}).dump();

    shot["model"] = model;  // LoRAs and 8 bits are the transformer's alone
    // Prompts have their own part; the rest is used later, when noise becomes latents, when a
    // frame is composited and when it is written.
    for (const char* later :
         {"sampler", "windows", "prompt", "negative_prompt", "beats", "detail", "seam", "holdout",
          "strength", "refine", "shot", "output", "provenance"})
        shot.erase(later);
    shot["size"] = Json::array({plan.region.width, plan.region.height});
    // What fills the matte is made with the inputs where guides lie over it.
    keys.inputs = plan.showsGuides() ? shot.dump() : without(shot, {"matte_fill"});
    // Grain is measured with the inputs, and no part of what the model sees.
    keys.conditioning = without(shot, {"grain"});
    keys.reconstruction = without(shot, {"grain", "matte_fill", "guides"});
    return keys;
}

std::shared_ptr<SharedWork> makeSharedWork() {
    return std::make_shared<SharedWork>();
}

}  // namespace derrumbe::render
