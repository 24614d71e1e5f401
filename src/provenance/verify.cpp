#include "provenance/verify.h"

#include "support/strings.h"

namespace derrumbe::provenance {

namespace {

void check(Verification& result, const std::filesystem::path& folder, const std::string& name,
           const std::string& expected, bool delivered, const std::string& role,
           const BytesRead& read) {
    ++result.files;
    const auto differs = [&](Difference::Kind kind, const std::string& what) {
        result.differences.push_back({kind, delivered, name, cat(role, " ", name, ": ", what)});
    };
    const std::filesystem::path path = folder / name;
    std::error_code unknown;
    if (!std::filesystem::exists(path, unknown)) {
        differs(Difference::Kind::Missing, "is not there");
        return;
    }
    try {
        const std::string found = sha256File(path, ExitCode::Mismatch, read);
        if (found != expected)
            differs(Difference::Kind::Changed,
                    cat("SHA-256 is ", found, ", the log says ", expected));
    } catch (const Error& error) {
        if (error.code() != ExitCode::Mismatch) throw;  // an interruption from `read`
        differs(Difference::Kind::Unreadable, error.problems().front().message);
    }
}

}  // namespace

Verification verifyFiles(const Statement& statement, const std::filesystem::path& folder,
                         bool inputs, const BytesRead& read) {
    Verification result;
    for (const Subject& it : statement.subjects)
        check(result, folder, it.name, it.sha256, true, "delivered", read);
    for (const Subject& it : statement.byproducts)
        check(result, folder, it.name, it.sha256, true, "by-product", read);
    if (!inputs) return result;
    for (const Dependency& it : statement.dependencies) {
        check(result, folder, it.path, it.sha256, false, it.role.empty() ? "input" : it.role, read);
    }
    return result;
}

}  // namespace derrumbe::provenance
