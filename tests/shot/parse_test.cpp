#include "shots.h"

#include <nlohmann/json.hpp>

using namespace derrumbe;
using namespace derrumbe::shot;
using Catch::Matchers::Contains;

TEST_CASE("the least shot has the documented defaults", "[shot]") {
    const Shot shot = parse(kLeast);
    CHECK(shot.shot.name == "bld");
    CHECK(shot.shot.take == 1);
    CHECK(shot.frames.size() == 10);
    CHECK_FALSE(shot.fps);
    CHECK(shot.plate.path.written == "plates/a.####.exr");
    CHECK(shot.plate.path.path == "/shows/plates/a.####.exr");
    CHECK_FALSE(shot.plate.colorspace);
    CHECK(shot.plate.missing == Missing::Error);
    REQUIRE(shot.mattes.size() == 1);
    CHECK(shot.mattes[0].grow == 0);
    CHECK_FALSE(shot.onset);
    CHECK(shot.model.path == "derrumbe-mini");
    CHECK(shot.model.dtype == DType::Auto);
    CHECK(shot.model.weights == Weights::Auto);
    CHECK(shot.model.products == Products::Auto);
    CHECK(shot.model.vaeDtype == VaeDType::Float32);
    CHECK_FALSE(shot.sampler.steps);
    CHECK(shot.sampler.seed == 42);
    CHECK(shot.region.kind == RegionKind::Auto);
    CHECK(shot.output.path.path == "/shows/renders/bld_t1.####.exr");
    CHECK(shot.output.compression == "zip");
    CHECK(shot.output.generatedLayer);
    CHECK(shot.output.matteLayer);
    CHECK(shot.provenance.path.path == "/shows/renders/bld_t1.provenance.json");
    CHECK(shot.provenance.usage == "{}");
    CHECK(shot.warnings.empty());
}

