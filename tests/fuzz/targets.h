#pragma once
#include <string>

/// What takes bytes from outside, each as a function of those bytes: `scripts/eval/fuzz.sh` runs
/// them under libFuzzer, the test `fuzz` replays their corpora.
///
/// A target returns where the bytes were taken, or refused as is promised: by an Error with the
/// exit code of that kind of input. Anything else is a finding: another exception (the program
/// would call it an internal error), Error(Internal), a property that does not hold, a crash, a
/// sanitizer's report.
namespace derrumbe::fuzz {

void frameRange(const std::string& bytes);  ///< of `frames` and --frames

/// A path pattern: first as it is, then its name in a folder of its own, where it has to find the
/// files that it names.
void sequence(const std::string& bytes);

/// A shot file, then `--set` options, a NUL byte before each.
void shotFile(const std::string& bytes);

/// `--wedge` options, a NUL byte between two.
void wedge(const std::string& bytes);

/// A safetensors file: after `f` as it is; after `h` and two bytes (how many bytes of data follow
/// the header, little endian) the header alone, so that a mutation need not keep its length right.
void safetensors(const std::string& bytes);

void gguf(const std::string& bytes);  ///< a GGUF file

/// One JSON file of a small model folder, whose others are in order: `t` transformer/config.json,
/// `e` transformer_2's, `v` vae's, `x` text_encoder's, `s` scheduler's, `m` model_index.json, `d`
/// derrumbe.json, `i` the index of a part in shards.
void modelJson(const std::string& bytes);

void provenanceLog(const std::string& bytes);  ///< a log, bare or in an envelope
void policy(const std::string& bytes);         ///< a studio's rules
void prompt(const std::string& bytes);         ///< a prompt, cleaned

}  // namespace derrumbe::fuzz
