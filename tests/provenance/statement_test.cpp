#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include <nlohmann/json.hpp>

#include "provenance/digest.h"
#include "provenance/envelope.h"
#include "provenance/statement.h"
#include "provenance/verify.h"

using namespace derrumbe;
using namespace derrumbe::provenance;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

Statement example() {
    Statement in;
    in.subjects = {{"renders/a.1001.exr", sha256("1"), sha256("p"), 0.25, 1001},
                   {"renders/a.1002.exr", sha256("2"), "", {}, {}}};
    in.byproducts = {{"renders/a.mp4", sha256("3"), "", {}, {}}};
    in.dependencies = {{"plates/a 1.exr", sha256("4"), "plate", "", 10},
                       {"/show/m.safetensors", sha256("5"), "weights", "Apache-2.0", 99}};
    in.shotJson = R"({"prompt":"cae \"polvo\" 灰","sampler":{"seed":18446744073709551615}})";
    in.overrides = {"sampler.seed=7", "sampler.steps=8"};
    in.wedge = {"sampler.steps=8"};
    in.requestedFrames = "1001-1002";
    in.device = "cuda:1";
    in.threads = 8;
    in.shotFile = "/show/a.yaml";
    in.planJson = R"({"window":25})";
    in.contentSha256 = sha256("content");
    in.builder = {"0.1.0", "abc", "GNU 12", {{"torch", "2.13.0"}}};
    in.invocationId = newInvocationId();
    in.startedOn = "2026-11-23T12:00:00Z";
    in.finishedOn = "2026-11-23T12:01:00Z";
    in.disclosure.promptAuthor = "Ana";
    in.disclosure.humanContributions = {"matte", "prompt"};
    in.model = {"derrumbe-mini",
                "1",
                "wan-vace",
                "Apache-2.0",
                "simulated",
                "own work",
                {{"dust", sha256("6"), "", 0.5}}};
    in.usageJson = R"({"talent":"none"})";
    in.policies = {{"studio", "a letter", "/show/studio.yaml", sha256("7")}};
    in.processes = 2;
    in.machine = {"node7", "Debian", "CPU", 2, 1 << 30, {"GPU"}, {"0: node7", "1: node8"}, true};
    in.cost.stages = {{"encode", 1.5}, {"decode", 2.0}, {"encode", 0.5}};
    in.cost.wallSeconds = 4;
    in.cost.gpuSeconds = 3;
    in.events = {{"held", "no plate", 1002, ""}};
    return in;
}

void checkResource(const json& it) {
    REQUIRE(it["name"].is_string());
    CHECK(isSha256(it["digest"]["sha256"].get<std::string>()));
}

/// What in-toto's Statement v1 and SLSA's provenance v1 demand.
void checkSpecification(const json& it) {
    CHECK(it["_type"] == "https://in-toto.io/Statement/v1");
    CHECK(it["predicateType"] == "https://slsa.dev/provenance/v1");
    CHECK(it.size() == 4);
    REQUIRE(it["subject"].is_array());
    for (const json& subject : it["subject"]) checkResource(subject);
    const json& predicate = it["predicate"];
    const std::set<std::string> known = {"buildDefinition", "runDetails"};
    for (const auto& [name, value] : predicate.items()) {
        CAPTURE(name);
        CHECK((known.count(name) == 1 || name.rfind("derrumbe_", 0) == 0));
    }
    const json& definition = predicate["buildDefinition"];
    CHECK(definition["buildType"].get<std::string>().find(':') != std::string::npos);
    CHECK(definition["externalParameters"].is_object());
    CHECK(definition["internalParameters"].is_object());
    for (const json& dependency : definition["resolvedDependencies"]) {
        checkResource(dependency);
        CHECK(dependency["uri"].is_string());
        CHECK(dependency["annotations"]["role"].is_string());
    }
    const json& details = predicate["runDetails"];
    CHECK(details["builder"]["id"].get<std::string>().find(':') != std::string::npos);
    for (const auto& [name, value] : details["builder"]["version"].items())
        CHECK(value.is_string());
    for (const char* name : {"invocationId", "startedOn", "finishedOn"})
        CHECK(details["metadata"][name].is_string());
    for (const char* name : {"outcome", "disclosure", "model", "usage", "machine", "cost"}) {
        CHECK(predicate[std::string("derrumbe_") + name].is_object());
    }
    CHECK(predicate["derrumbe_events"].is_array());
}

}  // namespace

