#pragma once
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "image/write_exr.h"
#include "render/plan.h"
#include "shot/shot.h"

/// A folder with a small shot: plates of 32 x 24 half RGBA pixels and mattes, frames 1 to 5, onset
/// 2, and a model of random weights. Gone at the end of the test.
class ShotFolder {
  public:
    std::filesystem::path path;

    ShotFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "derrumbe_shot_XXXXXX").string();
        path = ::mkdtemp(name.data());
        for (int frame = 1; frame <= 5; ++frame) {
            plate(file("p", frame));
            matte(file("m", frame), {8, 6, 12, 10});
        }
    }
    ~ShotFolder() { std::filesystem::remove_all(path); }
    ShotFolder(const ShotFolder&) = delete;
    ShotFolder& operator=(const ShotFolder&) = delete;

    static std::filesystem::path fixtureModel() {
        return std::filesystem::weakly_canonical(std::filesystem::path(DERRUMBE_TEST_DATA) /
                                                 "../../model/fixtures/pipeline_0");
    }

    static std::string file(const std::string& name, int frame) {
        return name + ".000" + std::to_string(frame) + ".exr";
    }

    /// A plate whose samples all differ; one type for every channel, or one a channel.
    void plate(const std::string& name,
               const std::vector<std::string>& channels = {"R", "G", "B", "A"},
               std::vector<derrumbe::image::PixelType> types = {},
               const derrumbe::Window& window = {0, 0, 32, 24}) const {
        types.resize(channels.size(), derrumbe::image::PixelType::Half);
        derrumbe::Frame frame;
        frame.data = frame.display = window;
        frame.channels = channels;
        for (int i = 0; i < window.width * window.height * frame.channelCount(); ++i)
            frame.pixels.push_back(0.001f * static_cast<float>(i % 997));
        derrumbe::image::ExrOutput output;
        derrumbe::image::addFrame(output, frame, types);
        derrumbe::image::writeExr(path / name, output);
    }

    /// 1 inside the window, 0 around it.
    void matte(const std::string& name, const derrumbe::Window& white,
               const derrumbe::Window& window = {0, 0, 32, 24}) const {
        derrumbe::Frame frame;
        frame.data = frame.display = window;
        frame.channels = {"A"};
        frame.pixels.assign(static_cast<size_t>(window.width) * window.height, 0);
        for (int y = white.y; y < white.bottom(); ++y)
            for (int x = white.x; x < white.right(); ++x) frame.at(x, y)[0] = 1;
        derrumbe::image::ExrOutput output;
        derrumbe::image::addFrame(output, frame, {derrumbe::image::PixelType::Half});
        derrumbe::image::writeExr(path / name, output);
    }

    void cut(const std::string& name, double share) const {
        std::filesystem::resize_file(
            path / name, static_cast<std::uintmax_t>(
                             static_cast<double>(std::filesystem::file_size(path / name)) * share));
    }

    /// The shot's plan with `overrides` as --set takes them. Problems of the shot file are added
    /// too.
    derrumbe::render::RenderPlan plan(derrumbe::Problems& problems,
                                      const std::vector<std::string>& overrides = {},
                                      int threads = 1) const {
        std::vector<std::string> all = {"model.path=" + fixtureModel().string()};
        all.insert(all.end(), overrides.begin(), overrides.end());
        const std::string yaml =
            "version: 1\nframes: 1-5\nplate: {path: p.####.exr, colorspace: ACEScg}\n"
            "matte: {path: m.####.exr}\nprompt: dust\nonset: 2\noutput: {path: o.####.exr}\n";
        derrumbe::render::PlanOptions options;
        options.device = "cpu";
        options.threads = threads;
        try {
            return derrumbe::render::makePlan(
                derrumbe::shot::parseShot(yaml, path / "shot.yaml", all), options, problems);
        } catch (const derrumbe::Error& error) {
            problems.add(error.problems());
            return {};
        }
    }

    /// Every problem, one a line; empty where there is none. `code` is the first error's.
    std::string problems(const std::vector<std::string>& overrides = {},
                         int* code = nullptr) const {
        derrumbe::Problems found;
        plan(found, overrides);
        std::string text;
        if (code) *code = 0;
        for (const derrumbe::Problem& problem : found.list()) {
            text += problem.text() + "\n";
            if (code && *code == 0 && !problem.warning) *code = static_cast<int>(problem.code);
        }
        return text;
    }
};
