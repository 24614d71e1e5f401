#include "model/distributed/crew.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "support/interrupt.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kJoin = 5min;      ///< until all processes are there
constexpr auto kAliveEvery = 5s;  ///< process 0 says so
constexpr auto kSilence = 60s;    ///< after which process 0 is gone
constexpr auto kGoodbye = 12s;    ///< the same, once a signal has come
constexpr auto kLastWords = 3s;   ///< that a process which failed has to say why
constexpr auto kGoing = 5s;       ///< that the others have to go, at the end
constexpr auto kLook = 20ms;      ///< between two looks for what others do

constexpr const char* kFailed = "failed";
constexpr const char* kInterrupted = "interrupted";
constexpr const char* kAlive = "alive";
constexpr const char* kEnded = "ended";

std::string hostName() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown host";
}

/// The cores that this process may run on, and how many they are.
std::pair<std::string, int> ownCores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return {"", 1};
    std::string cores;
    for (int core = 0; core < CPU_SETSIZE; ++core)
        if (CPU_ISSET(core, &set)) cores += cat(cores.empty() ? "" : ",", core);
    return {cores, CPU_COUNT(&set)};
}

std::string textOf(const Member& member) {
    return Json{{"host", member.host},
                {"build", member.build},
                {"processor", member.processor},
                {"cores", member.cores}}
        .dump();
}

Member memberFrom(const std::string& text) {
    const Json json = Json::parse(text);
    return {json.at("host"), json.at("build"), json.at("processor"), json.at("cores")};
}

std::string key(const std::string& what, int rank) {
    return cat(what, "/", rank);
}

template <class Done>
bool within(std::chrono::milliseconds time, const Done& done) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(kLook);
    }
    return true;
}

}  // namespace

Member thisMember(const std::string& build, const std::string& processor) {
    return {hostName(), build, processor, ownCores().first};
}

Crew::Crew(const Launch& launch, const std::function<Member()>& self)
    : rank_(launch.rank),
      place_(meet(launch, kJoin, [this](const std::string& what) { return whyLost(what); })) {
    try {
        join(launch, self);
    } catch (const Error& error) {
        sayWhy(error);
        if (leads())
            awaitEnds(launch.size);
        else
            leave();
        throw;
    }
    if (leads() && size() > 1)
        alive_ = std::jthread([this](const std::stop_token& stop) { stayAlive(stop); });
}

void Crew::join(const Launch& launch, const std::function<Member()>& self) {
    place_->set(key("member", rank_), textOf(self()));
    const auto start = std::chrono::steady_clock::now();
    for (int rank = 0; rank < launch.size; ++rank) {
        while (!place_->wait(key("member", rank), 1s)) {
            derrumbe::throwIfInterrupted();
            throwIfFailed();
            if (std::chrono::steady_clock::now() - start > kJoin)
                throw PeerError(ExitCode::Interrupted,
                                cat("process ", rank, " of ", launch.size, " did not come"),
                                {"--distributed", 0, 0});
        }
        members_.push_back(memberFrom(place_->get(key("member", rank))));
    }
    for (int rank = 1; rank < launch.size; ++rank) {
        const Member &first = members_[0], &other = members_[rank];
        if (other.build != first.build || other.processor != first.processor)
            throw Error(
                ExitCode::Usage,
                cat("process ", rank, " (", other.host, ") is ", other.build, " on ",
                    other.processor, ", process 0 (", first.host, ") is ", first.build, " on ",
                    first.processor, ": all must be one build on one kind of processor"),
                {"--distributed", 0, 0});
    }
    std::vector<int> all(members_.size());
    std::iota(all.begin(), all.end(), 0);
    everyone_ = groupOf("everyone", all);
}

Crew::~Crew() = default;

int Crew::cores() const {
    const Member& self = members_[rank_];
    const auto sharers = std::count_if(members_.begin(), members_.end(), [&](const Member& other) {
        return other.host == self.host && other.cores == self.cores;
    });
    return std::max(1, ownCores().second / static_cast<int>(sharers));
}

bool Crew::oneHost() const {
    return std::all_of(members_.begin(), members_.end(),
                       [&](const Member& other) { return other.host == members_[0].host; });
}

Group Crew::groupOf(const std::string& name, const std::vector<int>& ranks) {
    return ranks.size() == 1 ? Group() : place_->group(name, ranks, oneHost());
}

