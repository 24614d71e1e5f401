#include "provenance/statement.h"

#include <array>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <nlohmann/json.hpp>

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::provenance {

namespace {

using Json = nlohmann::ordered_json;

/// Adds a value that is known; what is not known is left out rather than written empty.
void add(Json& json, const char* name, const std::string& value) {
    if (!value.empty()) json[name] = value;
}

template <class Value>
void add(Json& json, const char* name, const std::optional<Value>& value) {
    if (value) json[name] = *value;
}

Json parseText(const std::string& text, const char* what) {
    Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded())
        throw Error(ExitCode::Internal, cat("the log's ", what, " is not JSON"));
    return json;
}

/// A path as a URI reference: percent-encoded (RFC 3986), `file://` in front of an absolute one.
std::string uri(const std::string& path) {
    std::string out = path.rfind('/', 0) == 0 ? "file://" : "";
    for (const unsigned char c : path) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            std::string_view("-._~/").find(static_cast<char>(c)) != std::string_view::npos;
        if (plain) {
            out += static_cast<char>(c);
        } else {
            out += '%';
            out += "0123456789ABCDEF"[c >> 4];
            out += "0123456789ABCDEF"[c & 15];
        }
    }
    return out;
}

Json subjectJson(const Subject& subject) {
    Json json = {{"name", subject.name}, {"digest", {{"sha256", subject.sha256}}}};
    Json annotations = Json::object();
    add(annotations, "pixelSha256", subject.pixelSha256);
    add(annotations, "generatedShare", subject.generatedShare);
    add(annotations, "frame", subject.frame);
    if (!annotations.empty()) json["annotations"] = annotations;
    return json;
}

Json subjectsJson(const std::vector<Subject>& subjects) {
    Json list = Json::array();
    for (const Subject& subject : subjects) list.push_back(subjectJson(subject));
    return list;
}

Json dependencyJson(const Dependency& dependency) {
    Json json = {{"uri", uri(dependency.path)},
                 {"name", dependency.path},
                 {"digest", {{"sha256", dependency.sha256}}}};
    Json annotations = {{"role", dependency.role}, {"bytes", dependency.bytes}};
    add(annotations, "license", dependency.license);
    add(annotations, "part", dependency.part);
    json["annotations"] = annotations;
    return json;
}

Json buildDefinition(const Statement& in) {
    Json external = {{"shot", parseText(in.shotJson, "shot")}, {"overrides", in.overrides}};
    if (!in.wedge.empty()) external["wedge"] = in.wedge;
    add(external, "shotFile", in.shotFile);
    add(external, "frames", in.requestedFrames);
    add(external, "device", in.device);
    if (in.threads > 0) external["threads"] = in.threads;
    if (in.maxMemory > 0) external["max_memory"] = in.maxMemory;
    if (in.processes > 1) external["processes"] = in.processes;
    Json internal = {{"plan", parseText(in.planJson, "plan")}};
    add(internal, "contentSha256", in.contentSha256);
    Json dependencies = Json::array();
    for (const Dependency& dependency : in.dependencies)
        dependencies.push_back(dependencyJson(dependency));
    return {{"buildType", kBuildType},
            {"externalParameters", external},
            {"internalParameters", internal},
            {"resolvedDependencies", dependencies}};
}

Json runDetails(const Statement& in) {
    Json version = {{"derrumbe", in.builder.version}};
    add(version, "commit", in.builder.commit);
    add(version, "compiler", in.builder.compiler);
    for (const auto& [name, number] : in.builder.libraries) version[name] = number;
    return {{"builder", {{"id", kBuilderId}, {"version", version}}},
            {"metadata",
             {{"invocationId", in.invocationId},
              {"startedOn", in.startedOn},
              {"finishedOn", in.finishedOn}}},
            {"byproducts", subjectsJson(in.byproducts)}};
}

Json disclosureJson(const Statement& in) {
    const Disclosure& disclosure = in.disclosure;
    Json layers = Json::object();
    for (const auto& [layer, type] : disclosure.layers) layers[layer] = sourceTypeUri(type);
    Json json = {{"digitalSourceType", layers}};
    // IPTC 2025.1 calls these two AISystemUsed and AISystemVersionUsed
    json["aiSystemUsed"] =
        cat("Derrumbe with ", in.model.name.empty() ? "no model" : in.model.name);
    json["aiSystemVersionUsed"] = in.builder.version;
    add(json, "promptAuthor", disclosure.promptAuthor);
    add(json, "operator", disclosure.operatorName);
    json["humanContributions"] = disclosure.humanContributions;
    json["watermark"] = disclosure.watermark;
    add(json, "framesChanged", disclosure.framesChanged);
    // the renderer has no training code, and opens connections to its own processes alone
    json["productionDataLeftTheMachine"] = in.machine.several;
    json["productionDataUsedForTraining"] = false;
    return json;
}

Json modelJson(const ModelInfo& model) {
    Json json = {{"name", model.name}};
    add(json, "version", model.version);
    add(json, "family", model.family);
    json["license"] = model.license.empty() ? "unknown" : model.license;
    json["trainingStatement"] =
        model.trainingStatement.empty() ? "unknown" : model.trainingStatement;
    json["trainingRights"] = model.trainingRights.empty() ? "unknown" : model.trainingRights;
    json["loras"] = Json::array();
    for (const LoraInfo& lora : model.loras) {
        Json one = {{"name", lora.name}, {"sha256", lora.sha256}, {"strength", lora.strength}};
        one["license"] = lora.license.empty() ? "unknown" : lora.license;
        json["loras"].push_back(one);
    }
    return json;
}

