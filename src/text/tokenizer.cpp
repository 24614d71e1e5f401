#include "text/tokenizer.h"

#include <sentencepiece_processor.h>

#include "support/atomic_file.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::text {

struct Tokenizer::Parts {
    sentencepiece::SentencePieceProcessor processor;
    int end = 1, unknown = 2;
};

Tokenizer::Tokenizer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::filesystem::path& modelFolder) {
    const auto path = modelFolder / "tokenizer" / "spiece.model";
    return parse(readFile(path, ExitCode::Model), path.string());
}

Tokenizer Tokenizer::parse(const std::string& bytes, const std::string& name) {
    auto parts = std::make_unique<Parts>();
    // An empty one parses as an empty message.
    const auto status = bytes.empty()
                            ? sentencepiece::util::Status(
                                  sentencepiece::util::StatusCode::kDataLoss, "the file is empty")
                            : parts->processor.LoadFromSerializedProto(bytes);
    if (!status.ok())
        throw Error(ExitCode::Model, cat(name, ": no SentencePiece model: ", status.ToString()));
    parts->end = parts->processor.eos_id();
    parts->unknown = parts->processor.unk_id();
    if (parts->end < 0 || parts->unknown < 0)
        throw Error(ExitCode::Model,
                    cat(name, ": the vocabulary has no ", parts->end < 0 ? "</s>" : "<unk>"));
    return Tokenizer(std::move(parts));
}

std::vector<int64_t> Tokenizer::encode(const std::string& cleaned, int maxLength) const {
    if (maxLength < 1) throw Error(ExitCode::Usage, "a prompt needs room for at least one token");
    std::vector<int> pieces;
    const auto status = parts_->processor.Encode(cleaned, &pieces);
    if (!status.ok()) throw Error(ExitCode::Model, cat("tokenizer: ", status.ToString()));
    std::vector<int64_t> ids;
    for (const int piece : pieces) {
        const bool unknown = parts_->processor.IsByte(piece) || piece == parts_->unknown;
        if (unknown && !ids.empty() && ids.back() == parts_->unknown) continue;
        ids.push_back(unknown ? parts_->unknown : piece);
    }
    if (ids.size() > static_cast<size_t>(maxLength) - 1)
        ids.resize(static_cast<size_t>(maxLength) - 1);
    ids.push_back(parts_->end);
    return ids;
}

int Tokenizer::size() const {
    return parts_->processor.GetPieceSize();
}
int64_t Tokenizer::endToken() const {
    return parts_->end;
}
int64_t Tokenizer::unknownToken() const {
    return parts_->unknown;
}

}  // namespace derrumbe::text
