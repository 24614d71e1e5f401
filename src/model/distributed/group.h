#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "support/error.h"

namespace derrumbe::model {

/// Another process of this render has failed, ended or cannot be reached.
class PeerError : public Error {
  public:
    using Error::Error;
};

/// What connects the processes of a group. All of them make the same calls in the same order; each
/// throws PeerError where another one is gone.
class Channel {
  public:
    virtual ~Channel() = default;
    /// Every process's tensor, by rank. All are of one shape and type.
    virtual std::vector<at::Tensor> allGather(const at::Tensor& own) = 0;
    /// Fills the tensor with process 0's; shape and type are the same in all.
    virtual void broadcast(at::Tensor& tensor) = 0;
};

/// Processes that compute one thing together, each calling the same functions in the same order; or
/// this process alone. A value: copies are the same processes.
class Group {
  public:
    Group() = default;  ///< this process alone
    Group(std::shared_ptr<Channel> channel, int rank, int size)
        : channel_(std::move(channel)), rank_(rank), size_(size) {}

    int rank() const { return rank_; }
    int size() const { return size_; }
    bool alone() const { return size_ == 1; }

    std::vector<at::Tensor> allGather(const at::Tensor& own) const;
    void broadcast(at::Tensor& tensor) const;

  private:
    std::shared_ptr<Channel> channel_;
    int rank_ = 0, size_ = 1;
};

/// A sequence that a group's processes hold in parts: neighbouring tokens each, as many in all of
/// them as can be (numbers differ by one at most). Alone a process holds all, and nothing is
/// copied.
class TokenShare {
  public:
    /// Throws Error(Usage) where there are more processes than tokens.
    TokenShare(Group group, int64_t tokens);

    bool whole() const { return group_.alone(); }
    /// This process's rows of x [B, tokens, ...], a copy; alone x itself.
    at::Tensor own(const at::Tensor& x) const;
    /// The same for a table [tokens, ...], a view.
    at::Tensor ownRows(const at::Tensor& table) const;
    /// All rows [B, tokens, d] from each process's own [B, n, d]; alone those themselves.
    at::Tensor all(const at::Tensor& own) const;

  private:
    int64_t first(int rank) const { return tokens_ * rank / group_.size(); }
    int64_t count(int rank) const { return first(rank + 1) - first(rank); }

    Group group_;
    int64_t tokens_;
};

}  // namespace derrumbe::model
