#include <type_traits>
#include <utility>

#include "provenance/digest.h"
#include "provenance/envelope.h"
#include "provenance/log_json.h"
#include "provenance/statement.h"
#include "support/strings.h"

namespace derrumbe::provenance {

namespace {

using Json = nlohmann::ordered_json;

/// Reads fields that may be missing; one of another type than ours is an error at the log's name.
struct Reader {
    std::string file;

    [[noreturn]] void fail(const std::string& message) const {
        throw Error(ExitCode::Usage, message, {file});
    }

    /// A member, or null.
    const Json& at(const Json& json, const char* name) const {
        static const Json kNull;
        if (!json.is_object()) return kNull;
        const auto found = json.find(name);
        return found == json.end() ? kNull : *found;
    }

    template <class Value>
    void get(const Json& json, const char* name, Value& out) const {
        const Json& value = at(json, name);
        if (value.is_null()) return;
        if constexpr (std::is_integral_v<Value>) {
            // The library would cut what does not fit.
            const bool fits =
                value.is_number_unsigned()
                    ? std::in_range<Value>(value.get<std::uint64_t>())
                    : value.is_number_integer() && std::in_range<Value>(value.get<std::int64_t>());
            if (value.is_number() && !fits)
                fail(cat("not a log of this program: ", name, " is no such number"));
        }
        try {
            out = value.get<Value>();
        } catch (const Json::exception&) {
            fail(cat("not a log of this program: ", name, " has another type"));
        }
    }

    template <class Value>
    void get(const Json& json, const char* name, std::optional<Value>& out) const {
        if (at(json, name).is_null()) return;
        get(json, name, out.emplace());
    }

    std::string digest(const Json& json, const std::string& name) const {
        std::string sha256;
        get(at(json, "digest"), "sha256", sha256);
        if (!isSha256(sha256)) fail(cat("no SHA-256 for ", name));
        return sha256;
    }

