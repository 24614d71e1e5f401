#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clip/region.h"
#include "clip/tiles.h"
#include "clip/windows.h"
#include "model/description.h"
#include "provenance/policy.h"
#include "render/fitting.h"
#include "shot/shot.h"
#include "support/error.h"
#include "support/frames.h"

namespace derrumbe::render {

/// What the command line adds to a shot.
struct PlanOptions {
    std::string frames;           ///< frames to deliver (fileseq syntax); empty: all of the shot
    std::string device = "auto";  ///< auto | cpu | cuda | cuda:N
    int threads = 0;              ///< 0: all cores
    std::vector<std::string> policies = {};  ///< files of the studio's rules; all must be met
    /// KEY=VALUE of --wedge that set this take apart, for the log; among the shot's overrides too.
    std::vector<std::string> wedge = {};
    std::uint64_t maxMemory = 0;  ///< bytes that the render may use; 0: no limit is kept to
    int processes = 1;            ///< that share the render
};

/// One frame of the shot: what is read, what is written.
struct FrameJob {
    int frame = 0;
    int index = 0;      ///< in the shot's frames, 0 first
    std::string plate;  ///< the file read; empty where the plate is missing and black stands in
    bool held = false;  ///< another frame's plate stands in (missing: hold)
    std::vector<std::string>
        mattes;  ///< one a matte source; none before the onset, where no matte is read
    std::vector<std::string> holdouts;  ///< the same for holdouts
    std::vector<std::string> guides;    ///< one a guide; empty where it does not steer this frame
    /// One a beat, each one a matte source of its own; none where it has none, or has not begun.
    std::vector<std::vector<std::string>> beatMattes;
    std::string output;
    bool generated = false;  ///< from the onset on; frames before it are the plate
    bool deliver = true;     ///< asked for by --frames
};

/// Sampler settings after the model folder's defaults and the shot's.
struct SamplerPlan {
    std::string scheduler;
    int steps = 0;
    double guidance = 1, shift = 1;
    std::uint64_t seed = 0;
    double boundary = 0;             ///< of a pair of experts: model::Description::boundary
    double guidance2 = 1;            ///< below it
    double cache = 0;                ///< model::StepCache's limit; 0: every step is evaluated
    std::optional<int> sparse = {};  ///< working pixels around the mask; none: all are computed
    double start = 1;                ///< noise level that it begins at; below 1 in a second pass

    /// Whether the low-noise one of a pair of experts works there.
    bool lowNoiseAt(double timestep) const { return timestep < boundary * 1000; }
    /// Guidance at a timestep (0..1000); at most 1 is none.
    double guidanceAt(double timestep) const { return lowNoiseAt(timestep) ? guidance2 : guidance; }
    /// Whether any step needs the negative prompt.
    bool guided() const { return guidance > 1 || (boundary > 0 && guidance2 > 1); }
};

/// A prompt and where it holds.
struct PromptPlan {
    std::string text;
    /// 0..1, those of all prompts sum to 1: one a latent frame, or where beats have mattes
    /// [latentFrames][latentHeight][latentWidth].
    std::vector<float> weights;
    int cells = 1;  ///< weights a latent frame

    /// Whether it has a weight in a window.
    bool holdsIn(const clip::TimeWindow& window) const;
};

/// The model's work in a render, in FLOPs by stage.
struct Work {
    double encode = 0;  ///< prompts and clip
    double denoise = 0, decode = 0;
    double detail = 0;  ///< the plate's way through the VAE, for `detail: plate`

