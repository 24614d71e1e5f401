#include "text/library_versions.h"

#include <utf8proc.h>

namespace derrumbe::text {

std::vector<std::pair<std::string, std::string>> libraryVersions() {
    std::vector<std::pair<std::string, std::string>> versions{{"utf8proc", utf8proc_version()}};
#ifdef DERRUMBE_SENTENCEPIECE_VERSION  // its header does not tell
    versions.emplace_back("sentencepiece", DERRUMBE_SENTENCEPIECE_VERSION);
#endif
    return versions;
}

}  // namespace derrumbe::text
