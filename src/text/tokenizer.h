#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace derrumbe::text {

/// A model folder's SentencePiece vocabulary, with the conventions of the UMT5 tokenizer that the
/// Wan family uses.
class Tokenizer {
  public:
    /// Opens `modelFolder`/tokenizer/spiece.model. Throws Error(Model) naming the file where it is
    /// missing, unreadable or no SentencePiece model, or lacks an end or unknown token.
    static Tokenizer load(const std::filesystem::path& modelFolder);
    /// The same from the model's bytes; `name` stands for their file in messages.
    static Tokenizer parse(const std::string& bytes, const std::string& name);

    /// Ids of `cleaned` (see cleanPrompt) with the end token </s> last, at most maxLength of them:
    /// a longer prompt loses its tail, the end token stays. No padding. The empty prompt is </s>
    /// alone.
    ///
    /// Unknown characters are the file's own <unk> (3 in UMT5), a run of them one token, and never
    /// byte pieces even where the file has them: what the model was trained on (transformers' fast
    /// tokenizer; sentencepiece itself agrees where the file has no byte fallback).
    /// Throws Error(Usage) for maxLength < 1.
    std::vector<int64_t> encode(const std::string& cleaned, int maxLength) const;

    int size() const;              ///< pieces of the vocabulary
    int64_t endToken() const;      ///< </s>
    int64_t unknownToken() const;  ///< <unk>

    Tokenizer(Tokenizer&&) noexcept;
    Tokenizer& operator=(Tokenizer&&) noexcept;
    ~Tokenizer();

  private:
    struct Parts;
    explicit Tokenizer(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace derrumbe::text