const Crew::Cut& Crew::cut(int branches) {
    const int groups = std::gcd(branches, size()), each = size() / groups;
    for (const auto& cut : cuts_)
        if (cut->branches == groups) return *cut;
    auto cut = std::make_unique<Cut>();
    cut->branches = groups;
    cut->branch = rank_ / each;
    cut->isHead = rank_ % each == 0;
    std::vector<int> own(each), heads(groups);
    std::iota(own.begin(), own.end(), cut->branch * each);
    for (int group = 0; group < groups; ++group) heads[group] = group * each;
    cut->tokens = groupOf(cat("tokens/", groups, "/", cut->branch), own);
    if (cut->isHead) cut->heads = groupOf(cat("heads/", groups), heads);
    cuts_.push_back(std::move(cut));
    return *cuts_.back();
}

long Crew::giveOrder(const std::string& text) {
    const std::lock_guard<std::mutex> lock(ordering_);
    place_->set(cat("order/", orders_), text);
    return orders_++;
}

long Crew::order(const std::string& text) {
    if (size() == 1) return 0;
    throwIfFailed();
    return giveOrder(text);
}

std::string Crew::nextOrder() {
    for (;; ++orders_) {
        const std::string next = cat("order/", orders_);
        const auto start = std::chrono::steady_clock::now();
        while (!place_->wait(next, 1s)) {
            throwIfFailed();
            // Process 0 is asked to stop together with this one, as a rule.
            if (std::chrono::steady_clock::now() - start > (interrupted() ? kGoodbye : kSilence))
                throw whyLost("process 0 is silent");
        }
        std::string text = place_->get(next);
        if (text == kAlive) continue;
        current_ = orders_++;
        return text;
    }
}

void Crew::stayAlive(const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock<std::mutex> lock(mutex);
    while (!ended_.wait_for(lock, stop, kAliveEvery, [] { return false; })) {
        if (stop.stop_requested()) return;
        try {
            giveOrder(kAlive);
        } catch (const std::exception&) {
            return;  // who leads finds out by itself
        }
    }
}

void Crew::awaitAll(long order) {
    const std::string done = cat("done/", order);
    for (int rank = 1; rank < size(); ++rank) {
        const bool came = within(kJoin, [&] {
            throwIfFailed();
            return place_->has(key(done, rank));
        });
        if (!came)
            throw PeerError(ExitCode::Interrupted, cat("process ", rank, " (", members_[rank].host,
                                                       ") does not answer any more"));
    }
}

void Crew::carriedOut() {
    place_->set(key(cat("done/", current_), rank_), "");
}

void Crew::leave() noexcept {
    try {
        place_->set(key(kEnded, rank_), "");
    } catch (const std::exception&) {  // nobody waits for it
    }
}

void Crew::sayInterrupted() {
    place_->set(kInterrupted, "");
}

void Crew::throwIfInterrupted() {
    if (size() > 1 && place_->has(kInterrupted))
        throw Error(ExitCode::Interrupted,
                    "another process was interrupted; finished frames are kept, run the same "
                    "command again to go on");
}

void Crew::throwIfFailed() {
    if (place_->has(kFailed)) throw whyLost("");
}

PeerError Crew::whyLost(const std::string& what) {
    const std::string reason =
        cat("another process of this render has ended or cannot be reached (", what,
            "); finished frames and the state are kept, run the same command again to go on");
    PeerError unknown(ExitCode::Interrupted, reason);
    if (asking_ || !place_) return unknown;
    asking_ = true;
    try {
        const bool said = within(kLastWords, [&] { return place_->has(kFailed); });
        const Json words = said ? Json::parse(place_->get(kFailed)) : Json();
        asking_ = false;
        if (said) return {static_cast<ExitCode>(words.at("code")), words.at("text")};
    } catch (const std::exception&) {
        asking_ = false;
    }
    return unknown;
}

void Crew::sayWhy(const Error& error) noexcept {
    try {
        if (place_->has(kFailed)) return;
        place_->set(kFailed,
                    Json{{"code", static_cast<int>(error.code())},
                         {"text", cat("process ", rank_, " (", hostName(), "): ", error.what())}}
                        .dump());
    } catch (const std::exception&) {  // nobody to tell
    }
}

void Crew::fail(const Error& error) noexcept {
    if (size() > 1) sayWhy(error);
}

void Crew::end(ExitCode code) noexcept {
    if (size() == 1) return;
    alive_ = {};
    try {
        giveOrder(Json{{"do", "end"}, {"code", static_cast<int>(code)}}.dump());
        // Whoever is in the middle of something waits for this process there.
        if (code != ExitCode::Done) place_->close();
    } catch (const std::exception&) {  // the others are gone already
    }
    awaitEnds(size());
}

void Crew::awaitEnds(int processes) noexcept {
    try {
        within(kGoing, [&] {
            for (int rank = 1; rank < processes; ++rank)
                if (!place_->has(key(kEnded, rank))) return false;
            return true;
        });
    } catch (const std::exception&) {  // the same
    }
}

}  // namespace derrumbe::model
