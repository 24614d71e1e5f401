#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/distributed/group.h"
#include "model/distributed/launch.h"

namespace derrumbe::model {

/// Where the processes of a render meet: small texts by key that all of them see, and the making of
/// groups. c10d of LibTorch (TCPStore; Gloo, and NCCL for tensors on cards where the LibTorch has
/// it) stands behind it, in one source file. Throws PeerError where the store is gone.
class Rendezvous {
  public:
    virtual ~Rendezvous() = default;
    virtual void set(const std::string& key, const std::string& value) = 0;
    virtual bool has(const std::string& key) = 0;
    /// Waits for a key; false where it does not come in this time.
    virtual bool wait(const std::string& key, std::chrono::milliseconds timeout) = 0;
    /// Of a key that is there.
    virtual std::string get(const std::string& key) = 0;
    /// The group of these ranks, ascending, this process's among them; all of them call this.
    /// @param oneHost  all processes run on one machine: nothing of theirs leaves it
    virtual Group group(const std::string& name, const std::vector<int>& ranks, bool oneHost) = 0;
    /// Closes every group's connections, so that whoever waits for this process learns of its end.
    virtual void close() = 0;
};

/// Why another process cannot be reached, once one cannot: asked with what the library says.
using WhyLost = std::function<PeerError(const std::string& what)>;

/// Goes to the place that the launcher named. Throws Error(Usage) where this build cannot, or the
/// port is taken; PeerError where process 0 does not come within `timeout`.
std::unique_ptr<Rendezvous> meet(const Launch& launch, std::chrono::milliseconds timeout,
                                 WhyLost whyLost);

}  // namespace derrumbe::model
