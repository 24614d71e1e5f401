#include "model/distributed/group.h"

#include "support/strings.h"

namespace derrumbe::model {

std::vector<at::Tensor> Group::allGather(const at::Tensor& own) const {
    if (alone()) return {own};
    return channel_->allGather(own.contiguous());
}

void Group::broadcast(at::Tensor& tensor) const {
    if (!alone()) channel_->broadcast(tensor);
}

TokenShare::TokenShare(Group group, int64_t tokens) : group_(std::move(group)), tokens_(tokens) {
    if (tokens < group_.size())
        throw Error(ExitCode::Usage, cat(group_.size(), " processes cannot share ", tokens,
                                         " tokens: start fewer processes"));
}

at::Tensor TokenShare::own(const at::Tensor& x) const {
    if (whole()) return x;
    return x.narrow(1, first(group_.rank()), count(group_.rank())).clone();
}

at::Tensor TokenShare::ownRows(const at::Tensor& table) const {
    return table.narrow(0, first(group_.rank()), count(group_.rank()));
}

at::Tensor TokenShare::all(const at::Tensor& own) const {
    if (whole()) return own;
    // Messages are of one length: the longest part's.
    const int64_t longest = (tokens_ + group_.size() - 1) / group_.size();
    std::vector<at::Tensor> parts =
        group_.allGather(at::constant_pad_nd(own, {0, 0, 0, longest - own.size(1)}));
    for (int rank = 0; rank < group_.size(); ++rank)
        parts[rank] = parts[rank].narrow(1, 0, count(rank));
    return at::cat(parts, 1);
}

}  // namespace derrumbe::model
