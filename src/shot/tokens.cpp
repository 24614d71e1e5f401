#include "shot/tokens.h"

#include "shot/characters.h"
#include "support/frame_token.h"
#include "support/strings.h"

namespace derrumbe::shot {

namespace {

std::string takeText(int take, const std::string& width) {
    std::string digits = std::to_string(take);
    const size_t least = width.empty() ? 1 : static_cast<size_t>(width[0] - '0');
    return std::string(least > digits.size() ? least - digits.size() : 0, '0') + digits;
}

std::string tokenValue(const std::string& token, const Identity& shot) {
    if (token == "show") {
        if (shot.show.empty()) {
            throw Error(ExitCode::Usage, "{show} is used, but shot.show does not name the show");
        }
        return shot.show;
    }
    if (token == "name") return shot.name;
    if (token == "take") return takeText(shot.take, "");
    if (token.size() == 6 && token.rfind("take:", 0) == 0 && token[5] >= '1' && token[5] <= '9') {
        return takeText(shot.take, token.substr(5));
    }
    const std::string meant = nearest(token, {"show", "name", "take"});
    throw Error(ExitCode::Usage,
                cat("unknown token ", shown("{" + token + "}"),
                    meant.empty() ? "; there are {show}, {name}, {take} and {take:3}"
                                  : "; did you mean {" + meant + "}?"));
}

}  // namespace

std::string replaceTokens(const std::string& path, const Identity& shot) {
    std::string out;
    for (size_t at = 0; at < path.size();) {
        if (path[at] == '}') throw Error(ExitCode::Usage, "a } without its {");
        if (path[at] != '{') {
            out += path[at++];
            continue;
        }
        const size_t end = path.find('}', at);
        if (end == std::string::npos) throw Error(ExitCode::Usage, "a { without its }");
        out += tokenValue(path.substr(at + 1, end - at - 1), shot);
        at = end + 1;
    }
    return out;
}

std::string framePattern(const std::string& path) {
    const FrameToken token = findFrameToken(path);
    if (!token.there()) return path;
    return path.substr(0, token.begin) + "<frame>" + path.substr(token.end);
}

}  // namespace derrumbe::shot
