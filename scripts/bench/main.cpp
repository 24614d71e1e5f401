// derrumbe_bench --model DIR --inputs FILE [--device cpu|cuda] [--dtype D] [--threads N]
//                [--products auto|int8|fp8] [--vae-dtype float32|bfloat16] [--steps N]
//                [--guidance G] [--shift S] [--repeats N] [STAGE...]
//
// With stages: the median of `--repeats` runs of each (default 5, one more before them), as one
// JSON object. Without: reads stages from standard input, a line each, and answers each run with a
// JSON line; "memory" and "matmul" ask for those, "write FILE" for the last result as safetensors,
// "result" in it. bench.py makes the inputs and speaks this.
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "machine.h"
#include "model/wan/wan_model.h"
#include "session.h"
#include "support/end_process.h"
#include "support/error.h"
#include "support/large_pages.h"
#include "support/strings.h"

using namespace derrumbe;

namespace {

struct Arguments {
    bench::Settings settings;
    int repeats = 5;
    std::vector<std::string> stages;
};

model::Rounding productsOf(const std::string& name) {
    if (name == "auto") return model::Rounding::None;
    if (name == "int8") return model::Rounding::Int8;
    if (name == "fp8") return model::Rounding::Fp8;
    throw Error(ExitCode::Usage, "--products is none of auto, int8, fp8: " + name);
}

Arguments parse(int count, char** values) {
    Arguments all;
    bench::Settings& settings = all.settings;
    for (int i = 1; i < count; ++i) {
        const std::string name = values[i];
        if (name.rfind("--", 0) != 0) {
            all.stages.push_back(name);
            continue;
        }
        if (++i == count) throw Error(ExitCode::Usage, name + " takes a value");
        const std::string value = values[i];
        if (name == "--model")
            settings.model = value;
        else if (name == "--inputs")
            settings.inputs = value;
        else if (name == "--device")
            settings.device = at::Device(value);
        else if (name == "--dtype")
            settings.dtype = value;
        else if (name == "--vae-dtype")
            settings.vaeBfloat16 = value == "bfloat16";
        else if (name == "--products")
            settings.products = productsOf(value);
        else if (name == "--threads")
            settings.threads = std::stoi(value);
        else if (name == "--steps")
            settings.steps = std::stoi(value);
        else if (name == "--guidance")
            settings.guidance = std::stod(value);
        else if (name == "--shift")
            settings.shift = std::stod(value);
        else if (name == "--repeats")
            all.repeats = std::stoi(value);
        else
            throw Error(ExitCode::Usage, name + " is no option");
    }
    return all;
}

/// The members of a JSON object, each number as precise as a double is.
std::string json(const std::vector<std::pair<std::string, double>>& members) {
    std::string text;
    for (const auto& [name, value] : members) {
        char number[40];
        std::snprintf(number, sizeof number, "%.17g", value);
        text += (text.empty() ? "\"" : ", \"") + name + "\": " + number;
    }
    return "{" + text + "}";
}

std::string answer(bench::Session& session, const bench::Settings& settings,
                   const std::string& question) {
    if (question == "memory")
        return json({{"resident", static_cast<double>(bench::peakResident())},
                     {"device", static_cast<double>(bench::peakOnDevice(settings.device))}});
    if (question == "matmul")
        return json(
            {{"rate", bench::matmulRate(settings.device,
                                        model::computeDtype(settings.dtype, settings.device))}});
    if (const std::string write = "write "; question.rfind(write, 0) == 0) {
        session.writeResult(question.substr(write.size()));
        return json({});
    }
    const bench::Measured measured = session.run(question);
    return json(
        {{"seconds", measured.seconds}, {"sum", measured.sum}, {"flops", session.flops(question)}});
}

void serve(bench::Session& session, const bench::Settings& settings) {
    std::cout << "{\"ready\": true}" << std::endl;
    for (std::string question; std::getline(std::cin, question);)
        std::cout << answer(session, settings, question) << std::endl;
}

void measure(bench::Session& session, const Arguments& arguments) {
    std::string text;
    for (const std::string& stage : arguments.stages) {
        std::vector<double> seconds;
        for (int run = 0; run <= arguments.repeats; ++run)
            seconds.push_back(session.run(stage).seconds);
        std::sort(seconds.begin() + 1, seconds.end());
        const double median = seconds[1 + (seconds.size() - 1) / 2];
        text +=
            cat(text.empty() ? "{" : ",\n ", "\"", stage, "\": ",
                json({{"first", seconds[0]}, {"median", median}, {"flops", session.flops(stage)}}));
    }
    text += cat(",\n \"memory\": ", answer(session, arguments.settings, "memory"), "}");
    std::cout << text << std::endl;
}

int run(int count, char** values) try {
    const Arguments arguments = parse(count, values);
    if (arguments.settings.threads > 0) at::set_num_threads(arguments.settings.threads);
    const c10::InferenceMode inference;
    bench::Session session(arguments.settings);
    if (arguments.stages.empty())
        serve(session, arguments.settings);
    else
        measure(session, arguments);
    return 0;
} catch (const std::exception& error) {
    std::cerr << "derrumbe_bench: " << error.what() << "\n";
    return 1;
}

}  // namespace

int main(int count, char** values) {
    useLargePages();
    endProcess(run(count, values));
}
