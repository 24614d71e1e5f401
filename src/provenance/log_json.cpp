#include "provenance/log_json.h"

namespace derrumbe::provenance {

using Json = nlohmann::ordered_json;

Json parseLogJson(const std::string& text) {
    constexpr int kDeepest = 64;
    bool deep = false;
    const auto keep = [&](int depth, Json::parse_event_t, Json&) {
        deep = deep || depth > kDeepest;
        return !deep;
    };
    Json json = Json::parse(text, keep, false);
    return deep ? Json(Json::value_t::discarded) : json;
}

}  // namespace derrumbe::provenance