Json policiesJson(const std::vector<PolicyInfo>& policies) {
    Json list = Json::array();
    for (const PolicyInfo& policy : policies) {
        Json one = {{"name", policy.name}};
        add(one, "guidance", policy.guidance);
        one["file"] = policy.file;
        one["digest"] = {{"sha256", policy.sha256}};
        list.push_back(one);
    }
    return list;
}

Json machineJson(const Machine& machine) {
    Json json = Json::object();
    add(json, "hostname", machine.hostname);
    add(json, "operatingSystem", machine.operatingSystem);
    add(json, "cpuModel", machine.cpuModel);
    json["cpuThreads"] = machine.cpuThreads;
    json["memoryBytes"] = machine.memoryBytes;
    json["devices"] = machine.devices;
    if (!machine.processes.empty()) json["processes"] = machine.processes;
    return json;
}

Json runJson(const EarlierRun& run) {
    Json json = {{"invocationId", run.invocationId}, {"outcome", text(run.outcome)}};
    add(json, "finishedOn", run.finishedOn);
    add(json, "hostname", run.hostname);
    json["wallSeconds"] = run.wallSeconds;
    json["cpuSeconds"] = run.cpuSeconds;
    add(json, "gpuSeconds", run.gpuSeconds);
    add(json, "energyKilowattHours", run.energyKilowattHours);
    add(json, "money", run.money);
    add(json, "currency", run.currency);
    return json;
}

Json costJson(const Cost& cost) {
    Json stages = Json::object();
    for (const auto& [stage, seconds] : cost.stages) {
        stages[stage] = stages.value(stage, 0.0) +
                        seconds;  // a stage that runs a window at a time comes many times
    }
    Json json = {{"wallSeconds", cost.wallSeconds},
                 {"stageSeconds", stages},
                 {"cpuSeconds", cost.cpuSeconds}};
    add(json, "gpuSeconds", cost.gpuSeconds);
    json["peakBytes"] = cost.peakBytes;
    add(json, "peakGpuBytes", cost.peakGpuBytes);
    add(json, "energyKilowattHours", cost.energyKilowattHours);
    add(json, "money", cost.money);
    add(json, "currency", cost.currency);
    for (const EarlierRun& run : cost.earlierRuns) json["earlierRuns"].push_back(runJson(run));
    return json;
}

Json eventsJson(const std::vector<Event>& events) {
    Json list = Json::array();
    for (const Event& event : events) {
        Json json = {{"kind", event.kind}, {"message", event.message}};
        add(json, "frame", event.frame);
        add(json, "time", event.time);
        list.push_back(json);
    }
    return list;
}

}  // namespace

const char* sourceTypeUri(SourceType type) {
    switch (type) {
        case SourceType::Composite:
            return "http://cv.iptc.org/newscodes/digitalsourcetype/"
                   "compositeWithTrainedAlgorithmicMedia";
        case SourceType::Generated:
            return "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
        case SourceType::Capture:
            return "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture";
    }
    return "";
}

const char* text(Outcome outcome) {
    switch (outcome) {
        case Outcome::Done:
            return "done";
        case Outcome::Failed:
            return "failed";
        case Outcome::Interrupted:
            return "interrupted";
    }
    return "";
}

std::string statementJson(const Statement& in) {
    Json outcome = {{"result", text(in.outcome)}};
    add(outcome, "failure", in.failure);
    const Json predicate = {
        {"buildDefinition", buildDefinition(in)},
        {"runDetails", runDetails(in)},
        {"derrumbe_outcome", outcome},
        {"derrumbe_disclosure", disclosureJson(in)},
        {"derrumbe_model", modelJson(in.model)},
        {"derrumbe_usage",
         {{"deliverable", in.deliverable}, {"answers", parseText(in.usageJson, "usage")}}},
        {"derrumbe_policies", policiesJson(in.policies)},
        {"derrumbe_machine", machineJson(in.machine)},
        {"derrumbe_cost", costJson(in.cost)},
        {"derrumbe_events", eventsJson(in.events)}};
    const Json statement = {{"_type", kStatementType},
                            {"subject", subjectsJson(in.subjects)},
                            {"predicateType", kPredicateType},
                            {"predicate", predicate}};
    // file names need not be UTF-8: what is not becomes U+FFFD instead of an exception
    return statement.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<EarlierRun> runsOf(const Statement& statement) {
    const Cost& cost = statement.cost;
    std::vector<EarlierRun> runs = cost.earlierRuns;
    runs.push_back({statement.invocationId, statement.finishedOn, statement.machine.hostname,
                    statement.outcome, cost.wallSeconds, cost.cpuSeconds, cost.gpuSeconds,
                    cost.energyKilowattHours, cost.money, cost.currency});
    return runs;
}

std::vector<std::pair<std::string, std::string>> libraryVersions() {
    return {{"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)}};
}

std::string newInvocationId() {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        throw Error(ExitCode::Internal, "OpenSSL gives no random numbers");
    }
    bytes[6] =
        static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);  // version 4 (RFC 9562, section 5.4)
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);
    std::string id = "urn:uuid:";
    for (size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
        id += "0123456789abcdef"[bytes[i] >> 4];
        id += "0123456789abcdef"[bytes[i] & 15];
    }
    return id;
}

}  // namespace derrumbe::provenance
