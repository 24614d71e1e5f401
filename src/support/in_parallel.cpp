#include "support/in_parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace derrumbe {

void inParallel(int count, int workers, const std::function<void(int)>& work) {
    workers = std::min(workers, count);
    if (workers <= 1) {
        for (int i = 0; i < count; ++i) work(i);
        return;
    }
    std::atomic<int> next = 0;
    std::atomic<bool> failed = false;
    std::vector<std::exception_ptr> failures(static_cast<size_t>(count));
    const auto run = [&] {
        while (!failed) {
            const int i = next++;
            if (i >= count) return;
            try {
                work(i);
            } catch (...) {
                failures[i] = std::current_exception();
                failed = true;
            }
        }
    };
    {
        std::vector<std::jthread> threads;
        for (int i = 1; i < workers; ++i) threads.emplace_back(run);
        run();
    }
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
}

}  // namespace derrumbe
