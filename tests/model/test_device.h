#pragma once
#include <ATen/ATen.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

/// Where the tests tagged [device] compute: $DERRUMBE_TEST_DEVICE, else the CPU. All parity tests
/// are among them: `DERRUMBE_TEST_DEVICE=cuda test_model "[parity]"`. float32 is float32 there,
/// too: products in TensorFloat-32 are switched off.
inline at::Device testDevice() {
    static const at::Device device = [] {
        const char* name = std::getenv("DERRUMBE_TEST_DEVICE");
        at::globalContext().setAllowTF32CuDNN(false);
        at::globalContext().setAllowTF32CuBLAS(false);
        return at::Device(name == nullptr || *name == '\0' ? "cpu" : name);
    }();
    return device;
}

/// Largest absolute differences from the reference (computed on a CPU) that a parity test allows.
/// Measured: at most 7e-5, on CPUs and on an H200 (scripts/bench/results/parity_h200.txt).
struct Tolerance {
    double part;      ///< one part, once: embeddings, latents, pixels, a velocity
    double pipeline;  ///< the end of a whole run, where the sampler's steps add up
};
inline Tolerance tolerance() {
    return {1e-4, 2e-3};
}

/// What may lie between two ways to one result: `onProcessor`, or `elsewhere` on a GPU, whose
/// libraries choose another algorithm for another size of the same product.
inline double sameProducts(double onProcessor, double elsewhere) {
    return testDevice().is_cpu() ? onProcessor : elsewhere;
}

/// The largest absolute difference, wherever the two are; infinite where shapes differ or something
/// is not a number. With $DERRUMBE_PRINT_ERRORS each is printed under `what`.
inline double largestDifference(const at::Tensor& a, const at::Tensor& b,
                                const std::string& what = "") {
    if (a.sizes() != b.sizes()) return INFINITY;
    const auto wide = [](const at::Tensor& x) { return x.to(at::kCPU).to(at::kDouble); };
    const double difference = (wide(a) - wide(b)).abs().max().item<double>();
    if (!what.empty() && std::getenv("DERRUMBE_PRINT_ERRORS") != nullptr)
        WARN(what << ": largest difference " << difference << " on " << testDevice());
    return difference == difference ? difference : INFINITY;
}
