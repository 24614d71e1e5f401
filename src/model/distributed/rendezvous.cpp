// The one file that knows c10d. USE_C10D_GLOO is set by cmake/Distributed.cmake where the LibTorch
// has it; USE_C10D_NCCL too, where its headers can be found.
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#endif

#include "model/distributed/rendezvous.h"
#include "support/strings.h"

namespace derrumbe::model {

#ifdef USE_C10D_GLOO

namespace {

/// How long a process waits for another one that is there and does not come to the same point: it
/// may be reading weights. One that ends is noticed at once.
constexpr std::chrono::minutes kSlowest{30};
/// The same while a group connects, which they all begin at once.
constexpr std::chrono::minutes kConnecting{2};

/// What a library says, without where in its sources it says so and without its advice.
std::string saying(const std::exception& error) {
    const auto* torch = dynamic_cast<const c10::Error*>(&error);
    std::string what = torch ? torch->what_without_backtrace() : error.what();
    what = what.substr(0, what.find('\n'));
    if (const size_t place = what.find("[/"); place != std::string::npos)
        what.erase(0, what.find("] ", place) + 2);
    return what.substr(0, what.find(". This is typically"));
}

class C10dChannel : public Channel {
  public:
    C10dChannel(c10::intrusive_ptr<c10d::Backend> host, c10::intrusive_ptr<c10d::Backend> card,
                int size, std::shared_ptr<const WhyLost> whyLost)
        : host_(std::move(host)), card_(std::move(card)), size_(size), whyLost_(whyLost) {}

    std::vector<at::Tensor> allGather(const at::Tensor& own) override {
        const bool direct = own.is_cpu() || card_;
        std::vector<at::Tensor> sent{direct ? own : own.cpu()};
        std::vector<std::vector<at::Tensor>> parts(1);
        for (int rank = 0; rank < size_; ++rank) parts[0].push_back(at::empty_like(sent[0]));
        c10d::AllgatherOptions options;
        options.timeout = kSlowest;
        reached([&] { backend(sent[0]).allgather(parts, sent, options)->wait(); });
        if (!direct)
            for (at::Tensor& part : parts[0]) part = part.to(own.device());
        return std::move(parts[0]);
    }

    void broadcast(at::Tensor& tensor) override {
        std::vector<at::Tensor> tensors{tensor};
        c10d::BroadcastOptions options;
        options.timeout = kSlowest;
        reached([&] { backend(tensor).broadcast(tensors, options)->wait(); });
    }

    void close() {
        host_.reset();
        card_.reset();
    }

  private:
    c10d::Backend& backend(const at::Tensor& tensor) {
        if (!host_) throw(*whyLost_)("its connections are closed");
        return tensor.is_cpu() ? *host_ : *card_;
    }

    template <class Call>
    void reached(const Call& call) {
        try {
            call();
        } catch (const Error&) {
            throw;
        } catch (const std::exception& error) {
            throw(*whyLost_)(saying(error));
        }
    }

    c10::intrusive_ptr<c10d::Backend> host_, card_;
    int size_;
    std::shared_ptr<const WhyLost> whyLost_;
};

class C10dRendezvous : public Rendezvous {
  public:
    C10dRendezvous(const Launch& launch, std::chrono::milliseconds timeout, WhyLost whyLost)
        : rank_(launch.rank), whyLost_(std::make_shared<const WhyLost>(std::move(whyLost))) {
        // Its own lines on standard error would stand among ours, which may have to be JSON.
        FLAGS_caffe2_log_level = c10::GLOG_FATAL;
        c10d::TCPStoreOptions options;
        options.port = static_cast<std::uint16_t>(launch.port);
        options.isServer = launch.rank == 0 && !launch.storeIsThere;
        options.waitWorkers = false;
        options.timeout = timeout;
        const auto store = c10::make_intrusive<c10d::TCPStore>(launch.host, options);
        // A name of ours keeps apart what else may use a launcher's store.
        store_ = c10::make_intrusive<c10d::PrefixStore>(launch.prefix + "/derrumbe", store);
    }

    void set(const std::string& key, const std::string& value) override {
        reached([&] { store_->set(key, value); });
    }

