#pragma once
#include <string>

#include "model/weights/gguf_header.h"

namespace derrumbe::model {

/// The SentencePiece model (google/sentencepiece:src/sentencepiece_model.proto) that a T5 encoder's
/// metadata was made from (ggml-org/llama.cpp:convert_hf_to_gguf.py, tokenizer.ggml.*): its pieces
/// with scores and types, and its normaliser. Empty where the metadata holds no such vocabulary.
std::string ggufVocabulary(const GgufHeader& header);

}  // namespace derrumbe::model
