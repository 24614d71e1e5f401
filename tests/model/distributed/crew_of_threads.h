#pragma once
#include <arpa/inet.h>
#include <c10/core/InferenceMode.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "model/distributed/crew.h"

/// A port of this machine that nothing uses.
inline int freePort() {
    const int handle = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool bound = ::bind(handle, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       ::getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(handle);
    if (!bound) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
}

/// Runs `work` in the processes of a crew, which here are threads with connections of their own.
/// What each of them threw, by rank; null: nothing. Assertions belong after it: Catch2 knows one
/// thread.
inline std::vector<std::exception_ptr> inCrew(
    int size, const std::function<void(derrumbe::model::Crew&)>& work,
    const std::function<derrumbe::model::Member(int)>& member = [](int) {
        return derrumbe::model::thisMember("build", "cpu");
    }) {
    const int port = freePort();
    std::vector<std::exception_ptr> thrown(size);
    std::vector<std::thread> threads;
    for (int rank = 0; rank < size; ++rank)
        threads.emplace_back([&, rank] {
            const c10::InferenceMode inference;
            // One that finds nobody yet tries again after a second.
            if (rank > 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
            try {
                derrumbe::model::Crew crew({rank, size, rank, "127.0.0.1", port, false, ""},
                                           [&] { return member(rank); });
                try {
                    work(crew);
                } catch (const derrumbe::Error& error) {
                    crew.fail(error);
                    thrown[rank] = std::current_exception();
                } catch (...) {
                    thrown[rank] = std::current_exception();
                }
                if (!crew.leads()) crew.leave();
                if (crew.leads())
                    crew.end(thrown[rank] ? derrumbe::ExitCode::Internal
                                          : derrumbe::ExitCode::Done);
            } catch (...) {
                thrown[rank] = std::current_exception();
            }
        });
    for (std::thread& thread : threads) thread.join();
    return thrown;
}

/// The error that a rank threw; fails to return where it threw none.
inline derrumbe::Error errorOf(const std::exception_ptr& thrown) {
    if (!thrown) throw std::runtime_error("nothing was thrown");
    try {
        std::rethrow_exception(thrown);
    } catch (const derrumbe::Error& error) {
        return error;
    }
}
