#include "model/wan/expert_names.h"

#include <algorithm>
#include <cctype>

namespace derrumbe::model {

namespace {

bool isLetter(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

/// `word` in lower-case `text`, with no letter before it, and none after it but those of "noise".
bool hasWord(const std::string& text, const std::string& word) {
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        const size_t end = at + word.size();
        const bool begins = at == 0 || !isLetter(text[at - 1]);
        const bool ends =
            end == text.size() || !isLetter(text[end]) || text.compare(end, 5, "noise") == 0;
        if (begins && ends) return true;
    }
    return false;
}

}  // namespace

ExpertNoise expertNoise(const std::string& path) {
    std::string lower = path;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool high = hasWord(lower, "high"), low = hasWord(lower, "low");
    if (high == low) return ExpertNoise::Unknown;
    return high ? ExpertNoise::High : ExpertNoise::Low;
}

}  // namespace derrumbe::model
