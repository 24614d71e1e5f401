#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "support/error.h"
#include "support/frames.h"

namespace derrumbe::provenance {

/// SHA-256 (FIPS 180-4) of what is fed to it, piece by piece.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    Sha256& update(const void* bytes, size_t count);
    Sha256& update(std::string_view bytes) { return update(bytes.data(), bytes.size()); }
    /// 64 lower-case hexadecimal digits; the object is spent.
    std::string hex();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Called with the bytes read so far, about every MiB; may throw, to stop.
using BytesRead = std::function<void(std::uint64_t)>;

std::string sha256(std::string_view bytes);

/// Of a file's bytes, read in pieces (1 MiB of memory whatever its size). Throws Error(code) naming
/// the file where it is missing, unreadable or not a regular file.
std::string sha256File(const std::filesystem::path& path, ExitCode code = ExitCode::Input,
                       const BytesRead& read = {});

/// Of decoded pixels: float32, little-endian, as `frame.pixels` lies ([height][width][channels] of
/// the data window), so that numpy's `sha256(pixels.astype('<f4').tobytes())` is the same. Says
/// whether two files hold the same picture although their headers or compression differ.
std::string sha256Pixels(const Frame& frame);

/// True for 64 lower-case hexadecimal digits.
bool isSha256(std::string_view text);

}  // namespace derrumbe::provenance
