#pragma once

namespace derrumbe {

/// How this processor multiplies matrices of bfloat16 by itself, the operating system willing.
enum class Bfloat16Products { None, Avx512, Tiles };

/// Asked of the processor once; None on other families than x86-64.
Bfloat16Products bfloat16Products();

/// The vectors that loops of our own are compiled for (support/widest.h).
enum class Vectors { Plain, Avx2, Avx512 };

/// The widest of this processor, the operating system willing; asked once.
Vectors widestVectors();

}  // namespace derrumbe