    bool has(const std::string& key) override {
        bool found = false;
        reached([&] { found = store_->check({key}); });
        return found;
    }

    bool wait(const std::string& key, std::chrono::milliseconds timeout) override {
        bool came = true;
        reached([&] {
            try {
                store_->wait({key}, timeout);
            } catch (const c10::DistStoreError&) {
                came = false;
            }
        });
        return came;
    }

    std::string get(const std::string& key) override {
        std::vector<std::uint8_t> value;
        reached([&] { value = store_->get(key); });
        return {value.begin(), value.end()};
    }

    Group group(const std::string& name, const std::vector<int>& ranks, bool oneHost) override {
        const auto found = std::find(ranks.begin(), ranks.end(), rank_);
        const int rank = static_cast<int>(found - ranks.begin());
        const int size = static_cast<int>(ranks.size());
        std::shared_ptr<C10dChannel> channel;
        reached([&] {
            const auto options = c10d::ProcessGroupGloo::Options::create(kConnecting);
            options->devices.push_back(device(oneHost));
            const auto place = c10::make_intrusive<c10d::PrefixStore>(name, store_);
            channel = std::make_shared<C10dChannel>(
                c10::make_intrusive<c10d::ProcessGroupGloo>(place, rank, size, options),
                cards(name, rank, size), size, whyLost_);
        });
        channels_.push_back(channel);
        return {channel, rank, size};
    }

    void close() override {
        for (const auto& channel : channels_) channel->close();
    }

  private:
    /// As torch.distributed chooses it, but for processes of one machine.
    static std::shared_ptr<::gloo::transport::Device> device(bool oneHost) {
        using Gloo = c10d::ProcessGroupGloo;
        if (const auto interface = environmentVariable("GLOO_SOCKET_IFNAME"))
            return Gloo::createDeviceForInterface(*interface);
        return oneHost ? Gloo::createDeviceForHostname("127.0.0.1") : Gloo::createDefaultDevice();
    }

    /// NCCL, which connects when a first tensor is sent; null where this build has none.
    c10::intrusive_ptr<c10d::Backend> cards(const std::string& name, int rank, int size) const {
#ifdef USE_C10D_NCCL
        if (at::hasCUDA()) {
            const auto options = c10d::ProcessGroupNCCL::Options::create();
            options->timeout = kSlowest;
            const auto place = c10::make_intrusive<c10d::PrefixStore>(name + "/nccl", store_);
            return c10::make_intrusive<c10d::ProcessGroupNCCL>(place, rank, size, options);
        }
#endif
        static_cast<void>(name), static_cast<void>(rank), static_cast<void>(size);
        return {};
    }

    template <class Call>
    void reached(const Call& call) {
        try {
            call();
        } catch (const std::exception& error) {
            throw(*whyLost_)(saying(error));
        }
    }

    int rank_;
    std::shared_ptr<const WhyLost> whyLost_;
    c10::intrusive_ptr<c10d::Store> store_;
    std::vector<std::shared_ptr<C10dChannel>> channels_;
};

}  // namespace

std::unique_ptr<Rendezvous> meet(const Launch& launch, std::chrono::milliseconds timeout,
                                 WhyLost whyLost) {
    const std::string place = cat(launch.host, ":", launch.port);
    try {
        return std::make_unique<C10dRendezvous>(launch, timeout, std::move(whyLost));
    } catch (const std::exception& error) {
        if (launch.rank == 0 && !launch.storeIsThere)
            throw Error(ExitCode::Usage,
                        cat("the processes cannot meet at ", place,
                            "; $MASTER_PORT names another port (", saying(error), ")"),
                        {"--distributed", 0, 0});
        throw PeerError(ExitCode::Interrupted,
                        cat("process 0 was not found at ", place, " (", saying(error), ")"),
                        {"--distributed", 0, 0});
    }
}

#else

std::unique_ptr<Rendezvous> meet(const Launch&, std::chrono::milliseconds, WhyLost) {
    throw Error(ExitCode::Usage,
                "this build's LibTorch has no Gloo: several processes cannot share a render",
                {"--distributed", 0, 0});
}

#endif

}  // namespace derrumbe::model
