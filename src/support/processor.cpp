#include "support/processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace derrumbe {

namespace {

Bfloat16Products ask() {
#if defined(__x86_64__)
    // GCC's question also asks whether the operating system keeps the wide registers.
    if (!__builtin_cpu_supports("avx512bf16")) return Bfloat16Products::None;
    // AMX-BF16: Intel, Software Developer's Manual, volume 2, CPUID leaf 7, EDX bit 22.
    unsigned a = 0, b = 0, c = 0, d = 0;
    const bool tiles = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d >> 22 & 1) != 0;
    return tiles ? Bfloat16Products::Tiles : Bfloat16Products::Avx512;
#else
    return Bfloat16Products::None;
#endif
}

Vectors askWidest() {
#if defined(__x86_64__)
    const auto has = [](auto... answers) { return (... && (answers != 0)); };
    if (has(__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512bw"),
            __builtin_cpu_supports("avx512dq"), __builtin_cpu_supports("avx512vl"),
            __builtin_cpu_supports("fma")))
        return Vectors::Avx512;
    if (has(__builtin_cpu_supports("avx2"), __builtin_cpu_supports("fma"))) return Vectors::Avx2;
#endif
    return Vectors::Plain;
}

}  // namespace

Bfloat16Products bfloat16Products() {
    static const Bfloat16Products products = ask();
    return products;
}

Vectors widestVectors() {
    static const Vectors widest = askWidest();
    return widest;
}

}  // namespace derrumbe
