#include "../check.h"
#include "../targets.h"
#include "text/prompt_clean.h"
#include "text/utf8.h"

namespace derrumbe::fuzz {

void prompt(const std::string& bytes) {
    const std::string clean = text::cleanPrompt(bytes);
    bool valid = false;
    text::decodeUtf8(clean, &valid);
    expect(valid, "a cleaned prompt is UTF-8");
}

}  // namespace derrumbe::fuzz