    const Json& list(const Json& json, const char* name) const {
        static const Json kEmpty = Json::array();
        const Json& value = at(json, name);
        if (value.is_null()) return kEmpty;
        if (!value.is_array()) fail(cat("not a log of this program: ", name, " is no list"));
        return value;
    }
};

std::vector<Subject> readSubjects(const Reader& in, const Json& list) {
    std::vector<Subject> subjects;
    for (const Json& json : list) {
        Subject subject;
        in.get(json, "name", subject.name);
        if (subject.name.empty()) in.fail("a file without a name");
        subject.sha256 = in.digest(json, subject.name);
        const Json& annotations = in.at(json, "annotations");
        in.get(annotations, "pixelSha256", subject.pixelSha256);
        in.get(annotations, "generatedShare", subject.generatedShare);
        in.get(annotations, "frame", subject.frame);
        subjects.push_back(std::move(subject));
    }
    return subjects;
}

std::vector<Dependency> readDependencies(const Reader& in, const Json& list) {
    std::vector<Dependency> dependencies;
    for (const Json& json : list) {
        Dependency dependency;
        in.get(json, "name", dependency.path);
        if (dependency.path.empty()) in.fail("a dependency without a name");
        dependency.sha256 = in.digest(json, dependency.path);
        const Json& annotations = in.at(json, "annotations");
        in.get(annotations, "role", dependency.role);
        in.get(annotations, "license", dependency.license);
        in.get(annotations, "bytes", dependency.bytes);
        in.get(annotations, "part", dependency.part);
        dependencies.push_back(std::move(dependency));
    }
    return dependencies;
}

std::string textOf(const Json& json) {
    return json.is_null() ? "{}" : json.dump();
}

void readBuild(const Reader& in, const Json& predicate, Statement& out) {
    const Json& definition = in.at(predicate, "buildDefinition");
    const Json& external = in.at(definition, "externalParameters");
    out.shotJson = textOf(in.at(external, "shot"));
    in.get(external, "overrides", out.overrides);
    in.get(external, "wedge", out.wedge);
    in.get(external, "shotFile", out.shotFile);
    in.get(external, "frames", out.requestedFrames);
    in.get(external, "device", out.device);
    in.get(external, "threads", out.threads);
    in.get(external, "max_memory", out.maxMemory);
    in.get(external, "processes", out.processes);
    const Json& internal = in.at(definition, "internalParameters");
    out.planJson = textOf(in.at(internal, "plan"));
    in.get(internal, "contentSha256", out.contentSha256);
    out.dependencies = readDependencies(in, in.list(definition, "resolvedDependencies"));

    const Json& details = in.at(predicate, "runDetails");
    const Json& metadata = in.at(details, "metadata");
    in.get(metadata, "invocationId", out.invocationId);
    in.get(metadata, "startedOn", out.startedOn);
    in.get(metadata, "finishedOn", out.finishedOn);
    out.byproducts = readSubjects(in, in.list(details, "byproducts"));
    const Json& version = in.at(in.at(details, "builder"), "version");
    for (const auto& [name, value] : version.items()) {
        if (!value.is_string()) continue;
        const std::string number = value.get<std::string>();
        if (name == "derrumbe")
            out.builder.version = number;
        else if (name == "commit")
            out.builder.commit = number;
        else if (name == "compiler")
            out.builder.compiler = number;
        else
            out.builder.libraries.emplace_back(name, number);
    }
}

/// A member that says how a run ended; Done where there is none, or one that is not known.
Outcome readOutcome(const Reader& in, const Json& json, const char* name) {
    std::string said = text(Outcome::Done);
    in.get(json, name, said);
    for (const Outcome one : {Outcome::Failed, Outcome::Interrupted})
        if (said == text(one)) return one;
    return Outcome::Done;
}

EarlierRun readRun(const Reader& in, const Json& json) {
    EarlierRun run;
    in.get(json, "invocationId", run.invocationId);
    run.outcome = readOutcome(in, json, "outcome");
    in.get(json, "finishedOn", run.finishedOn);
    in.get(json, "hostname", run.hostname);
    in.get(json, "wallSeconds", run.wallSeconds);
    in.get(json, "cpuSeconds", run.cpuSeconds);
    in.get(json, "gpuSeconds", run.gpuSeconds);
    in.get(json, "energyKilowattHours", run.energyKilowattHours);
    in.get(json, "money", run.money);
    in.get(json, "currency", run.currency);
    return run;
}

void readCost(const Reader& in, const Json& json, Cost& out) {
    for (const auto& [stage, seconds] : in.at(json, "stageSeconds").items()) {
        if (seconds.is_number()) out.stages.emplace_back(stage, seconds.get<double>());
    }
    in.get(json, "wallSeconds", out.wallSeconds);
    in.get(json, "cpuSeconds", out.cpuSeconds);
    in.get(json, "gpuSeconds", out.gpuSeconds);
    in.get(json, "peakBytes", out.peakBytes);
    in.get(json, "peakGpuBytes", out.peakGpuBytes);
    in.get(json, "energyKilowattHours", out.energyKilowattHours);
    in.get(json, "money", out.money);
    in.get(json, "currency", out.currency);
    for (const Json& run : in.list(json, "earlierRuns"))
        out.earlierRuns.push_back(readRun(in, run));
}

void readDisclosure(const Reader& in, const Json& json, Disclosure& out) {
    in.get(json, "promptAuthor", out.promptAuthor);
    in.get(json, "operator", out.operatorName);
    in.get(json, "humanContributions", out.humanContributions);
    in.get(json, "watermark", out.watermark);
    in.get(json, "framesChanged", out.framesChanged);
    out.layers.clear();
    for (const auto& [layer, uri] : in.at(json, "digitalSourceType").items()) {
        for (const SourceType type :
             {SourceType::Composite, SourceType::Generated, SourceType::Capture}) {
            if (uri == sourceTypeUri(type)) out.layers.emplace_back(layer, type);
        }
    }
}

void readModel(const Reader& in, const Json& json, ModelInfo& out) {
    in.get(json, "name", out.name);
    in.get(json, "version", out.version);
    in.get(json, "family", out.family);
    in.get(json, "license", out.license);
    in.get(json, "trainingStatement", out.trainingStatement);
    in.get(json, "trainingRights", out.trainingRights);
    for (const Json& one : in.list(json, "loras")) {
        LoraInfo lora;
        in.get(one, "name", lora.name);
        in.get(one, "sha256", lora.sha256);
        in.get(one, "license", lora.license);
        in.get(one, "strength", lora.strength);
        out.loras.push_back(lora);
    }
}

void readExtensions(const Reader& in, const Json& predicate, Statement& out) {
    const Json& outcome = in.at(predicate, "derrumbe_outcome");
    out.outcome = readOutcome(in, outcome, "result");
    in.get(outcome, "failure", out.failure);
    readDisclosure(in, in.at(predicate, "derrumbe_disclosure"), out.disclosure);
    readModel(in, in.at(predicate, "derrumbe_model"), out.model);
    const Json& usage = in.at(predicate, "derrumbe_usage");
    in.get(usage, "deliverable", out.deliverable);
    out.usageJson = textOf(in.at(usage, "answers"));
    for (const Json& one : in.list(predicate, "derrumbe_policies")) {
        PolicyInfo policy;
        in.get(one, "name", policy.name);
        in.get(one, "guidance", policy.guidance);
        in.get(one, "file", policy.file);
        policy.sha256 = in.digest(one, policy.name);
        out.policies.push_back(policy);
    }
    const Json& machine = in.at(predicate, "derrumbe_machine");
    in.get(machine, "hostname", out.machine.hostname);
    in.get(machine, "operatingSystem", out.machine.operatingSystem);
    in.get(machine, "cpuModel", out.machine.cpuModel);
    in.get(machine, "cpuThreads", out.machine.cpuThreads);
    in.get(machine, "memoryBytes", out.machine.memoryBytes);
    in.get(machine, "devices", out.machine.devices);
    in.get(machine, "processes", out.machine.processes);
    out.machine.several =
        in.at(in.at(predicate, "derrumbe_disclosure"), "productionDataLeftTheMachine") == true;
    readCost(in, in.at(predicate, "derrumbe_cost"), out.cost);
    for (const Json& one : in.list(predicate, "derrumbe_events")) {
        Event event;
        in.get(one, "kind", event.kind);
        in.get(one, "message", event.message);
        in.get(one, "frame", event.frame);
        in.get(one, "time", event.time);
        out.events.push_back(event);
    }
}

}  // namespace

Statement readStatement(const std::string& text, const std::string& file) {
    const Reader in{file};
    const Json json = parseLogJson(isEnvelope(text) ? envelopePayload(text, file) : text);
    if (json.is_discarded() || !json.is_object()) in.fail("not JSON, or not as a log has it");
    std::string type, predicateType;
    in.get(json, "_type", type);
    in.get(json, "predicateType", predicateType);
    if (type != kStatementType || predicateType != kPredicateType) {
        in.fail(
            "not a provenance log (an in-toto Statement v1 with a SLSA provenance v1 predicate)");
    }
    Statement out;
    out.subjects = readSubjects(in, in.list(json, "subject"));
    const Json& predicate = in.at(json, "predicate");
    readBuild(in, predicate, out);
    readExtensions(in, predicate, out);
    return out;
}

}  // namespace derrumbe::provenance
