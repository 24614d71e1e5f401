#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "provenance/machine.h"

/// The provenance log: an in-toto Statement v1 with a SLSA provenance v1 predicate. Here are the
/// plain values that go in; field names of the JSON are those of the two specifications
/// (github.com/in-toto/attestation spec/v1/statement.md, github.com/slsa-framework/slsa
/// spec/v1.0/provenance), extensions begin with `derrumbe_` and lie in the predicate. Digests are
/// SHA-256 in lower-case hexadecimal, times RFC 3339 in UTC with Z, JSON texts are inserted as they
/// are.
namespace derrumbe::provenance {

inline constexpr const char* kStatementType = "https://in-toto.io/Statement/v1";
inline constexpr const char* kPredicateType = "https://slsa.dev/provenance/v1";
inline constexpr const char* kBuildType = "urn:x-derrumbe:shot:v1";
inline constexpr const char* kBuilderId = "urn:x-derrumbe:renderer";

/// A delivered file.
struct Subject {
    std::string name;         ///< relative to the log's folder where it can be, with `/`
    std::string sha256;       ///< of the file
    std::string pixelSha256;  ///< of the decoded pixels: sha256Pixels(); may be empty
    std::optional<double>
        generatedShare;  ///< part of the frame that the model made, 0..1 (mean of the matte)
    std::optional<int> frame;
};

/// An input file.
struct Dependency {
    std::string path;  ///< relative to the log's folder, or absolute
    std::string sha256;
    std::string role;     ///< plate | matte | guide | reference | keyframe | weights | config |
                          ///< tokenizer | lora | ocio
    std::string license;  ///< SPDX or the owner's words; empty: not known
    std::uint64_t bytes = 0;
    std::string part = {};  ///< of weights: the part of the model that they are; else empty
};

/// The program: each name and version goes into builder.version.
struct Builder {
    std::string version, commit, compiler;
    std::vector<std::pair<std::string, std::string>> libraries;
};

/// IPTC's digital source types (cv.iptc.org/newscodes/digitalsourcetype).
enum class SourceType {
    Composite,  ///< compositeWithTrainedAlgorithmicMedia: plate with a generated region
    Generated,  ///< trainedAlgorithmicMedia
    Capture     ///< digitalCapture: nothing was generated
};
const char* sourceTypeUri(SourceType type);

struct Disclosure {
    std::vector<std::pair<std::string, SourceType>> layers = {{"RGBA", SourceType::Composite},
                                                              {"generated", SourceType::Generated}};
    std::string promptAuthor, operatorName;
    std::vector<std::string> humanContributions;  ///< e.g. "prompt", "matte", "keyframes"
    std::string watermark = "none";
    std::string framesChanged;  ///< frame range that the model touched
};

struct LoraInfo {
    std::string name, sha256, license;
    double strength = 1;
};

struct ModelInfo {
    std::string name, version, family, license;
    std::string trainingStatement, trainingRights;  ///< what it was trained on, and by which right
    std::vector<LoraInfo> loras;
};

/// A studio's rules that the shot met when it was rendered (provenance/policy.h).
struct PolicyInfo {
    std::string name, guidance;
    std::string file;  ///< relative to the log's folder, or absolute
    std::string sha256;
};

enum class Outcome { Done, Failed, Interrupted };
const char* text(Outcome outcome);

/// A run that wrote the same log before this one: what was rendered in several goes has cost all of
/// them.
struct EarlierRun {
    std::string invocationId, finishedOn, hostname;
    Outcome outcome = Outcome::Done;
    double wallSeconds = 0, cpuSeconds = 0;
    std::optional<double> gpuSeconds, energyKilowattHours, money;
    std::string currency;
};

/// Of one run, and of those before it.
struct Cost {
    std::vector<std::pair<std::string, double>> stages;  ///< name, wall seconds; in their order
    double wallSeconds = 0, cpuSeconds = 0;
    std::optional<double> gpuSeconds;
    std::uint64_t peakBytes = 0;
    std::optional<std::uint64_t> peakGpuBytes;
    std::optional<double> energyKilowattHours;  ///< when a power is given
    std::optional<double> money;                ///< when a rate is given
    std::string currency;
    std::vector<EarlierRun> earlierRuns;  ///< oldest first; in none of the sums above
};

/// Something that a reader of the log should know: a warning, a held frame, clamped values, a
/// resume.
struct Event {
    std::string kind;  ///< warning | held | clamped | resumed | kept | error
    std::string message;
    std::optional<int> frame;
    std::string time;  ///< may be empty
};

struct Statement {
    std::vector<Subject> subjects;
    std::vector<Subject> byproducts;  ///< preview, contact sheet
    std::vector<Dependency> dependencies;
    std::string shotJson = "{}";  ///< the resolved shot: shot::resolvedJson
    std::string shotFile;  ///< relative to the log's folder, or absolute: where the shot's own
                           ///< paths count from
    std::vector<std::string> overrides;  ///< KEY=VALUE of the command line
    std::vector<std::string> wedge;      ///< those of them that set this take of a wedge apart
    std::string requestedFrames;         ///< of --frames; empty: all
    std::string device;                  ///< that the render ran on: cpu, cuda, cuda:N
    int threads = 0;                     ///< of the tensor library; 0: not known
    std::uint64_t maxMemory = 0;         ///< bytes of --max-memory; 0: none
    int processes = 1;                   ///< that shared the render
    std::string planJson =
        "{}";  ///< what the plan decided: crop, sizes, windows, encoding, device, dtype
    std::string
        contentSha256;  ///< of everything that the pixels depend on; "the same shot" means this
    Builder builder;
    std::string invocationId;  ///< newInvocationId()
    std::string startedOn, finishedOn;
    Disclosure disclosure;
    ModelInfo model;
    std::string deliverable = "final";  ///< final | temp
    std::string usageJson = "{}";       ///< the production's answers, as given
    std::vector<PolicyInfo> policies;
    Machine machine;
    Cost cost;
    std::vector<Event> events;
    Outcome outcome = Outcome::Done;
    std::string failure;  ///< the message where the outcome is Failed
};

/// The runs that stand behind a log: the earlier ones it names, then its own.
std::vector<EarlierRun> runsOf(const Statement& statement);

/// The statement as JSON text, UTF-8, indented, with a line end. Throws Error(Internal) where a
/// JSON text is none.
std::string statementJson(const Statement& statement);

/// Reads a log: what statementJson wrote, bare or in a DSSE envelope (whose signature is not looked
/// at: openEnvelope does). Unknown fields are left out, as the specifications ask. Machine and cost
/// come back as far as they are known. Throws Error(Usage) naming `file` where it is no such
/// statement.
Statement readStatement(const std::string& json, const std::string& file);

/// The libraries that this folder uses, name and version, for Builder::libraries.
std::vector<std::pair<std::string, std::string>> libraryVersions();

/// A random UUID (version 4) as a URN.
std::string newInvocationId();

}  // namespace derrumbe::provenance
