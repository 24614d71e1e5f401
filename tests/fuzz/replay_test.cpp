#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "support/log.h"
#include "targets.h"

/// The corpora without libFuzzer: every file, then mutations of them that are the same each time.
namespace derrumbe::fuzz {

namespace {

namespace fs = std::filesystem;

constexpr struct {
    const char* name;
    void (*run)(const std::string&);
    int mutations;
} kTargets[] = {
    {"frame_range", frameRange, 4000},  {"sequence", sequence, 2000},
    {"shot_file", shotFile, 2000},      {"wedge", wedge, 1000},
    {"safetensors", safetensors, 3000}, {"gguf", gguf, 2000},
    {"model_json", modelJson, 600},     {"provenance_log", provenanceLog, 2000},
    {"policy", policy, 1000},           {"prompt", prompt, 1000},
};

std::vector<std::string> corpus(const std::string& target) {
    std::vector<fs::path> files;
    for (const auto& item : fs::directory_iterator(fs::path(DERRUMBE_FUZZ_CORPUS) / target))
        files.push_back(item.path());
    std::sort(files.begin(), files.end());
    std::vector<std::string> all;
    for (const fs::path& file : files) {
        std::ifstream in(file, std::ios::binary);
        all.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return all;
}

class Mutator {
  public:
    explicit Mutator(const std::vector<std::string>& corpus) : corpus_(corpus) {}

    std::string next() {
        std::string text = any();
        for (size_t edits = 1 + below(4); edits > 0; --edits) edit(text);
        return text;
    }

  private:
    size_t below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }
    const std::string& any() { return corpus_[below(corpus_.size())]; }

    void edit(std::string& text) {
        static const std::string kMarks =
            "{}[]:,&*#?!|>'\"%@$`-+. \n\t\\/0123456789eExy~aF\x7f\xff";
        const size_t at = below(text.size() + 1);
        switch (below(6)) {
            case 0:
                if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
                break;
            case 1:
                text.insert(at, 1, kMarks[below(kMarks.size())]);
                break;
            case 2:
                text.erase(at, 1 + below(8));
                break;
            case 3:
                text.insert(at, text.substr(below(text.size()), below(40)));
                break;
            case 4: {
                const std::string& other = any();
                text.insert(at, other.substr(below(other.size()), below(60)));
                break;
            }
            default:
                if (at < text.size()) text[at] = static_cast<char>(below(256));
        }
    }

    const std::vector<std::string>& corpus_;
    std::mt19937 random_{7};
};

void run(void (*target)(const std::string&), const std::string& bytes) {
    INFO("for the bytes " << jsonQuote(bytes.substr(0, 2000)));
    CHECK_NOTHROW(target(bytes));
}

}  // namespace

TEST_CASE("no input is worse than refused", "[fuzz]") {
    for (const auto& target : kTargets) {
        DYNAMIC_SECTION(target.name) {
            const std::vector<std::string> files = corpus(target.name);
            REQUIRE(files.size() > 2);
            for (const std::string& bytes : files) run(target.run, bytes);
            Mutator mutator(files);
            for (int i = 0; i < target.mutations; ++i) run(target.run, mutator.next());
        }
    }
}

}  // namespace derrumbe::fuzz
