#include "text/prompt_clean.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "text/html_entities.h"
#include "text/utf8.h"

using namespace derrumbe::text;

TEST_CASE("300 prompts are cleaned as ftfy and html clean them", "[clean]") {
    std::ifstream file(std::string(DERRUMBE_TEST_DATA) + "/prompts.json");
    const auto rows = nlohmann::json::parse(file);
    REQUIRE(rows.size() == 300);
    for (const auto& row : rows) {
        const std::string prompt = row["prompt"];
        INFO(row["prompt"].dump());
        CHECK(cleanPrompt(prompt) == row["clean"].get<std::string>());
    }
}

TEST_CASE("mojibake is undone, however often it happened, and real letters stay", "[clean]") {
    CHECK(cleanPrompt("construcciÃ³n") == "construcción");
    CHECK(cleanPrompt("construcciÃƒÂ³n") == "construcción");
    CHECK(cleanPrompt("â€œdustâ€\xc2\x9d") == "\"dust\"");
    CHECK(cleanPrompt("SÃO PAULO, açúcar, ñandú, Ålesund") == "SÃO PAULO, açúcar, ñandú, Ålesund");
}

TEST_CASE("references to characters", "[clean]") {
    const auto unescaped = [](const char* text) {
        return encodeUtf8(htmlUnescape(decodeUtf8(text)));
    };
    CHECK(unescaped("&notit; &notin; &amp &ampx") == "¬it; ∉ & &x");
    CHECK(unescaped("&#x41;&#65;&#x80;&#0;&#1;|") == "AA€\xef\xbf\xbd|");
    CHECK(unescaped("&#99999999999999999999; &#xD800;") == "\xef\xbf\xbd \xef\xbf\xbd");
    CHECK(unescaped("& && &; &# &#x &xothing;") == "& && &; &# &#x &xothing;");
    const auto strict = [](const char* text) {
        return encodeUtf8(unescapeStrictly(decodeUtf8(text)));
    };
    CHECK(strict("&amp &NTILDE; &eacute; &SZLIG; &#59; &nTILDE;") == "&amp Ñ é SS &#59; &nTILDE;");
}

TEST_CASE("bytes that are no UTF-8 never get through", "[clean]") {
    CHECK(cleanPrompt("a\xff\xfe b") == "a\xef\xbf\xbd\xef\xbf\xbd b");
    CHECK(cleanPrompt("\xed\xa0\xbd") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    std::mt19937 random(31);
    for (int count = 0; count < 3000; ++count) {
        std::string bytes;
        const int length = static_cast<int>(random() % 40);
        for (int index = 0; index < length; ++index)
            bytes.push_back(
                static_cast<char>(random() % 3 ? 0x80 + random() % 128 : random() % 128));
        const std::string clean = cleanPrompt(bytes);
        bool valid = false;
        const auto text = decodeUtf8(clean, &valid);
        REQUIRE(valid);
        for (const char32_t c : text) REQUIRE((c == U' ' || !isSpace(c)));
    }
}
