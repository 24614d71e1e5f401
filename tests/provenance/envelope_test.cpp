#include <catch2/catch.hpp>

#include <random>

#include <nlohmann/json.hpp>

#include "provenance/envelope.h"
#include "provenance/statement.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::provenance;
using Catch::Matchers::Contains;

TEST_CASE("a signed log opens with its key alone", "[envelope]") {
    const KeyPair keys = makeKeys(), others = makeKeys();
    const std::string payload = statementJson(Statement());
    const std::string envelope = signEnvelope(payload, keys.privatePem);
    CHECK(isEnvelope(envelope));
    CHECK_FALSE(isEnvelope(payload));
    CHECK(envelopePayload(envelope, "a.json") == payload);
    CHECK(openEnvelope(envelope, keys.publicPem, "a.json") == payload);
    CHECK(readStatement(envelope, "a.json").outcome == Outcome::Done);
    CHECK_THROWS_WITH(openEnvelope(envelope, others.publicPem, "a.json"),
                      Contains("a.json: error: not signed by this key"));
    CHECK(nlohmann::json::parse(envelope)["signatures"][0]["keyid"] == keyId(keys.publicPem));
    CHECK(signEnvelope(payload, keys.privatePem) ==
          envelope);  // Ed25519 has no randomness of its own

    CHECK_THROWS_WITH(signEnvelope(payload, keys.publicPem), Contains("private key"));
    CHECK_THROWS_WITH(signEnvelope(payload, ""), Contains("private key"));
    CHECK_THROWS_WITH(openEnvelope(envelope, keys.privatePem, "a.json"), Contains("public key"));
    CHECK_THROWS_WITH(openEnvelope("{}", keys.publicPem, "a.json"),
                      Contains("not a DSSE envelope"));
}

TEST_CASE("no changed byte of payload or signature opens", "[envelope]") {
    const KeyPair keys = makeKeys();
    const std::string payload = statementJson(Statement());
    const std::string envelope = signEnvelope(payload, keys.privatePem);
    std::mt19937 random(1);
    int refused = 0;
    for (int round = 0; round < 300; ++round) {
        std::string changed = envelope;
        const size_t at = random() % changed.size();
        changed[at] = static_cast<char>(changed[at] ^ (1 << (random() % 7)));
        try {
            // what still opens must be what was signed: a blank or a name was hit, or
            // base64's spare bits
            const std::string opened = openEnvelope(changed, keys.publicPem, "a.json");
            CHECK(opened == payload);
        } catch (const Error& error) {
            CHECK((error.code() == ExitCode::Mismatch || error.code() == ExitCode::Usage));
            ++refused;
        }
    }
    CHECK(refused > 200);
}

TEST_CASE("a signature under another key's name is another key's", "[envelope]") {
    const KeyPair keys = makeKeys();
    nlohmann::json envelope = nlohmann::json::parse(signEnvelope("{}", keys.privatePem));
    CHECK(openEnvelope(envelope.dump(), keys.publicPem, "a.json") == "{}");
    std::string name = envelope["signatures"][0]["keyid"];
    name.back() = name.back() == '0' ? '1' : '0';
    envelope["signatures"][0]["keyid"] = name;
    CHECK_THROWS_AS(openEnvelope(envelope.dump(), keys.publicPem, "a.json"), Error);
    envelope["signatures"][0]["keyid"] = 7;
    CHECK_THROWS_AS(openEnvelope(envelope.dump(), keys.publicPem, "a.json"), Error);
    // DSSE's names are optional.
    envelope["signatures"][0].erase("keyid");
    CHECK(openEnvelope(envelope.dump(), keys.publicPem, "a.json") == "{}");
}

TEST_CASE("an envelope that another program made opens", "[envelope]") {
    // made with: openssl genpkey -algorithm ed25519, openssl pkeyutl -sign -rawin over DSSE's
    // encoding of {"a": 1}
    const std::string pem =
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VwAyEAwKTyo4GWndUChh7DsCyckx/CEfekGdcThoFfsJBjVVI=\n"
        "-----END PUBLIC KEY-----\n";
    const std::string envelope =
        R"({"payloadType": "application/vnd.in-toto+json", "payload": "eyJhIjogMX0=", "signatures": [{"sig": "8QJAk1iRbxIMizdxrZwl7Dj9hHVGUj-Y8yv6chpTW0NWeJga5SAEVzSiJy0NcRIsq79TB1UNsKteIwHm4gKZAQ=="}]})";
    CHECK(openEnvelope(envelope, pem, "a.json") == "{\"a\": 1}");
}
