#include <filesystem>
#include <random>

#include "shots.h"

using namespace derrumbe;
using namespace derrumbe::shot;
using Catch::Matchers::Contains;

namespace {

std::string repeat(const std::string& text, size_t times) {
    std::string out;
    for (size_t i = 0; i < times; ++i) out += text;
    return out;
}

}  // namespace

TEST_CASE("aliases work in small and are refused as bombs", "[hostile]") {
    CHECK(
        parse(
            "version: 1\nframes: 1-9\nplate: {path: &p a.####.exr}\nmatte: {path: *p}\nprompt: x\n"
            "output: {path: b.####.exr}\n")
            .mattes[0]
            .path.written == "a.####.exr");
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        const std::string one = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + one +
                repeat("," + one, 9) + "]\n";
    }
    CHECK_THAT(refusal(kLeast + bomb), Contains("more than 10000 values"));
    CHECK_THAT(refusal(kLeast + "a: &a " + std::string(200000, 'x') + "\nb: [" +
                       repeat("*a, ", 50) + "]\n"),
               Contains("expand to more text"));
    CHECK_THAT(refusal(kLeast + "a: &a x\nb: [" + repeat("*a, ", 200) + "]\n"),
               Contains("more than 100 aliases"));
    CHECK_THAT(refusal("a: &a [*a]\n"), Contains("alias"));
    CHECK_THAT(refusal("a: *b\n"), Contains("not YAML"));
}

TEST_CASE("depth, size and number are limited", "[hostile]") {
    CHECK_THAT(refusal(repeat("[", 100000)), Contains("bracket or a quote left open"));
    CHECK_THAT(refusal("a: " + repeat("{a: ", 5000)), Contains("inside one another"));
    CHECK_THAT(refusal(repeat("- ", 5000)), Contains("inside one another"));
    CHECK_THAT(refusal(repeat("- a\n", 50000)), Contains("more than 10000 values"));
    std::string keys;
    for (int i = 0; i < 501; ++i) keys += "k" + std::to_string(i) + ": v, ";
    CHECK_THAT(refusal(kLeast + "provenance: {usage: {" + keys + "}}\n"),
               Contains("more than 500 keys in one mapping"));
    CHECK_THAT(refusal(kLeast + "#" + std::string(1 << 20, 'x')), Contains("larger than 256 KiB"));
    CHECK_THAT(refusal(kLeast, {"prompt=" + std::string(30000, 'x')}),
               Contains("longer than 20000 bytes"));
    CHECK_THAT(refusal(kLeast, {"frames=1-999999999999"}), Contains("frames"));
    CHECK_THAT(refusal(kLeast, {"frames=1-20000000"}), Contains("frames"));
    // Each looks for its frame among all of them.
    const std::string many = repeat("{frame: 999999, path: a.exr}, ", 1900);
    CHECK_THAT(refusal(kLeast + "keyframes: [" + many + "]\n", {"frames=1-1000000"}),
               Contains("second keyframe"));
}

TEST_CASE("duplicate keys are errors at the second", "[hostile]") {
    const std::string text = refusal(kLeast + "prompt: twice\n");
    CHECK_THAT(text, Contains("/shows/bld.yaml:6:1: error: \"prompt\" stands here a second time; "
                              "the first is in line 5"));
}

TEST_CASE("what is not one plain YAML mapping is refused", "[hostile]") {
    CHECK_THAT(refusal(""), Contains("empty"));
    CHECK_THAT(refusal("# only a comment\n"), Contains("empty"));
    CHECK_THAT(refusal("[1, 2]"), Contains("not a list"));
    CHECK_THAT(refusal(kLeast + "---\na: b\n"), Contains("second document"));
    CHECK_THAT(refusal(kLeast + "model: !!python/object {path: x}\n"), Contains("the tag"));
    CHECK_THAT(refusal(kLeast + "? [a, b]\n: c\n"), Contains("a key must be a word"));
    CHECK_THAT(refusal(kLeast + "plate.path: x\n"), Contains("unknown key"));
    CHECK_THAT(refusal("version: 1\n  frames: [\n"), Contains("/shows/bld.yaml:2:"));
}