TEST_CASE("a statement has the specifications' shape", "[statement]") {
    checkSpecification(json::parse(statementJson(Statement())));
    const json it = json::parse(statementJson(example()));
    checkSpecification(it);
    CHECK(it["subject"][0]["annotations"]["pixelSha256"] == sha256("p"));
    CHECK(it["subject"][0]["annotations"]["generatedShare"] == 0.25);
    CHECK_FALSE(it["subject"][1].contains("annotations"));
    const json& predicate = it["predicate"];
    const json& definition = predicate["buildDefinition"];
    CHECK(definition["externalParameters"]["shot"]["sampler"]["seed"] == 18446744073709551615ull);
    CHECK(definition["externalParameters"]["device"] == "cuda:1");
    CHECK(definition["externalParameters"]["threads"] == 8);
    CHECK(definition["externalParameters"]["processes"] == 2);
    CHECK(predicate["derrumbe_machine"]["processes"][1] == "1: node8");
    // From one machine to the other.
    CHECK(predicate["derrumbe_disclosure"]["productionDataLeftTheMachine"] == true);
    const json alone = json::parse(statementJson(Statement()));
    CHECK(alone["predicate"]["derrumbe_disclosure"]["productionDataLeftTheMachine"] == false);
    CHECK(definition["resolvedDependencies"][0]["uri"] == "plates/a%201.exr");
    CHECK(definition["resolvedDependencies"][1]["uri"] == "file:///show/m.safetensors");
    CHECK(predicate["derrumbe_disclosure"]["digitalSourceType"]["RGBA"] ==
          "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia");
    CHECK(predicate["derrumbe_disclosure"]["digitalSourceType"]["generated"] ==
          "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia");
    CHECK(predicate["derrumbe_disclosure"]["watermark"] == "none");
    CHECK(predicate["derrumbe_cost"]["stageSeconds"]["encode"] == 2.0);
    CHECK_FALSE(predicate["derrumbe_cost"].contains("money"));
    CHECK(predicate["derrumbe_usage"] ==
          json::parse(R"({"deliverable":"final","answers":{"talent":"none"}})"));
    CHECK(predicate["derrumbe_policies"][0]["digest"]["sha256"] == sha256("7"));
    CHECK(predicate["derrumbe_model"]["loras"][0]["license"] == "unknown");
}

TEST_CASE("what is written is read again", "[statement]") {
    const Statement in = example();
    const Statement out = readStatement(statementJson(in), "a.json");
    Statement same = out;
    CHECK(statementJson(same) == statementJson(readStatement(statementJson(same), "a.json")));
    CHECK(out.subjects[0].name == in.subjects[0].name);
    CHECK(out.subjects[0].generatedShare == 0.25);
    CHECK_FALSE(out.subjects[1].frame);
    CHECK(out.dependencies[1].license == "Apache-2.0");
    CHECK(json::parse(out.shotJson) == json::parse(in.shotJson));
    CHECK(out.contentSha256 == in.contentSha256);
    CHECK(out.device == in.device);
    CHECK(out.threads == in.threads);
    CHECK(out.processes == 2);
    CHECK(out.machine.several);
    CHECK(out.shotFile == in.shotFile);
    CHECK(out.wedge == in.wedge);
    CHECK(out.builder.libraries == in.builder.libraries);
    CHECK(out.cost.gpuSeconds == 3);
    CHECK(out.events[0].frame == 1002);
    CHECK(out.model.loras[0].strength == 0.5);

    for (const Outcome outcome : {Outcome::Done, Outcome::Failed, Outcome::Interrupted}) {
        same.outcome = outcome;
        CHECK(readStatement(statementJson(same), "a.json").outcome == outcome);
    }
}

TEST_CASE("what is no log is refused by name", "[statement]") {
    CHECK_THROWS_WITH(readStatement("", "a.json"), Contains("a.json: error: not JSON"));
    CHECK_THROWS_WITH(readStatement("[]", "a.json"), Contains("not JSON"));
    CHECK_THROWS_WITH(readStatement("{}", "a.json"), Contains("not a provenance log"));
    CHECK_THROWS_WITH(readStatement(std::string(200000, '['), "a.json"), Contains("not JSON"));
    const std::string good = statementJson(example());
    const auto with = [&](const char* pointer, const json& value) {
        json changed = json::parse(good);
        changed[json::json_pointer(pointer)] = value;
        return changed.dump();
    };
    CHECK_THROWS_WITH(readStatement(with("/subject", 3), "a.json"), Contains("is no list"));
    CHECK_THROWS_WITH(readStatement(with("/subject/0/digest", "x"), "a.json"),
                      Contains("no SHA-256 for renders/a.1001.exr"));
    CHECK_THROWS_WITH(readStatement(with("/subject/0/digest/sha256", "../x"), "a.json"),
                      Contains("no SHA-256"));
    CHECK_THROWS_WITH(readStatement(with("/subject/0/name", 5), "a.json"),
                      Contains("another type"));
    CHECK_THROWS_WITH(readStatement(with("/predicate/derrumbe_cost/peakBytes", "x"), "a.json"),
                      Contains("another type"));
    // Numbers that an int cannot hold: 1e300 has no meaning there, 2^32 would be cut to 0.
    for (const json& number : {json(1e300), json(0.5), json(4294967296), json(-5000000000)})
        CHECK_THROWS_WITH(readStatement(with("/subject/0/annotations/frame", number), "a.json"),
                          Contains("frame is no such number"));
    CHECK_THROWS_WITH(readStatement(with("/predicate/derrumbe_cost/peakBytes", -1), "a.json"),
                      Contains("peakBytes is no such number"));
    // What walks the values recurses: neither what is kept as text nor what is not read may be
    // deep.
    const std::string deep = std::string(200000, '[') + std::string(200000, ']');
    for (const char* place : {"/predicate/buildDefinition/externalParameters/shot",
                              "/predicate/derrumbe_usage/answers", "/predicate/another_vendor"}) {
        std::string text = with(place, "HERE");
        text.replace(text.find("\"HERE\""), 6, deep);
        CHECK_THROWS_WITH(readStatement(text, "a.json"), Contains("not JSON"));
    }
    std::string many = "{";
    for (int i = 0; i < 300000; ++i) many += "\"" + std::to_string(i) + "\":1,";
    CHECK_THROWS_WITH(readStatement(many + "\"_type\":1}", "a.json"), Contains("not JSON"));
    CHECK_NOTHROW(readStatement(with("/predicate/another_vendor", {{"a", 1}}), "a.json"));
    Statement broken;
    broken.shotJson = "{";
    CHECK_THROWS_AS(statementJson(broken), Error);
}

