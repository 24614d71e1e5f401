#pragma once
#include <string>

/// DSSE envelopes (github.com/secure-systems-lab/dsse, envelope.md and protocol.md, v1) with
/// Ed25519 (RFC 8032).
namespace derrumbe::provenance {

inline constexpr const char* kPayloadType = "application/vnd.in-toto+json";

/// A pair of keys as PEM text: PKCS#8 and SubjectPublicKeyInfo, as `openssl genpkey -algorithm
/// ed25519` makes them.
struct KeyPair {
    std::string privatePem, publicPem;
};
KeyPair makeKeys();

/// SHA-256 of the public key's DER form; the envelope's `keyid`, a hint only.
std::string keyId(const std::string& publicPem);

/// Wraps `payload` (a statement) with one signature, as JSON text with a line end. Throws
/// Error(Usage) where the PEM text is no Ed25519 private key.
std::string signEnvelope(const std::string& payload, const std::string& privatePem);

/// RFC 4648, with padding.
std::string encodeBase64(const std::string& bytes);

/// True for JSON that has `payload` and `signatures`.
bool isEnvelope(const std::string& json);

/// The payload, whether or not it is signed by anybody. Throws Error(Usage) naming `file` where it
/// is no envelope of a statement.
std::string envelopePayload(const std::string& json, const std::string& file);

/// The payload, when one of the signatures is the key's over exactly these bytes. Throws
/// Error(Mismatch) naming `file` where none is, Error(Usage) for a text that is no envelope or no
/// Ed25519 public key.
std::string openEnvelope(const std::string& json, const std::string& publicPem,
                         const std::string& file);

}  // namespace derrumbe::provenance
