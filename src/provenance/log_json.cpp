#include "provenance/log_json.h"

#include <vector>

namespace derrumbe::provenance {

using Json = nlohmann::ordered_json;

Json parseLogJson(const std::string& text) {
    constexpr int kDeepest = 64;
    constexpr size_t kMostNames = 1000;
    bool good = true;
    std::vector<size_t> names;  // of the objects that are open
    const auto keep = [&](int depth, Json::parse_event_t event, Json&) {
        if (event == Json::parse_event_t::object_start) names.push_back(0);
        if (event == Json::parse_event_t::object_end && !names.empty()) names.pop_back();
        if (event == Json::parse_event_t::key && !names.empty())
            good = good && ++names.back() <= kMostNames;
        good = good && depth <= kDeepest;
        return good;
    };
    Json json = Json::parse(text, keep, false);
    return good ? json : Json(Json::value_t::discarded);
}

}  // namespace derrumbe::provenance