TEST_CASE("no mutation of a log does worse than a usage error", "[statement]") {
    const std::string good = statementJson(example());
    std::mt19937 random(6);
    for (int round = 0; round < 3000; ++round) {
        std::string text = good;
        for (int edits = 0; edits < 3; ++edits) {
            const size_t at = random() % text.size();
            if (random() % 2 == 0)
                text[at] = "{}[]\",:0123456789ntf\\\xff"[random() % 22];
            else
                text.erase(at, 1 + random() % 9);
        }
        try {
            readStatement(text, "a.json");
        } catch (const Error& error) {
            if (error.code() != ExitCode::Usage) FAIL(error.what() << "\nfor\n" << text);
        }
    }
}

TEST_CASE("invocations have ids of their own", "[statement]") {
    std::set<std::string> ids;
    for (int i = 0; i < 100; ++i) ids.insert(newInvocationId());
    CHECK(ids.size() == 100);
    CHECK(ids.begin()->size() ==
          std::string("urn:uuid:00000000-0000-4000-8000-000000000000").size());
    CHECK((*ids.begin())[9 + 14] == '4');
}

TEST_CASE("one changed byte in any file is found and named", "[verify]") {
    namespace fs = std::filesystem;
    const fs::path folder =
        fs::temp_directory_path() / ("derrumbe_verify_" + std::to_string(std::random_device()()));
    fs::create_directories(folder / "renders");
    std::mt19937 random(3);
    const std::vector<std::string> names = {"renders/a.1001.exr", "renders/a.1002.exr", "plate.exr",
                                            "weights.bin"};
    const auto write = [&](const std::string& name, const std::string& bytes) {
        std::ofstream(folder / name, std::ios::binary) << bytes;
    };
    std::vector<std::string> contents;
    for (const std::string& name : names) {
        std::string bytes(5000, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        contents.push_back(bytes);
        write(name, bytes);
    }
    Statement log;
    log.subjects = {{names[0], sha256(contents[0]), "", {}, {}},
                    {names[1], sha256(contents[1]), "", {}, {}}};
    log.dependencies = {{names[2], sha256(contents[2]), "plate", "", 5000},
                        {(folder / names[3]).string(), sha256(contents[3]), "", "", 5000}};
    log = readStatement(statementJson(log), "log.json");
    CHECK(verifyFiles(log, folder).good());
    CHECK(verifyFiles(log, folder).files == 4);

    for (int round = 0; round < 100; ++round) {
        const size_t which = random() % names.size();
        std::string bytes = contents[which];
        bytes[random() % bytes.size()] ^= static_cast<char>(1 << (random() % 8));
        write(names[which], bytes);
        const Verification found = verifyFiles(log, folder);
        REQUIRE(found.differences.size() == 1);
        CHECK(found.differences[0].kind == Difference::Kind::Changed);
        CHECK(found.differences[0].delivered == (which < 2));
        CHECK_THAT(found.differences[0].message, Contains(names[which]));
        CHECK(verifyFiles(log, folder, false).good() == (which >= 2));
        write(names[which], contents[which]);
    }
    fs::remove(folder / names[1]);
    fs::remove(folder / names[2]);
    fs::create_directory(folder / names[2]);
    const Verification found = verifyFiles(log, folder);
    REQUIRE(found.differences.size() == 2);
    CHECK(found.differences[0].kind == Difference::Kind::Missing);
    CHECK(found.differences[1].kind == Difference::Kind::Unreadable);
    CHECK_THAT(found.differences[1].message, Contains("plate plate.exr: not a file"));
    fs::remove_all(folder);
}
