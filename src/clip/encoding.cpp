#include "clip/encoding.h"

#include <algorithm>
#include <cmath>

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::clip {
namespace {

constexpr double kKnee = 0.5, kPeak = 64;

// ARRI, "ALEXA Log C Curve: Usage in VFX" (2017), table for EI 800, scene-linear in.
namespace logc3 {
constexpr double cut = 0.010591, a = 5.555556, b = 0.052272, c = 0.247190, d = 0.385537,
                 e = 5.367655, f = 0.092809;
}

// Academy S-2016-001, "ACEScct: A Quasi-Logarithmic Encoding of ACES Data".
namespace acescct {
constexpr double cut = 0.0078125, slope = 10.5402377416545, offset = 0.0729055341958355;
}

// IEC 61966-2-1. The two published thresholds do not meet exactly; the linear one is used to encode
// and its image to decode, so that the pair stays inverse.
double srgbOetf(double x) {
    return x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
}

double srgbEotf(double y) {
    return y <= 12.92 * 0.0031308 ? y / 12.92 : std::pow((y + 0.055) / 1.055, 2.4);
}

struct Shoulder {
    double a = shoulderConstant(kKnee, kPeak);
    double scale = (1 - kKnee) / std::log1p((kPeak - kKnee) / a);
};
const Shoulder& shoulder() {
    static const Shoulder value;
    return value;
}

}  // namespace

double shoulderConstant(double knee, double maximum) {
    double low = 1e-9, high = maximum;
    for (int step = 0; step < 200; ++step) {
        const double middle = 0.5 * (low + high);
        (middle * std::log1p((maximum - knee) / middle) < 1 - knee ? low : high) = middle;
    }
    return 0.5 * (low + high);
}

Encoding::Encoding(Curve curve, std::string name) : curve_(curve), name_(std::move(name)) {
    maximum_ = static_cast<float>(linearAt(1));
}

std::vector<std::string> Encoding::names() {
    return {"srgb_shoulder", "srgb", "logc3", "acescct"};
}

Encoding Encoding::named(const std::string& name) {
    constexpr Curve curves[] = {Curve::SrgbShoulder, Curve::Srgb, Curve::LogC3, Curve::AcesCct};
    const auto known = names();
    for (size_t index = 0; index < known.size(); ++index)
        if (known[index] == name) return Encoding(curves[index], name);
    std::string list;
    for (const auto& one : known) list += (list.empty() ? "" : ", ") + one;
    throw Error(ExitCode::Model,
                cat("the model's encoding \"", name, "\" is not known (known: ", list, ")"));
}

double Encoding::codeAt(double x) const {
    switch (curve_) {
        case Curve::SrgbShoulder:
            if (x > kKnee) x = kKnee + shoulder().scale * std::log1p((x - kKnee) / shoulder().a);
            return srgbOetf(x);
        case Curve::Srgb:
            return srgbOetf(x);
        case Curve::LogC3:
            return x > logc3::cut ? logc3::c * std::log10(logc3::a * x + logc3::b) + logc3::d
                                  : logc3::e * x + logc3::f;
        case Curve::AcesCct:
            return x > acescct::cut ? (std::log2(x) + 9.72) / 17.52
                                    : acescct::slope * x + acescct::offset;
    }
    return 0;
}

double Encoding::linearAt(double code) const {
    switch (curve_) {
        case Curve::SrgbShoulder: {
            const double y = srgbEotf(code);
            return y <= kKnee ? y
                              : kKnee + shoulder().a * std::expm1((y - kKnee) / shoulder().scale);
        }
        case Curve::Srgb:
            return srgbEotf(code);
        case Curve::LogC3: {
            constexpr double join = logc3::e * logc3::cut + logc3::f;
            return code > join ? (std::pow(10, (code - logc3::d) / logc3::c) - logc3::b) / logc3::a
                               : (code - logc3::f) / logc3::e;
        }
        case Curve::AcesCct: {
            constexpr double join = acescct::slope * acescct::cut + acescct::offset;
            return code > join ? std::exp2(code * 17.52 - 9.72)
                               : (code - acescct::offset) / acescct::slope;
        }
    }
    return 0;
}

float Encoding::encode(float linear) const {
    // The first comparison is false for NaN, which so counts as black.
    if (!(linear > 0)) linear = 0;
    if (linear >= maximum_) return 1;
    return static_cast<float>(std::clamp(codeAt(linear), 0.0, 1.0));
}

float Encoding::decode(float code) const {
    if (std::isnan(code)) return code;
    return static_cast<float>(
        std::max(0.0, linearAt(std::clamp(static_cast<double>(code), 0.0, 1.0))));
}

void Encoding::toModel(std::span<const float> linear, std::span<float> model) const {
    for (size_t index = 0; index < linear.size(); ++index)
        model[index] = 2 * encode(linear[index]) - 1;
}

void Encoding::fromModel(std::span<const float> model, std::span<float> linear) const {
    for (size_t index = 0; index < model.size(); ++index)
        linear[index] = decode(0.5f * model[index] + 0.5f);
}

}  // namespace derrumbe::clip
