#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/commands.h"
#include "provenance/envelope.h"
#include "support/atomic_file.h"

namespace derrumbe::cli {

namespace {

namespace fs = std::filesystem;

/// KEY.pub.pem for KEY.pem.
fs::path publicPath(const fs::path& path) {
    const fs::path stem = path.extension() == ".pem" ? path.stem() : path.filename();
    return path.parent_path() / (stem.string() + ".pub.pem");
}

/// A key that is lost cannot be made again, and what it signed cannot be signed by another.
void refuseExisting(const fs::path& path) {
    std::error_code unknown;
    if (fs::exists(fs::symlink_status(path, unknown)))
        throw Error(ExitCode::Usage,
                    "there is a file of that name; keys are not replaced, name another",
                    {path.string()});
}

ExitCode makeKeyPair(const fs::path& hidden) {
    const fs::path open = publicPath(hidden);
    refuseExisting(hidden);
    refuseExisting(open);
    const provenance::KeyPair keys = provenance::makeKeys();
    writeTextAtomically(hidden, keys.privatePem, 0600);
    writeTextAtomically(open, keys.publicPem);
    fmt::print("private key: {}\npublic key: {}\nkeyid: {}\n", hidden.string(), open.string(),
               provenance::keyId(keys.publicPem));
    return ExitCode::Done;
}

}  // namespace

Action addKeygen(CLI::App& app) {
    CLI::App* command =
        app.add_subcommand("keygen", "make a pair of Ed25519 keys to sign logs with");
    auto path = std::make_shared<fs::path>();
    command
        ->add_option("-o,--output", *path,
                     "the private key, readable by its owner alone; the public one is written "
                     "beside it as KEY.pub.pem")
        ->type_name("KEY.pem")
        ->required();
    return [path] { return makeKeyPair(*path); };
}

}  // namespace derrumbe::cli
