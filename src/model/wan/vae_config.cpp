#include "model/wan/vae_config.h"

#include <algorithm>

#include "support/strings.h"

namespace derrumbe::model {

namespace {

// The class' defaults, of the published Wan2.1 VAE (diffusers:autoencoder_kl_wan.py).
const std::vector<double> kMean = {-0.7571, -0.7089, -0.9113, 0.1075,  -0.1745, 0.9653,
                                   -0.1517, 1.5508,  0.4134,  -0.0715, 0.5517,  -0.3632,
                                   -0.1922, -0.9497, 0.2503,  -0.2921};
const std::vector<double> kStd = {2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
                                  3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160};

/// The shortcuts fold channels into groups: widths and factors must divide.
void checkShortcuts(const VaeConfig& vae, const Config& config) {
    const int64_t stages = vae.stages();
    for (int64_t stage = 0; stage < stages; ++stage) {
        const bool last = stage == stages - 1;
        const int64_t from = vae.baseDim * (stage == 0 ? 1 : vae.widths[stage - 1]);
        const int64_t to = vae.baseDim * vae.widths[stage];
        const int64_t factor = last ? 1 : (vae.halveTime[stage] ? 8 : 4);
        if (from * factor % to != 0)
            config.problem("dim_mult", cat("encoder stage ", stage, ": ", from, " channels times ",
                                           factor, " do not fold into ", to));
        if (last) continue;
        // the decoder's stage of the same index, counted from the latents
        const int64_t wide = vae.decoderBaseDim * vae.widths[std::min(stages - 1, stages - stage)];
        const int64_t unfolded = vae.decoderBaseDim * vae.widths[stages - 1 - stage];
        const int64_t unfold = vae.halveTime[stages - 2 - stage] ? 8 : 4;
        if (unfolded * unfold % wide != 0)
            config.problem("dim_mult",
                           cat("decoder stage ", stage, ": ", wide, " channels do not unfold into ",
                               unfolded, " times ", unfold));
    }
}

}  // namespace

int64_t VaeConfig::temporalScale() const {
    return int64_t{1} << std::count(halveTime.begin(), halveTime.end(), true);
}

int64_t VaeConfig::latentFrames(int64_t frames) const {
    return 1 + (frames - 1) / 4 * (4 / temporalScale());
}

VaeConfig VaeConfig::read(const Config& config) {
    VaeConfig vae;
    vae.baseDim = config.integer("base_dim", 96, 1, 4096);
    vae.decoderBaseDim = config.integer("decoder_base_dim", vae.baseDim, 1, 4096);
    vae.latentChannels = config.integer("z_dim", 16, 1, 1024);
    vae.widths = config.integers("dim_mult", {1, 2, 4, 4}, 1, 64);
    vae.residualBlocks = config.integer("num_res_blocks", 2, 1, 64);
    vae.halveTime = config.flags("temperal_downsample", {false, true, true});
    vae.residual = config.flag("is_residual", false);
    vae.patch = config.integer("patch_size", 1, 1, 64);
    vae.inChannels = config.integer("in_channels", 3, 1, 3 * 64 * 64);
    vae.outChannels = config.integer("out_channels", 3, 1, 3 * 64 * 64);
    vae.latentMean = config.numbers("latents_mean", kMean);
    vae.latentStd = config.numbers("latents_std", kStd);
    vae.statedSpatialScale = config.integer("scale_factor_spatial", 8, 1, 1024);
    vae.statedTemporalScale = config.integer("scale_factor_temporal", 4, 1, 64);

    const auto channels = static_cast<size_t>(vae.latentChannels);
    if (vae.latentMean.size() != channels || vae.latentStd.size() != channels)
        config.problem("latents_mean",
                       cat("latents_mean and latents_std need one value for each of ", channels,
                           " channels (z_dim)"));
    if (std::any_of(vae.latentStd.begin(), vae.latentStd.end(), [](double s) { return s <= 0; }))
        config.problem("latents_std", "values must be above 0");
    const int64_t folded = 3 * vae.patch * vae.patch;
    if (vae.inChannels != folded || vae.outChannels != folded)
        config.problem("in_channels", cat("in_channels and out_channels must be ", folded,
                                          ": RGB in patches of ", vae.patch, " pixels a side"));
    if (vae.widths.empty() || vae.widths.size() > 8) {
        config.problem("dim_mult", "one to eight stages are possible");
        return vae;
    }
    if (vae.halveTime.size() + 1 != vae.widths.size()) {
        config.problem("temperal_downsample",
                       cat("needs ", vae.widths.size() - 1, " values, one less than dim_mult"));
        return vae;
    }
    if (vae.temporalScale() > 4)
        config.problem("temperal_downsample",
                       "at most two stages can halve time: clips are coded in groups of 4 frames");
    // The reference ignores the scales in the residual form and cannot run them in the first one.
    for (const double scale : config.numbers("attn_scales", {}))
        for (int64_t stage = 0; stage < vae.stages() && !vae.residual; ++stage)
            if (scale == 1.0 / static_cast<double>(int64_t{1} << stage))
                config.problem("attn_scales",
                               "attention between the encoder's blocks is not "
                               "supported");
    if (vae.residual) {
        checkShortcuts(vae, config);
    } else {
        for (size_t stage = 1; stage < vae.widths.size(); ++stage)
            if (vae.widths[stage] * vae.decoderBaseDim % 2 != 0)
                config.problem("dim_mult", "widths that are halved on the way up must be even");
    }
    return vae;
}

}  // namespace derrumbe::model
