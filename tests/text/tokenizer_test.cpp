#include "text/tokenizer.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/error.h"
#include "text/prompt_clean.h"

using namespace derrumbe;
using text::Tokenizer;

namespace {

const std::filesystem::path kData = DERRUMBE_TEST_DATA;
constexpr int kLength = 64;

nlohmann::json rows() {
    std::ifstream file(kData / "prompts.json");
    return nlohmann::json::parse(file);
}

}  // namespace

TEST_CASE("the ids of 300 prompts are the sentencepiece package's", "[tokens]") {
    const Tokenizer tokenizer = Tokenizer::load(kData);
    int unknown = 0, cut = 0;
    for (const auto& row : rows()) {
        const auto expected = row["ids"].get<std::vector<int64_t>>();
        const auto ids = tokenizer.encode(row["clean"], kLength);
        INFO(row["clean"].dump());
        CHECK(ids == expected);
        CHECK(tokenizer.encode(text::cleanPrompt(row["prompt"]), kLength) == expected);
        unknown += std::count(ids.begin(), ids.end(), tokenizer.unknownToken()) > 0;
        cut += ids.size() == kLength;
    }
    CHECK(unknown > 50);  // the prompts do try what the vocabulary lacks,
    CHECK(cut > 10);      // and what is too long
}

TEST_CASE("byte pieces are never used: a run of unknowns is one <unk>", "[tokens]") {
    const Tokenizer tokenizer = Tokenizer::load(kData / "byte_fallback");
    for (const auto& row : rows()) {
        INFO(row["clean"].dump());
        CHECK(tokenizer.encode(row["clean"], kLength) ==
              row["byte_fallback_ids"].get<std::vector<int64_t>>());
    }
}

TEST_CASE("the end token is always there", "[tokens]") {
    const Tokenizer tokenizer = Tokenizer::load(kData);
    CHECK(tokenizer.endToken() == 1);
    CHECK(tokenizer.unknownToken() == 3);
    CHECK(tokenizer.encode("", kLength) == std::vector<int64_t>{1});
    CHECK(tokenizer.encode("the tower", 1) == std::vector<int64_t>{1});
    const auto whole = tokenizer.encode("the tower falls on the street", kLength);
    const auto cut = tokenizer.encode("the tower falls on the street", 4);
    REQUIRE(cut.size() == 4);
    CHECK(std::equal(cut.begin(), cut.end() - 1, whole.begin()));
    CHECK(cut.back() == 1);
    CHECK_THROWS_AS(tokenizer.encode("x", 0), Error);
}

TEST_CASE("a vocabulary that cannot be read is a model error", "[tokens]") {
    const auto folder = std::filesystem::temp_directory_path() / "derrumbe_tokenizer_test";
    std::filesystem::create_directories(folder / "tokenizer");
    const auto refused = [&](const std::string& bytes) {
        std::ofstream(folder / "tokenizer/spiece.model", std::ios::binary) << bytes;
        try {
            Tokenizer::load(folder);
            FAIL("no error");
        } catch (const Error& error) {
            CHECK(error.code() == ExitCode::Model);
            CHECK(std::string(error.what()).find("spiece.model") != std::string::npos);
        }
    };
    refused("");
    refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    std::ifstream good(kData / "tokenizer/spiece.model", std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(good)), {});
    refused(bytes.substr(0, bytes.size() / 2));
    std::filesystem::remove_all(folder);
    CHECK_THROWS_AS(Tokenizer::load(folder), Error);
}
