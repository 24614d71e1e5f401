#include "provenance/digest.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fstream>
#include <vector>

#include <openssl/evp.h>

#include "support/strings.h"

namespace derrumbe::provenance {

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    if (state_->context == nullptr ||
        EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1) {
        throw Error(ExitCode::Internal, "OpenSSL offers no SHA-256");
    }
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(const void* bytes, size_t count) {
    if (EVP_DigestUpdate(state_->context, bytes, count) != 1)
        throw Error(ExitCode::Internal, "SHA-256 failed");
    return *this;
}

std::string Sha256::hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_DigestFinal_ex(state_->context, digest, &size) != 1)
        throw Error(ExitCode::Internal, "SHA-256 failed");
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        text += "0123456789abcdef"[digest[i] >> 4];
        text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
}

std::string sha256(std::string_view bytes) {
    return Sha256().update(bytes).hex();
}

std::string sha256File(const std::filesystem::path& path, ExitCode code, const BytesRead& read) {
    std::error_code unknown;
    const std::filesystem::file_status status = std::filesystem::status(path, unknown);
    if (!std::filesystem::exists(status)) throw Error(code, "no such file", {path.string()});
    // a named pipe or a device would block, or never end
    if (!std::filesystem::is_regular_file(status)) throw Error(code, "not a file", {path.string()});
    std::ifstream in(path, std::ios::binary);
    if (!in) throw Error(code, "cannot be opened", {path.string()});
    Sha256 digest;
    std::vector<char> piece(size_t{1} << 20);
    std::uint64_t total = 0;
    while (in) {
        in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        const size_t got = static_cast<size_t>(in.gcount());
        digest.update(piece.data(), got);
        total += got;
        if (read) read(total);
    }
    if (in.bad()) throw Error(code, cat("cannot be read past byte ", total), {path.string()});
    return digest.hex();
}

std::string sha256Pixels(const Frame& frame) {
    if constexpr (std::endian::native == std::endian::little) {
        return Sha256().update(frame.pixels.data(), frame.pixels.size() * sizeof(float)).hex();
    }
    Sha256 digest;
    for (const float value : frame.pixels) {
        auto bytes = std::bit_cast<std::array<char, sizeof(float)>>(value);
        std::reverse(bytes.begin(), bytes.end());
        digest.update(bytes.data(), bytes.size());
    }
    return digest.hex();
}

bool isSha256(std::string_view text) {
    return text.size() == 64 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace derrumbe::provenance
