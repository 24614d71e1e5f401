#include "provenance/envelope.h"

#include <memory>
#include <optional>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <nlohmann/json.hpp>

#include "provenance/digest.h"
#include "provenance/log_json.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::provenance {

namespace {

using Json = nlohmann::ordered_json;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Bio memory(const std::string& text) {
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

/// Never asks for a passphrase on the terminal: a farm has none, and the render would hang.
int noPassphrase(char*, int, int, void*) {
    return 0;
}

Key privateKey(const std::string& pem) {
    const Bio bio = memory(pem);
    Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, noPassphrase, nullptr), EVP_PKEY_free);
    if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
        throw Error(ExitCode::Usage,
                    "the signing key is not an unencrypted Ed25519 private key in PEM form");
    }
    return key;
}

Key publicKey(const std::string& pem) {
    const Bio bio = memory(pem);
    Key key(PEM_read_bio_PUBKEY(bio.get(), nullptr, noPassphrase, nullptr), EVP_PKEY_free);
    if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
        throw Error(ExitCode::Usage, "the key is not an Ed25519 public key in PEM form");
    }
    return key;
}

std::string keyId(EVP_PKEY* key) {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key, &der);
    if (size <= 0) throw Error(ExitCode::Internal, "OpenSSL cannot write a public key");
    const std::string bytes(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
    OPENSSL_free(der);
    return sha256(bytes);
}

/// Standard or URL-safe base64 with its padding, as DSSE allows; none where it is neither.
std::optional<std::string> decode64(std::string text) {
    for (char& c : text) {
        if (c == '-') c = '+';
        if (c == '_') c = '/';
    }
    const size_t padding = text.size() - (text.find_last_not_of('=') + 1);
    const bool plain = text.find_first_not_of(
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
                       std::string::npos;
    if (text.size() % 4 != 0 || padding > 2 || !plain || text.size() > (size_t{1} << 30))
        return std::nullopt;
    std::vector<unsigned char> out(text.size() / 4 * 3 + 1);
    const int size =
        EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size()));
    if (size < 0) return std::nullopt;
    return std::string(out.begin(), out.begin() + size - static_cast<int>(padding));
}

/// DSSE's pre-authentication encoding: what is signed.
std::string encoding(const std::string& payload) {
    const std::string type = kPayloadType;
    return cat("DSSEv1 ", type.size(), " ", type, " ", payload.size(), " ") + payload;
}

bool isSignedBy(EVP_PKEY* key, const std::string& message, const std::string& signature) {
    const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    return context != nullptr &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                            signature.size(),
                            reinterpret_cast<const unsigned char*>(message.data()),
                            message.size()) == 1;
}

std::string textAt(const Json& json, const char* name) {
    const auto found = json.is_object() ? json.find(name) : json.end();
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string encodeBase64(const std::string& bytes) {
    std::vector<unsigned char> out(4 * ((bytes.size() + 2) / 3) + 1);
    const int size =
        EVP_EncodeBlock(out.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                        static_cast<int>(bytes.size()));
    return {out.begin(), out.begin() + size};
}

KeyPair makeKeys() {
    const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
    const Bio hidden(BIO_new(BIO_s_mem()), BIO_free), open(BIO_new(BIO_s_mem()), BIO_free);
    if (key == nullptr ||
        PEM_write_bio_PKCS8PrivateKey(hidden.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) != 1 ||
        PEM_write_bio_PUBKEY(open.get(), key.get()) != 1) {
        throw Error(ExitCode::Internal, "OpenSSL cannot make an Ed25519 key");
    }
    const auto text = [](const Bio& bio) {
        char* data = nullptr;
        const long size = BIO_get_mem_data(bio.get(), &data);
        return std::string(data, static_cast<size_t>(size));
    };
    return {text(hidden), text(open)};
}

std::string keyId(const std::string& publicPem) {
    return keyId(publicKey(publicPem).get());
}

std::string signEnvelope(const std::string& payload, const std::string& privatePem) {
    const Key key = privateKey(privatePem);
    const std::string message = encoding(payload);
    std::string signature(64, '\0');
    size_t size = signature.size();
    const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    if (context == nullptr ||
        EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       reinterpret_cast<const unsigned char*>(message.data()),
                       message.size()) != 1) {
        throw Error(ExitCode::Internal, "OpenSSL cannot sign");
    }
    const Json signatures =
        Json::array({{{"keyid", keyId(key.get())}, {"sig", encodeBase64(signature)}}});
    const Json json = {{"payload", encodeBase64(payload)},
                       {"payloadType", kPayloadType},
                       {"signatures", signatures}};
    return json.dump(2) + "\n";
}

bool isEnvelope(const std::string& json) {
    const Json parsed = parseLogJson(json);
    return parsed.is_object() && parsed.contains("payload") && parsed.contains("signatures");
}

std::string envelopePayload(const std::string& json, const std::string& file) {
    const Json parsed = parseLogJson(json);
    const std::optional<std::string> payload = decode64(textAt(parsed, "payload"));
    if (!payload || payload->empty() || textAt(parsed, "payloadType") != kPayloadType) {
        throw Error(ExitCode::Usage, cat("not a DSSE envelope of ", kPayloadType), {file});
    }
    return *payload;
}

std::string openEnvelope(const std::string& json, const std::string& publicPem,
                         const std::string& file) {
    const Key key = publicKey(publicPem);
    std::string payload = envelopePayload(json, file);
    const Json parsed = parseLogJson(json);
    const auto signatures = parsed.find("signatures");
    if (signatures != parsed.end() && signatures->is_array()) {
        for (const Json& one : *signatures) {
            // Another key's name makes it another key's signature: DSSE lets a name narrow the
            // choice, and a name that was changed is found this way.
            if (one.contains("keyid") && textAt(one, "keyid") != keyId(key.get())) continue;
            const std::optional<std::string> signature = decode64(textAt(one, "sig"));
            if (signature && isSignedBy(key.get(), encoding(payload), *signature)) return payload;
        }
    }
    throw Error(ExitCode::Mismatch, "not signed by this key, or changed since", {file});
}

}  // namespace derrumbe::provenance
