#pragma once

namespace derrumbe {

/// Ends the process after main with what it has written flushed, but without the destructors of
/// static objects: those of LibTorch's CUDA libraries abort (free(): invalid pointer; torch 2.11
/// and CUDA 13 on an H200) when all work is done, which would pass for a crash. Sanitized builds
/// end as ever, so that leaks are found.
[[noreturn]] void endProcess(int code);

}  // namespace derrumbe
