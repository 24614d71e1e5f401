#include "model/weights/dtypes.h"

#include <utility>

#include "support/error.h"

namespace derrumbe::model {

namespace {

// The names of huggingface/safetensors:safetensors/src/tensor.rs (enum Dtype) that ATen has a type
// for.
constexpr std::pair<const char*, at::ScalarType> kNames[] = {
    {"F64", at::kDouble},
    {"F32", at::kFloat},
    {"F16", at::kHalf},
    {"BF16", at::kBFloat16},
    {"F8_E4M3", at::kFloat8_e4m3fn},
    {"F8_E5M2", at::kFloat8_e5m2},
    {"I64", at::kLong},
    {"I32", at::kInt},
    {"I16", at::kShort},
    {"I8", at::kChar},
    {"U8", at::kByte},
    {"BOOL", at::kBool},
    {"U16", at::ScalarType::UInt16},
    {"U32", at::ScalarType::UInt32},
    {"U64", at::ScalarType::UInt64},
};

}  // namespace

bool dtypeFromName(const std::string& name, at::ScalarType& type) {
    for (const auto& [text, value] : kNames) {
        if (name == text) {
            type = value;
            return true;
        }
    }
    return false;
}

std::string dtypeName(at::ScalarType type) {
    for (const auto& [text, value] : kNames) {
        if (value == type) return text;
    }
    throw Error(ExitCode::Internal, std::string("no safetensors dtype for ") + c10::toString(type));
}

}  // namespace derrumbe::model
