// Precompiled for every folder that computes with tensors.
#include <ATen/ATen.h>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>
