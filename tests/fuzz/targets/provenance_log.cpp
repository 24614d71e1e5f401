#include "../check.h"
#include "../targets.h"
#include "provenance/envelope.h"
#include "provenance/statement.h"
#include "provenance/verify.h"

namespace derrumbe::fuzz {

using provenance::readStatement;
using provenance::Statement;
using provenance::statementJson;

namespace {

// Of a pair made for this alone.
constexpr const char* kPublicKey =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA564L/11m9/cYED2G+rAj6iJBAUwJ2X5S3IvQnTGvRIw=\n"
    "-----END PUBLIC KEY-----\n";

}  // namespace

void provenanceLog(const std::string& bytes) {
    if (provenance::isEnvelope(bytes)) {
        try {
            provenance::openEnvelope(bytes, kPublicKey, "log.json");
        } catch (const Error& error) {
            expect(error.code() == ExitCode::Mismatch || error.code() == ExitCode::Usage,
                   "the exit code of an envelope");
        }
    }
    accepted(ExitCode::Usage, [&] {
        const Statement statement = readStatement(bytes, "log.json");
        const std::string written = statementJson(statement);
        expect(statementJson(readStatement(written, "log.json")) == written,
               "what was read is written and read again");
    });
}

}  // namespace derrumbe::fuzz
