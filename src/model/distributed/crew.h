#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "model/distributed/rendezvous.h"

namespace derrumbe::model {

/// What a process says of itself when it joins.
struct Member {
    std::string host;
    std::string build;      ///< of this program; pixels are those of one build
    std::string processor;  ///< the kind that it computes on; the same holds
    std::string cores;      ///< that it may run on; the same text means the same ones

    bool operator==(const Member&) const = default;
};

/// The member as a process on this machine sees itself.
Member thisMember(const std::string& build, const std::string& processor);

/// The processes of one render. Process 0 leads: it alone reads the shot, keeps state and writes;
/// the others follow its orders, texts that it gives to all of them. While it has none to give it
/// says that it is alive, so that a machine that vanished does not leave the others waiting.
///
/// Whichever process fails says why (`fail`) before it ends; the others learn it as a PeerError
/// with the same exit code. One that ends without a word is a PeerError of ExitCode::Interrupted:
/// what it was part of can go on when the same command is run again.
class Crew {
  public:
    /// Meets the others. Throws Error(Usage) where they are not one build on one kind of processor,
    /// PeerError where one does not come within five minutes.
    /// @param self  describes this process; where it throws, the others learn why
    Crew(const Launch& launch, const std::function<Member()>& self);
    ~Crew();
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    int rank() const { return rank_; }
    int size() const { return static_cast<int>(members_.size()); }
    bool leads() const { return rank_ == 0; }
    const std::vector<Member>& members() const { return members_; }  ///< by rank
    /// Cores for this process: those that it may run on, shared with the processes that may use the
    /// same ones.
    int cores() const;

    const Group& everyone() const { return everyone_; }

    /// How an evaluation of several branches (guidance, beats) is cut up: into as many groups of
    /// processes as divide both numbers, each for as many branches, whose processes share tokens.
    struct Cut {
        int branches = 1;  ///< groups
        int branch = 0;    ///< this process's
        Group tokens;      ///< the processes of its group
        Group heads;       ///< the first process of every group; of use to `isHead` alone
        bool isHead = true;
    };
    /// All processes ask for the same cuts in the same order.
    const Cut& cut(int branches);

    /// Of process 0: the next order, for all others. Returns its number.
    long order(const std::string& text);
    /// Of process 0: until all others have carried out the order and say so.
    void awaitAll(long order);
    /// Of process 0: throws Error(Interrupted) where a signal asks another process to stop.
    void throwIfInterrupted();
    /// Of process 0: no more orders, the others are to end with this code. Waits a few seconds
    /// until they have.
    void end(ExitCode code) noexcept;

    /// Of the others: waits for the next order.
    std::string nextOrder();
    /// Of the others: the last order is carried out.
    void carriedOut();
    /// Of the others: a signal asks this process to stop.
    void sayInterrupted();
    /// Of the others: this process ends.
    void leave() noexcept;

    /// Says why this process is about to end.
    void fail(const Error& error) noexcept;

  private:
    void join(const Launch& launch, const std::function<Member()>& self);
    void awaitEnds(int processes) noexcept;
    void sayWhy(const Error& error) noexcept;
    PeerError whyLost(const std::string& what);
    void throwIfFailed();
    long giveOrder(const std::string& text);
    void stayAlive(const std::stop_token& stop);
    bool oneHost() const;
    Group groupOf(const std::string& name, const std::vector<int>& ranks);

    int rank_ = 0;
    std::unique_ptr<Rendezvous> place_;
    std::vector<Member> members_;
    Group everyone_;
    std::vector<std::unique_ptr<Cut>> cuts_;
    bool asking_ = false;  ///< why another process is gone

    std::mutex ordering_;
    long orders_ = 0;   ///< given, or taken
    long current_ = 0;  ///< the order that is carried out
    std::condition_variable_any ended_;
    std::jthread alive_;
};

}  // namespace derrumbe::model