TEST_CASE("control characters never reach a prompt, a path or a terminal", "[hostile]") {
    CHECK_THAT(refusal(kLeast + std::string("negative_prompt: a\0b\n", 21)),
               Contains("control character U+0000"));
    CHECK_THAT(refusal(kLeast + "negative_prompt: \"a\\x1b[2J\"\n"),
               Contains("control character U+001B at byte 2"));
    CHECK_THAT(refusal(kLeast, {"prompt=\"\\u0085\""}), Contains("control character U+0085"));
    CHECK_THAT(refusal(kLeast, {"plate.path=\"a\\nb.exr\""}), Contains("control character U+000A"));
    CHECK_THAT(refusal(kLeast, {"provenance.usage={a: {b: \"\\e\"}}"}),
               Contains("control character U+001B"));
    CHECK_THAT(refusal(kLeast + "negative_prompt: \xff\xfe\n"), Contains("not UTF-8"));
    CHECK_THAT(refusal(kLeast + "negative_prompt: \xed\xa0\x80\n"), Contains("not UTF-8"));
    CHECK(parse(kLeast, {"prompt=\"polvo, ação, 灰, 🏚\\nand a second line\\t\""})
              .prompt.find("🏚") != std::string::npos);
    for (const std::string& text :
         {std::string("\"\\x1b]0;x\\x07\": 1\n"), std::string("\"\\u009b\": 1\n")}) {
        const std::string message = refusal(kLeast + text);
        CHECK(message.find('\x1b') == std::string::npos);
        CHECK(message.find("\u009b") == std::string::npos);
    }
}

TEST_CASE("outputs outside the shot's folder must be named absolutely", "[hostile]") {
    CHECK_THAT(refusal(kLeast, {"output.path=../a.####.exr"}),
               Contains("leaves the shot file's folder"));
    CHECK_THAT(refusal(kLeast, {"output.path=renders/../../a.####.exr"}),
               Contains("leaves the shot file's folder"));
    CHECK_THAT(refusal(kLeast, {"provenance.path=../a.json"}),
               Contains("leaves the shot file's folder"));
    CHECK(parse(kLeast, {"output.path=/elsewhere/a.####.exr"}).provenance.path.path ==
          "/elsewhere/bld_t1.provenance.json");
    CHECK(parse(kLeast, {"output.path=x/../a.####.exr"}).output.path.path == "/shows/a.####.exr");

    namespace fs = std::filesystem;
    const fs::path root =
        fs::temp_directory_path() / ("derrumbe_shot_" + std::to_string(std::random_device()()));
    fs::create_directories(root / "shot");
    fs::create_directories(root / "outside");
    fs::create_directory_symlink(root / "outside", root / "shot" / "renders");
    CHECK_THROWS_WITH(parseShot(kLeast, root / "shot" / "a.yaml"),
                      Contains("leaves the shot file's folder"));
    CHECK_NOTHROW(parseShot(kLeast, root / "shot" / "a.yaml", {"output.path=here/a.####.exr"}));
    fs::remove_all(root);
}

TEST_CASE("no mutation of a shot file does worse than a usage error", "[hostile]") {
    const std::string seed =
        kLeast +
        "shot: {show: s, name: n, take: 3}\nfps: 23.976\nregion: [0, 1, 2, 3]\n"
        "guides: [{type: flow, path: &a f.exr, strength: 0.5}]\nreferences: [*a, b.png]\n"
        "sampler: {seed: 7, steps: 20}\nwindows: {length: 9, overlap: auto}\n"
        "output: {path: \"r/{name}.####.exr\", layers: [matte]}\nprovenance: {usage: {a: [1, "
        "~]}}\n";
    const std::string alphabet = "{}[]:,&*#?!|>'\"%@`- \n\t\\0123456789.eE+~abx\x7f\xc3\xff";
    std::mt19937 random(20);
    int accepted = 0;
    for (int round = 0; round < 4000; ++round) {
        std::string text = seed;
        for (int edits = 1 + static_cast<int>(random() % 3); edits > 0; --edits) {
            const size_t at = random() % text.size();
            switch (random() % 4) {
                case 0:
                    text[at] = alphabet[random() % alphabet.size()];
                    break;
                case 1:
                    text.insert(at, 1, alphabet[random() % alphabet.size()]);
                    break;
                case 2:
                    text.erase(at, 1 + random() % 5);
                    break;
                default:
                    text.insert(at, text.substr(random() % text.size(), random() % 40));
                    break;
            }
        }
        try {
            const Shot shot = parse(text);
            CHECK_FALSE(shot.frames.empty());
            CHECK(resolvedJson(parse(resolvedJson(shot))) == resolvedJson(shot));
            ++accepted;
        } catch (const Error& error) {
            if (error.code() != ExitCode::Usage) FAIL(error.what() << "\nfor\n" << text);
        }
    }
    CHECK(accepted > 100);
}
