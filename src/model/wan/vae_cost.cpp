#include "model/wan/vae_cost.h"

#include <algorithm>

#include "model/wan/vae_tiles.h"

namespace derrumbe::model {

namespace {

/// Sums up convolutions; sizes are shares of the picture's pixels and frames.
struct Counter {
    double flops = 0;    ///< a pixel and frame
    double caches = 0;   ///< numbers kept between chunks, a pixel: two frames of a conv's input
    double chunk = 0;    ///< the largest activation of a chunk of 4 frames, a pixel
    double frame = 0;    ///< that of a frame in layers that see frames alone, a pixel
    bool alone = false;  ///< whether these are counted now

    void conv(double area, double time, double taps, double in, double out) {
        flops += 2 * taps * in * out * area * time;
        widen(area * std::max(in, out), time);
        if (taps == 27) caches += 2 * in * area;
    }
    /// What doubles height and width: computed at the lower resolution, and then put in order.
    void doubling(double area, double time, double in, double out) {
        flops += 2 * 9 * in * out * area * time;
        widen(area * std::max(in / 4, out), time);
    }
    void widen(double numbers, double time) {
        if (alone)
            frame = std::max(frame, numbers);
        else
            chunk = std::max(chunk, 4 * time * numbers);
    }
    void residual(double area, double time, double in, double out) {
        conv(area, time, 27, in, out);
        conv(area, time, 27, out, out);
        if (in != out) conv(area, time, 1, in, out);
    }
    /// At the peak the widest layer's input and output, its copy behind the frames before it and
    /// what the allocator keeps are alive together; and of a chunk what goes from the layers that
    /// see all of its frames to those that see one, or back. The factors are from the resident
    /// memory of the published VAE at 480 x 272 pixels, whole chunks and frames alone.
    double values() const { return caches + 4 * chunk; }
    Description::VaeCost::Alive alive() const { return {values(), 6.5 * frame, frame}; }

    Counter& operator+=(const Counter& other) {
        flops += other.flops;
        caches += other.caches;
        chunk = std::max(chunk, other.chunk);
        frame = std::max(frame, other.frame);
        return *this;
    }
    void middle(double area, double time, double width) {
        residual(area, time, width, width);
        residual(area, time, width, width);
        conv(area, time, 4, width, width);  // q, k, v and the projection
    }
};

}  // namespace

Description::VaeCost vaeCost(const VaeConfig& vae) {
    const int stages = static_cast<int>(vae.stages());
    const double full = 1.0 / static_cast<double>(vae.patch * vae.patch);
    const auto width = [&](double base, int stage) {
        return base * static_cast<double>(vae.widths[stage]);
    };
    // What works in tiles, and what is at the latents' resolution.
    Counter encoder, encoderRest, decoder, decoderRest;
    Description::VaeCost cost;

    const double narrow = static_cast<double>(vae.baseDim);
    double area = full, time = 1, channels = narrow;  // conv_in makes base_dim, whatever dim_mult
    encoder.alone = true;
    encoder.conv(area, time, 27, static_cast<double>(vae.inChannels), channels);
    for (int stage = 0; stage < stages; ++stage) {
        Counter& part = stage + 1 < stages ? encoder : encoderRest;
        // Of the residual form a stage sees a chunk's frames or one, all of it.
        if (vae.residual && stage + 1 < stages && vae.halveTime[stage]) encoder.alone = false;
        if (stage + 1 == stages) cost.encodeFeatures = channels * area;
        for (int i = 0; i < vae.residualBlocks; ++i) {
            part.residual(area, time, channels, width(narrow, stage));
            channels = width(narrow, stage);
        }
        if (stage + 1 == stages) break;
        encoder.alone = encoder.alone && !vae.halveTime[stage];
        encoder.widen(area * channels, time);  // what comes in
        area /= 4;
        encoder.conv(area, time, 9, channels, channels);
        if (vae.halveTime[stage]) {
            time /= 2;
            encoder.conv(area, time, 3, channels, channels);
        }
    }
    encoderRest.middle(area, time, channels);
    const double latent = static_cast<double>(vae.latentChannels);
    encoderRest.conv(area, time, 27, channels, 2 * latent);

    const double base = static_cast<double>(vae.decoderBaseDim);
    channels = width(base, stages - 1);
    decoderRest.conv(area, time, 27, latent, channels);
    decoderRest.middle(area, time, channels);
    cost.decodeFeatures = channels * area;
    int lastDoubling = -1;
    for (int stage = 0; stage + 1 < stages; ++stage)
        if (vae.halveTime[stages - 2 - stage]) lastDoubling = stage;
    decoder.alone = lastDoubling < 0;
    for (int stage = 0; stage < stages; ++stage) {
        Counter& part = stage == 0 && !vae.residual ? decoderRest : decoder;
        const double out = width(base, stages - 1 - stage);
        for (int i = 0; i <= vae.residualBlocks; ++i) {
            part.residual(area, time, channels, out);
            channels = out;
        }
        if (stage + 1 == stages) break;
        if (vae.halveTime[stages - 2 - stage]) {
            decoder.conv(area, time, 3, channels, 2 * channels);
            time *= 2;
        }
        area *= 4;
        // the first form halves the width on the way up, the residual one does not
        const double next = vae.residual ? channels : channels / 2;
        decoder.doubling(area, time, channels, next);
        channels = next;
        decoder.alone = stage >= lastDoubling;
    }
    decoder.conv(area, time, 27, channels, static_cast<double>(vae.outChannels));

    cost.encodeRest = encoderRest.values();
    cost.decodeRest = decoderRest.values();
    encoder += encoderRest;
    decoder += decoderRest;
    cost.encodeFlops = encoder.flops;
    cost.decodeFlops = decoder.flops;
    cost.encodeAlive = encoder.alive();
    cost.decodeAlive = decoder.alive();
    cost.encodeMargin = static_cast<int>(encodeMargin(vae));
    cost.decodeMargin = static_cast<int>(decodeMargin(vae));
    return cost;
}

}  // namespace derrumbe::model
