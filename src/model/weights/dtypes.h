#pragma once
#include <ATen/ATen.h>

#include <string>

namespace derrumbe::model {

/// The element type of a safetensors dtype name (F32, BF16, F16, F64, F8_E4M3, F8_E5M2, I64, I32,
/// I16, I8, U8, BOOL, U16, U32, U64); false for a name that is none of them.
bool dtypeFromName(const std::string& name, at::ScalarType& type);

/// The inverse; throws Error(Internal) for a type that safetensors cannot hold.
std::string dtypeName(at::ScalarType type);

}  // namespace derrumbe::model