    double total() const { return encode + denoise + decode + detail; }
};

/// A part of the crop, in shares of its sides, 0..1.
struct CropPart {
    double left = 0, top = 0, right = 0, bottom = 0;
};

/// What a render will do, as plain data: `plan` prints it, `render` runs it, tests check it without
/// a model.
struct RenderPlan {
    shot::Shot shot;
    model::Description model;
    std::vector<model::LoraFile> loras;        ///< merged into the model, in this order
    std::vector<provenance::Policy> policies;  ///< that the shot was held against
    std::vector<FrameJob> frames;              ///< every frame of the shot, in time
    std::string plateSpace;                    ///< OCIO name of the plate's pixels
    std::string plateSpaceReason;              ///< what said so
    std::string
        modelSpace;  ///< OCIO name of the linear space that the model's encoding starts from
    std::string outputSpace;
    Window plateData, plateDisplay;          ///< of the first plate, and of every other
    std::vector<std::string> plateChannels;  ///< the same
    float pixelAspect = 1;
    shot::Rate fps;
    Window matteBounds;  ///< what the model may change, holdouts included: united over the
                         ///< generated frames, after grow and feather
    double matteCoverage =
        0;  ///< mean share of the frame that may change, 0..1, over generated frames
    clip::CropPlan region;  ///< plate pixels that the model sees, and its working size; an empty
                            ///< crop where nothing is generated and the model does not run
    CropPart matteInCrop;   ///< where the mattes of all frames lie in it, holdouts included
    int clipFrames = 0;     ///< frames that the model sees: the shot's, padded to 4k+1
    int latentFrames = 0, latentHeight = 0, latentWidth = 0;
    std::vector<clip::TimeWindow> windows;  ///< over latent frames
    std::vector<PromptPlan> prompts;        ///< the shot's prompt, then its beats
    /// Of each window, which tokens (time, row, column; references not among them) the transformer
    /// computes: 1, or 0 where the plate's latents stand. Empty: all are computed.
    std::vector<std::vector<std::uint8_t>> kept;
    /// Of a second pass: the parts of the picture that the transformer sees, one at a time. None:
    /// it sees the whole.
    std::vector<clip::Tile> tiles;
    bool fillPlate = true;  ///< the reactive clip shows the plate inside the matte
    /// What scales VACE's hints in each window: 1 as trained, more where a guide's strength is. Of
    /// no window: 1.
    std::vector<double> hintScales;
    SamplerPlan sampler;
    std::string requestedFrames;     ///< as --frames gave them; empty: all
    std::vector<std::string> wedge;  ///< as PlanOptions gave it
    std::string device, dtype;
    int processes = 1;     ///< as PlanOptions gave it
    model::Estimate cost;  ///< of one window
    Work work;             ///< of the whole render
    int framesAtOnce = 1;  ///< delivered side by side
    Fitting fitting;       ///< how it keeps within --max-memory
    double peakBytes = 0;  ///< of the whole render: the model's worst stage, or the plates'
    /// The second pass (`refine`), as a plan of its own: the same shot, its picture larger, worked
    /// on in tiles. Its sizes, prompts, sampler, cost and work are its own. None: there is one
    /// pass.
    std::shared_ptr<RenderPlan> second;

    int firstGenerated()
        const;  ///< index of the first generated frame; frames.size() where there is none
    /// Whether the plate's detail is put back, and whether what moves takes it along.
    bool keepsDetail() const { return shot.detail != shot::Detail::Off; }
    bool carriesDetail() const { return shot.detail == shot::Detail::Plate; }
    bool showsGuides() const;  ///< whether a guide steers any frame
    /// Tokens of a window that are computed, references included; 0: the window is not evaluated.
    std::int64_t tokens(size_t window) const;
    /// The same of one of its tiles.
    std::int64_t tokens(size_t window, const clip::Tile& tile) const;
    /// Tokens of a window, all of them.
    std::int64_t allTokens(size_t window) const;
    /// The pass whose picture is delivered.
    const RenderPlan& last() const { return second ? *second : *this; }
    double flops() const { return work.total() + (second ? second->work.total() : 0); }
};

/// Resolves a shot into a plan: reads the header of every plate, matte, guide, reference, keyframe
/// and tensor, the tokenizer, and, where all of them are good, the mattes for the crop and the
/// beats. Everything
/// wrong is added to `problems`; the plan is usable only if none is an error.
RenderPlan makePlan(const shot::Shot& shot, const PlanOptions& options, Problems& problems);

/// The first and the last file that a guide steers frames with; empty where it steers none.
std::pair<std::string, std::string> guideEnds(const RenderPlan& plan, size_t guide);

/// What `sampler.sparse` leaves out, for people. Of a plan that has it.
std::string sparseText(const RenderPlan& plan);

/// The plan for people, and as JSON.
std::string planText(const RenderPlan& plan);
std::string planJson(const RenderPlan& plan);

}  // namespace derrumbe::render
