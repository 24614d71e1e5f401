#include "render/processor.h"

#include <ATen/Version.h>
#include <dlfcn.h>

#include <charconv>

#include "support/strings.h"

namespace derrumbe::render {

namespace {

int cardNumber(const std::string& device) {
    int number = 0;
    const size_t colon = device.find(':');
    if (colon != std::string::npos)
        std::from_chars(device.data() + colon + 1, device.data() + device.size(), number);
    return number;
}

}  // namespace

std::string Card::text() const {
    return cat(name, " sm_", major, minor);
}

/// Asks the driver itself (CUDA Driver API, sections 6.2 and 6.5: initialisation and devices): the
/// tensor library tells this only through headers that its builds without CUDA do not have.
std::optional<Card> describeCard(const std::string& device) {
    void* driver = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (driver == nullptr) return std::nullopt;
    const auto init = reinterpret_cast<int (*)(unsigned)>(::dlsym(driver, "cuInit"));
    const auto get = reinterpret_cast<int (*)(int*, int)>(::dlsym(driver, "cuDeviceGet"));
    const auto getName =
        reinterpret_cast<int (*)(char*, int, int)>(::dlsym(driver, "cuDeviceGetName"));
    const auto getAttribute =
        reinterpret_cast<int (*)(int*, int, int)>(::dlsym(driver, "cuDeviceGetAttribute"));
    if (!init || !get || !getName || !getAttribute) return std::nullopt;
    // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
    constexpr int majorAttribute = 75, minorAttribute = 76;
    Card card;
    char name[256] = {};
    int handle = 0;
    if (init(0) != 0 || get(&handle, cardNumber(device)) != 0 ||
        getName(name, sizeof name - 1, handle) != 0 ||
        getAttribute(&card.major, majorAttribute, handle) != 0 ||
        getAttribute(&card.minor, minorAttribute, handle) != 0)
        return std::nullopt;
    card.name = name;
    return card;
}

std::string processorKind(const std::string& device) {
    if (device == "cpu") return "cpu " + at::get_cpu_capability();
    const auto card = describeCard(device);
    return card ? "cuda " + card->text() : device;
}

std::vector<std::string> accelerators(const std::string& device) {
    if (device == "cpu" || device.empty()) return {};
    const auto card = describeCard(device);
    return {card ? cat(device, ": ", card->text()) : device};
}

}  // namespace derrumbe::render
