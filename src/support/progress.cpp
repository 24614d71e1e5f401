#include "support/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "support/log.h"

namespace derrumbe {

Progress::Progress(ProgressStyle style) : style_(style) {
    if (style_ == ProgressStyle::Auto)
        style_ = ::isatty(STDERR_FILENO) ? ProgressStyle::Bar : ProgressStyle::Plain;
}

void Progress::begin(const std::string& stage, double share) {
    before_ = std::min(1.0, before_ + share_);
    share_ = share;
    stage_ = stage;
    print(before_, true);
}

void Progress::update(double done, double total) {
    const double part = total > 0 ? std::clamp(done / total, 0.0, 1.0) : 0;
    print(std::min(1.0, before_ + share_ * part), false);
}

void Progress::finish() {
    stage_ = "done";
    print(1, true);
    if (barOpen_) std::fputc('\n', stderr);
    barOpen_ = false;
}

void Progress::print(double fraction, bool force) {
    const int percent = static_cast<int>(std::floor(fraction * 100 + 1e-9));
    const auto now = std::chrono::steady_clock::now();
    const bool minute = now - lastPrint_ > std::chrono::seconds(30);
    // Plain logs are read by people: a line every ten percent is enough.
    const int grain = style_ == ProgressStyle::Plain ? 10 : 1;
    if (!force && !minute && percent / grain == lastPercent_ / grain) return;
    lastPercent_ = percent;
    lastPrint_ = now;
    const char* stage = stage_.c_str();
    switch (style_) {
        case ProgressStyle::Bar: {
            char cells[31];
            for (int i = 0; i < 30; ++i) cells[i] = i < percent * 30 / 100 ? '#' : '.';
            cells[30] = 0;
            std::fprintf(stderr, "\r[%s] %3d%% %-24s", cells, percent, stage);
            std::fflush(stderr);
            barOpen_ = true;
            break;
        }
        case ProgressStyle::Plain:
            std::fprintf(stderr, "derrumbe: %3d%% %s\n", percent, stage);
            break;
        case ProgressStyle::Tractor:
            std::printf("ALF_PROGRESS %d%%\n", percent);
            break;
        case ProgressStyle::Deadline:
            std::printf("Progress: %d%%\n", percent);
            break;
        case ProgressStyle::OpenJd:
            std::printf("openjd_progress: %.1f\n", fraction * 100);
            if (force) std::printf("openjd_status: %s\n", stage);
            break;
        case ProgressStyle::Json:
            std::printf("{\"progress\":%.4f,\"stage\":%s}\n", fraction, jsonQuote(stage_).c_str());
            break;
        case ProgressStyle::Auto:
        case ProgressStyle::None:
            break;
    }
    std::fflush(stdout);
}

}  // namespace derrumbe
