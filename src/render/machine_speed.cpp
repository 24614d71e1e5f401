#include "render/machine_speed.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <charconv>

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::render {

std::string chooseDevice(const std::string& asked) {
    return chooseDevice(asked, at::hasCUDA() ? static_cast<int>(at::getNumGPUs()) : 0);
}

std::string chooseDevice(const std::string& asked, int cards) {
    if (asked == "auto") return cards > 0 ? "cuda" : "cpu";
    if (asked == "cpu") return asked;
    const bool numbered = asked.rfind("cuda:", 0) == 0 && asked.size() > 5 &&
                          asked.find_first_not_of("0123456789", 5) == std::string::npos;
    if (asked != "cuda" && !numbered)
        throw Error(ExitCode::Usage,
                    cat("'", asked, "' is not a device; use auto, cpu, cuda or cuda:N"));
    if (cards <= 0)
        throw Error(
            ExitCode::Usage,
            cat("'", asked, "' asks for a card, and this machine or this LibTorch has none"));
    if (!numbered) return asked;
    int number = cards;  // stays so for a number that no int holds
    std::from_chars(asked.data() + 5, asked.data() + asked.size(), number);
    if (number >= cards)
        throw Error(ExitCode::Usage, cat("there is no '", asked,
                                         "': the cards that can be used here are cuda:0 to cuda:",
                                         cards - 1, "; $CUDA_VISIBLE_DEVICES may hide others"));
    return cat("cuda:", number);
}

std::string chooseDtype(const std::string& asked, const std::string& device, bool bfloat16Weights,
                        Bfloat16Products products) {
    if (asked != "auto") return asked;
    const bool plain = device == "cpu" && !(bfloat16Weights && products != Bfloat16Products::None);
    return plain ? "float32" : "bfloat16";
}

void setThreads(int threads) {
    if (threads > 0) at::set_num_threads(threads);
}

int threadsInUse() {
    return at::get_num_threads();
}

}  // namespace derrumbe::render
