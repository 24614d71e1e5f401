#pragma once
#include <chrono>
#include <string>

namespace derrumbe {

enum class ProgressStyle { Auto, Bar, Plain, Tractor, Deadline, OpenJd, Json, None };

/// Says how far a render is, in a farm's own words. Stages carry weights (expected seconds), so
/// that the percentage moves evenly. Farm lines go to standard output and are flushed; bar and
/// plain go to standard error.
class Progress {
  public:
    explicit Progress(ProgressStyle style);
    /// Begins a stage; `share` is its part of the whole in [0, 1].
    void begin(const std::string& stage, double share);
    /// `done` of `total` units of the present stage; prints when a percent, or a minute, has
    /// passed.
    void update(double done, double total);
    void finish();

  private:
    void print(double fraction, bool force);
    ProgressStyle style_;
    std::string stage_;
    double before_ = 0, share_ = 0;
    int lastPercent_ = -1;
    bool barOpen_ = false;
    std::chrono::steady_clock::time_point lastPrint_{};
};

}  // namespace derrumbe