TEST_CASE("the contract's example reads as it says", "[shot]") {
    const Shot shot = parse(R"(version: 1
shot: {show: eternauta, name: ep106_bld_0420, take: 3}
frames: 1001-1049
fps: 24
plate: {path: plates/bld_0420.####.exr, colorspace: ACEScg, missing: hold}
matte:
  - {path: mattes/bld_0420.####.exr, channel: A, invert: false, grow: 4, feather: 6}
  - {path: c.####.exr, cryptomatte: {layer: CryptoObject, names: ["bld_*"]}}
prompt: "the apartment block collapses straight down into a rolling cloud of dust"
negative_prompt: ""
onset: 1009
references: [a.png, /abs/b.png]
keyframes: [{frame: 1049, path: concept.exr}]
guides: [{type: depth, path: d.####.exr, strength: 0.7}]
model: {path: derrumbe-mini, loras: [{path: x.safetensors, strength: 0.5}], dtype: bfloat16}
sampler: {scheduler: unipc, steps: 20, guidance: 5.0, shift: 3.0, seed: 18446744073709551615}
region: [-8, 10, 640, 360]
matte_fill: grey
detail: "off"
windows: {length: 25, overlap: auto}
output:
  path: renders/{show}/{name}_t{take:3}.####.exr
  colorspace: plate
  layers: [matte]
  pixel_type: half
  compression: dwaa
  lossy: true
provenance:
  path: logs/{name}_t{take}.provenance.json
  deliverable: temp
  usage: {talent: none, people: 0, cleared: true, reference: "0042"}
)");
    CHECK(shot.fps == Rate{24, 1});
    CHECK(shot.plate.missing == Missing::Hold);
    REQUIRE(shot.mattes.size() == 2);
    CHECK(shot.mattes[0].grow == 4);
    REQUIRE(shot.mattes[1].cryptomatte);
    CHECK(shot.mattes[1].cryptomatte->names == std::vector<std::string>{"bld_*"});
    CHECK(shot.onset == 1009);
    CHECK(shot.references[1].path == "/abs/b.png");
    CHECK(shot.guides[0].type == GuideType::Depth);
    CHECK(shot.guides[0].strength.at(1020) == 0.7);
    CHECK(shot.guides[0].frames.empty());
    CHECK(shot.strength == Curve{});
    CHECK(shot.model.dtype == DType::BFloat16);
    CHECK(shot.model.loras[0].strength == 0.5);
    CHECK(shot.sampler.scheduler == "unipc");
    CHECK(shot.sampler.seed == 18446744073709551615ull);
    CHECK(shot.region.box == Window{-8, 10, 640, 360});
    CHECK(shot.matteFill == MatteFill::Grey);
    CHECK(shot.detail == Detail::Off);
    CHECK(shot.windows.length == 25);
    CHECK_FALSE(shot.windows.overlap);
    CHECK(shot.output.path.written == "renders/eternauta/ep106_bld_0420_t003.####.exr");
    CHECK_FALSE(shot.output.generatedLayer);
    CHECK(shot.output.pixelType == PixelType::Half);
    CHECK(shot.provenance.deliverable == Deliverable::Temp);
    const auto usage = nlohmann::json::parse(shot.provenance.usage);
    CHECK(usage["people"] == 0);
    CHECK(usage["cleared"] == true);
    CHECK(usage["reference"] == "0042");
}

TEST_CASE("values keep their place", "[shot]") {
    const Shot shot = parse(kLeast + "sampler:\n  steps: 12\n");
    CHECK(shot.place("sampler.steps").line == 7);
    CHECK(shot.place("sampler.steps").column == 10);
    CHECK(shot.place("sampler.seed").line == 7);  // not given: the group's
    CHECK(shot.place("matte.0.path").line == 4);
    CHECK(shot.place("region").line == 0);
    CHECK(shot.place("region").file == "/shows/bld.yaml");
    CHECK(shot.given("sampler.steps"));
    CHECK_FALSE(shot.given("sampler.seed"));
}

TEST_CASE("all problems come at once, each at its place", "[shot]") {
    const std::string text = refusal(
        "version: 1\n"
        "frames: 1001-1010\n"
        "plate: {pth: a.exr, missing: holdd}\n"
        "matte: {path: m.exr, grow: wide, feather: -1}\n"
        "seed: 7\n"
        "sampler: {step: 3, steps: 0}\n");
    CHECK_THAT(
        text,
        Contains(
            "/shows/bld.yaml:3:9: error: unknown key \"pth\" in plate; did you mean \"path\"?"));
    CHECK_THAT(text, Contains("/shows/bld.yaml:3:8: error: plate.path is missing"));
    CHECK_THAT(
        text,
        Contains("/shows/bld.yaml:3:30: error: plate.missing must be one of error | hold | black"));
    CHECK_THAT(text, Contains("did you mean hold?"));
    CHECK_THAT(
        text,
        Contains("/shows/bld.yaml:4:28: error: matte.0.grow must be a number in -4096 to 4096"));
    CHECK_THAT(text, Contains("matte.0.feather must be a number in 0 to 4096, not \"-1\""));
    CHECK_THAT(
        text,
        Contains(
            "/shows/bld.yaml:5:1: error: unknown key \"seed\"; did you mean \"sampler.seed\"?"));
    CHECK_THAT(text, Contains("unknown key \"step\" in sampler; did you mean \"steps\"?"));
    CHECK_THAT(text, Contains("sampler.steps must be a whole number in 1 to 1000, not \"0\""));
    CHECK_THAT(text, Contains("/shows/bld.yaml: error: prompt is missing"));
}

TEST_CASE("wrong types and impossible values are refused", "[shot]") {
    const auto with = [](const std::string& set) { return refusal(kLeast, {set}); };
    CHECK_THAT(with("frames=soon"), Contains("--set frames: error: frames"));
    CHECK_THAT(with("frames=[1,2]"), Contains("frames must be a frame range, not a list"));
    CHECK_THAT(with("fps=0"), Contains("fps must be"));
    CHECK_THAT(with("fps=24/0"), Contains("fps must be"));
    CHECK_THAT(with("fps=.nan"), Contains("fps must be"));
    CHECK_THAT(with("sampler.guidance=nan"), Contains("sampler.guidance must be a number"));
    CHECK_THAT(with("sampler.guidance=1e999"), Contains("sampler.guidance must be a number"));
    CHECK_THAT(with("sampler.steps=1e3"), Contains("sampler.steps must be a whole number"));
    CHECK_THAT(with("sampler.steps='12'"), Contains("\"12\" in quotes"));
    CHECK_THAT(with("sampler.seed=-1"), Contains("sampler.seed must be"));
    CHECK_THAT(with("sampler.seed=18446744073709551616"), Contains("sampler.seed must be"));
    CHECK_THAT(with("onset=99999999999999999999"), Contains("onset must be a whole number"));
    CHECK_THAT(with("region=[0,0,0,5]"), Contains("region must be"));
    CHECK_THAT(with("region=[0,0,5]"), Contains("region must be"));
    CHECK_THAT(with("matte=[]"), Contains("matte must be"));
    CHECK_THAT(with("matte=none"), Contains("matte must be"));
    CHECK_THAT(with("matte.invert=yes"), Contains("matte.0.invert must be true or false"));
    CHECK_THAT(with("windows={length: 9, overlap: 9}"), Contains("cannot overlap"));
    CHECK_THAT(with("keyframes=[{frame: 2000, path: a.exr}]"),
               Contains("not one of the shot's frames"));
    CHECK_THAT(with("keyframes=[{frame: 1002, path: a.exr}, {frame: 1002, path: b.exr}]"),
               Contains("second keyframe"));
    CHECK_THAT(with("guides=[{type: lidar, path: a.exr}]"),
               Contains("guides.0.type must be one of"));
    CHECK_THAT(with("guides=[{type: flow, path: a.exr, frames: 1-9}]"),
               Contains("none of the guide's frames 1-9 is one of the shot's (1001-1010)"));
    CHECK_THAT(with("guides=[{type: flow, path: a.exr, strength: 2.5}]"),
               Contains("guides.0.strength must be a number in 0 to 2"));
    CHECK_THAT(with("strength=1.1"), Contains("strength must be a number in 0 to 1"));
    CHECK_THAT(with("strength=[]"), Contains("strength must be a number in 0 to 1 or a list"));
    CHECK_THAT(with("strength=[0.5]"), Contains("strength.0 must be {frame: a frame, value:"));
    CHECK_THAT(with("strength=[{frame: 1003, value: 0.5, ease: in}]"),
               Contains("strength.0 must be {frame: a frame, value: a number in 0 to 1}"));
    CHECK_THAT(with("strength=[{frame: 1003, value: .nan}]"), Contains("strength.0 must be"));
    CHECK_THAT(with("strength=[{frame: 1003, value: 0}, {frame: 1003, value: 1}]"),
               Contains("strength.1: frame 1003 does not come after the one before it, 1003"));
    CHECK_THAT(with("references=a.png"), Contains("references must be a list of paths"));
    CHECK_THAT(with("matte.cryptomatte={layer: a, names: []}"), Contains("selects nothing"));
    CHECK_THAT(with("output.layers=[depth]"),
               Contains("output.layers must be a list of generated | matte"));
    CHECK_THAT(with("output.compression=dwaa"), Contains("lossy: true"));
    CHECK_THAT(with("output.path=renders/a.####.png"), Contains("must end in .exr"));
    CHECK_THAT(with("output.path=renders/a.exr"), Contains("no place for the frame's number"));
    // What the writer takes for a single file, too: every frame would be the same one.
    for (const char* single : {"a.$FF.exr", "a.%0999d.exr", "a.$F0.exr"})
        CHECK_THAT(with(std::string("output.path=") + single),
                   Contains("no place for the frame's number"));
    CHECK_THAT(with("output.path=plates/a.%04d.exr"), Contains("write over plate.path"));
    CHECK_THAT(with("provenance.path=bld.yaml"), Contains("must end in .json"));
    CHECK_THAT(with("plate.path="), Contains("plate.path is missing"));
    CHECK_THAT(with("plate.path=~/a.exr"), Contains("only a shell expands"));
    CHECK_THAT(with("version=2"), Contains("version: 1"));
    CHECK_THAT(with("shot.name=../../etc"), Contains("becomes part of paths"));
}

TEST_CASE("products in 8 bits are of weights in the same 8 bits", "[shot]") {
    CHECK(parse(kLeast, {"model.products=fp8"}).model.products == Products::Fp8);
    CHECK(parse(kLeast, {"model.vae_dtype=bfloat16"}).model.vaeDtype == VaeDType::BFloat16);
    CHECK_THAT(refusal(kLeast, {"model.vae_dtype=float16"}), Contains("float32 | bfloat16"));
    CHECK(parse(kLeast, {"model.products=fp8", "model.weights=fp8"}).model.weights == Weights::Fp8);
    CHECK(parse(kLeast, {"model.products=int8", "model.weights=int8"}).model.products ==
          Products::Int8);
    CHECK_THAT(refusal(kLeast, {"model.products=int8", "model.weights=fp8"}),
               Contains("int8 multiplies weights in int8, not in fp8"));
    const std::string text =
        refusal(kLeast, {"model.products=fp8", "model.weights=int8", "output.path=a.png"});
    CHECK_THAT(text, Contains("--set model.products: error: model.products: fp8 multiplies"));
    CHECK_THAT(text, Contains("output.path must end in .exr"));
    CHECK_THAT(refusal(kLeast, {"model.products=int4"}), Contains("auto | int8 | fp8"));
}

TEST_CASE("frame rates are exact fractions", "[shot]") {
    const auto rate = [](const std::string& value) { return *parse(kLeast, {"fps=" + value}).fps; };
    CHECK(rate("24") == Rate{24, 1});
    CHECK(rate("23.976") == Rate{24000, 1001});
    CHECK(rate("23.98") == Rate{24000, 1001});
    CHECK(rate("29.97") == Rate{30000, 1001});
    CHECK(rate("59.94") == Rate{60000, 1001});
    CHECK(rate("24000/1001") == Rate{24000, 1001});
    CHECK(rate("48/2") == Rate{24, 1});
    CHECK(rate("12.5") == Rate{25, 2});
}

TEST_CASE("an empty value is the default, and full is the only way to have no matte", "[shot]") {
    const Shot shot = parse(kLeast + "negative_prompt:\nsampler:\noutput: {path: ~}\n");
    CHECK(shot.negativePrompt.empty());
    CHECK(shot.output.path.written == "renders/bld_t1.####.exr");
    CHECK_FALSE(shot.given("negative_prompt"));
    CHECK(parse(kLeast, {"matte=full"}).mattes.empty());
    CHECK_THAT(refusal(kLeast, {"matte="}), Contains("matte is missing"));
}

TEST_CASE("overrides reach every depth and say where they failed", "[shot]") {
    const Shot shot =
        parse(kLeast + "guides: [{type: flow, path: a.exr}, {type: flow, path: b.exr}]\n",
              {"sampler.seed=7", "guides.1.strength=0.25", "matte.grow=3", "shot.name=x",
               "sampler={steps: 4}", "prompt=\"a: b\""});
    CHECK(shot.guides[1].strength.at(1001) == 0.25);
    CHECK(shot.mattes[0].grow == 3);
    CHECK(shot.sampler.steps == 4);
    CHECK(shot.sampler.seed == 42);  // the later override replaced the mapping
    CHECK(shot.prompt == "a: b");
    CHECK(shot.place("matte.0.grow").file == "--set matte.grow");
    CHECK(shot.overrides.size() == 6);

    CHECK_THAT(refusal(kLeast, {"sampler.sede=7"}),
               Contains("--set sampler.sede: error: unknown key \"sede\" in sampler"));
    CHECK_THAT(refusal(kLeast, {"sampler.seed"}), Contains("not KEY=VALUE"));
    CHECK_THAT(refusal(kLeast, {"=7"}), Contains("not KEY=VALUE"));
    CHECK_THAT(refusal(kLeast, {"sampler..seed=7"}), Contains("not KEY=VALUE"));
    CHECK_THAT(refusal(kLeast, {"prompt.deep=7"}), Contains("nothing named \"deep\" can be below"));
    CHECK_THAT(refusal(kLeast + "guides: []\n", {"guides.0.path=a"}), Contains("no entry \"0\""));
    CHECK_THAT(refusal(kLeast, {"prompt=[a"}), Contains("left open"));
    CHECK_THAT(refusal(kLeast, {"prompt=a: b"}), Contains("prompt must be text, not a mapping"));
}

TEST_CASE("what is odd but allowed is a warning", "[shot]") {
    const auto warning = [](const std::vector<std::string>& set) {
        const Shot shot = parse(kLeast, set);
        return shot.warnings.empty() ? std::string() : shot.warnings[0].text();
    };
    CHECK_THAT(warning({"onset=2000"}), Contains("nothing will happen"));
    CHECK_THAT(warning({"output.colorspace=ACEScg"}), Contains("not the plate's bit for bit"));
    CHECK(warning({"output.colorspace=ACEScg", "plate.colorspace=ACEScg"}).empty());
    CHECK_THAT(warning({"onset=1005", "keyframes=[{frame: 1002, path: a.exr}]"}),
               Contains("before the onset"));
    CHECK_THAT(warning({"onset=1005", "guides=[{type: flow, path: a.exr, frames: 1001-1004}]"}),
               Contains("before the onset"));
    CHECK_THAT(warning({"guides=[{type: flow, path: a.exr, frames: 1009-1030}]"}),
               Contains("of the guide's frames 1009-1030 2 are the shot's"));
}

TEST_CASE("the resolved shot is itself a shot file that says the same", "[shot]") {
    const std::string rich =
        kLeast +
        "fps: 23.976\nonset: 1004\nregion: [1, 2, 30, 40]\nreferences: [r.png]\n"
        "guides: [{type: flow, path: f.exr, strength: 1.5, frames: 1004-1008x2}]\n"
        "strength: [{frame: 1004, value: 0.25}, {frame: 1009, value: 1}]\n"
        "model: {loras: [{path: l.safetensors}]}\n"
        "holdout: {path: h.exr, feather: 2}\nbeats: [{from: 1006, prompt: \"a: b\", blend: 4}, "
        "{from: 1006, prompt: c, matte: [{path: l.exr, grow: 2}, {path: m.exr}]}]\n"
        "grain: \"off\"\nsampler: {seed: 18446744073709551615, shift: 0.1}\n"
        "provenance: {usage: {a: [1, 2.5, ~, yes, \"3\"]}}\n";
    for (const std::string& text : {kLeast, rich}) {
        const Shot shot = parse(text);
        const Shot again = parse(resolvedJson(shot));
        CHECK(resolvedJson(again) == resolvedJson(shot));
        CHECK(contentJson(again) == contentJson(shot));
        CHECK(parse(resolvedJson(shot, -1)).sampler.seed == shot.sampler.seed);
    }
    const auto json = nlohmann::json::parse(resolvedJson(parse(rich)));
    CHECK(json["fps"] == "24000/1001");
    CHECK(json["frames"] == "1001-1010");
    CHECK(json["provenance"]["usage"]["a"] ==
          nlohmann::json::parse(R"([1, 2.5, null, "yes", "3"])"));
    CHECK(json["sampler"]["steps"] == nullptr);
}

TEST_CASE("the content's JSON changes with what changes pixels or headers, and with nothing else",
          "[shot]") {
    const std::string base = contentJson(parse(kLeast));
    for (const char* same :
         {"provenance.usage={a: 1}", "provenance.deliverable=temp",
          "output.path=elsewhere/a.####.exr", "sampler.seed=42", "matte.grow=0.0"}) {
        CAPTURE(same);
        CHECK(contentJson(
                  parse(kLeast, {same, "provenance.path=renders/bld_t1.provenance.json"})) == base);
    }
    for (const char* other :
         {"sampler.seed=43", "prompt=x", "frames=1001-1011", "matte.grow=1", "onset=1002",
          "shot.take=2", "output.compression=zips", "fps=25", "region=full", "plate.missing=hold",
          "grain=\"off\"", "model.products=fp8", "holdout={path: h.exr}",
          "beats=[{from: 1003, prompt: x}]",
          "beats=[{from: 1003, prompt: x, matte: {path: m.exr}}]", "strength=0.5",
          "guides=[{type: flow, path: f.exr, frames: 1003}]"}) {
        CAPTURE(other);
        CHECK(contentJson(parse(kLeast, {other})) != base);
    }
}

TEST_CASE("mattes are added and subtracted in their order, holdouts apart", "[shot]") {
    const Shot shot = parse(kLeast, {"matte=[{path: a.exr}, {path: b.exr, operation: subtract}]",
                                     "holdout={path: h.exr, channel: R, grow: 1}"});
    REQUIRE(shot.mattes.size() == 2);
    CHECK(shot.mattes[0].operation == MatteOperation::Add);
    CHECK(shot.mattes[1].operation == MatteOperation::Subtract);
    REQUIRE(shot.holdouts.size() == 1);
    CHECK(shot.holdouts[0].channel == "R");
    CHECK(shot.place("holdout.0.grow").file.find("--set holdout") == 0);
    CHECK(parse(kLeast, {"matte=full", "holdout=[{path: h.exr}]"}).mattes.empty());
    CHECK(parse(kLeast).holdouts.empty());
    CHECK(parse(kLeast).grain == Grain::Plate);
    CHECK_THAT(refusal(kLeast, {"matte.operation=subtract"}), Contains("nothing before it"));
    CHECK_THAT(refusal(kLeast, {"holdout=full"}), Contains("holdout must be"));
    CHECK_THAT(refusal(kLeast, {"holdout={path: h.exr, cryptomatte: {layer: a, names: []}}"}),
               Contains("selects nothing"));
    CHECK_THAT(refusal(kLeast, {"holdout.path=renders/bld_t1.####.exr"}),
               Contains("would write over holdout.path"));
}

TEST_CASE("beats rise within the shot", "[shot]") {
    const Shot shot = parse(
        kLeast, {"beats=[{from: 1002, prompt: cracks}, {from: 1006, prompt: it drops, blend: 0}]"});
    REQUIRE(shot.beats.size() == 2);
    CHECK(shot.beats[0].blend == 8);
    CHECK(shot.beats[1].prompt == "it drops");
    CHECK(shot.beats[1].blend == 0);
    const std::string wrong =
        refusal(kLeast, {"beats=[{from: 1006, prompt: a}, {from: 1003, prompt: b}, "
                         "{from: 2000, prompt: c}, {from: 1009, prompt: \"\"}, {from: 1010}]"});
    CHECK_THAT(wrong, Contains("1003 does not come after the one before it, 1006"));
    CHECK_THAT(wrong, Contains("beat 2000 is not one of the shot's frames"));
    CHECK_THAT(wrong, Contains("without words"));
    CHECK_THAT(wrong, Contains("beats.4.prompt is missing"));
    CHECK_THAT(parse(kLeast, {"onset=1005", "beats=[{from: 1003, prompt: a}]"}).warnings[0].text(),
               Contains("before the onset"));
}

TEST_CASE("a curve is linear between its keys and held outside", "[shot][curve]") {
    const auto strength = [](const std::string& value) {
        return parse(kLeast, {"strength=" + value}).strength;
    };
    CHECK(strength("0.25").at(-5000) == 0.25);
    const Curve ramp = strength("[{frame: 1002, value: 0}, {frame: 1006, value: 1}]");
    CHECK(ramp.at(1) == 0);
    CHECK(ramp.at(1002) == 0);
    CHECK(ramp.at(1003) == 0.25);
    CHECK(ramp.at(1006) == 1);
    CHECK(ramp.at(9000) == 1);
    CHECK(strength("[{frame: 1002, value: 0.5}]").at(1008) == 0.5);
    // One key of a list is reached by its number.
    const Shot shot =
        parse(kLeast + "strength: [{frame: 1002, value: 0}, {frame: 1004, value: 1}]\n",
              {"strength.1.value=0.5"});
    CHECK(shot.strength.at(1003) == 0.25);
}

TEST_CASE("beats beside each other have a matte", "[shot]") {
    const Shot shot = parse(
        kLeast, {"beats=[{from: 1003, prompt: a}, {from: 1003, prompt: b, matte: {path: m.exr}}, "
                 "{from: 1003, prompt: c, matte: [{path: n.exr}, {path: o.exr, operation: "
                 "subtract}]}]"});
    REQUIRE(shot.beats.size() == 3);
    CHECK(shot.beats[0].mattes.empty());
    CHECK(shot.beats[1].mattes[0].path.path == "/shows/m.exr");
    CHECK(shot.beats[2].mattes[1].operation == MatteOperation::Subtract);
    const auto with = [](const std::string& beats) { return refusal(kLeast, {"beats=" + beats}); };
    CHECK_THAT(with("[{from: 1003, prompt: a, matte: {path: m.exr}}, {from: 1003, prompt: b}]"),
               Contains("does not come after the one before it"));
    CHECK_THAT(with("[{from: 1004, prompt: a}, {from: 1003, prompt: b, matte: {path: m.exr}}]"),
               Contains("does not come after the one before it"));
    CHECK_THAT(with("[{from: 1003, prompt: a, matte: {path: m.exr, operation: subtract}}]"),
               Contains("nothing before it"));
    CHECK_THAT(with("[{from: 1003, prompt: a, matte: {path: renders/bld_t1.####.exr}}]"),
               Contains("would write over beats.matte.path"));
    CHECK_THAT(with("[{from: 1003, prompt: a, matte: {pth: m.exr}}]"),
               Contains("unknown key \"pth\" in beats.matte; did you mean \"path\"?"));
}
