#pragma once
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace derrumbe::model {

/// A network's blocks in the order of their turns. Some stay in memory; each other one is made when
/// its turn comes and dropped after it, while a thread makes the next, so that two of them are in
/// memory at most. How many stay changes no result: a block is made in the same way every time.
template <class Block>
class Blocks {
  public:
    using Make = std::function<Block(size_t index)>;

    Blocks() = default;
    /// @param resident blocks that stay, spread evenly; the more of them stand between two others,
    /// the more time there is to make the next
    /// @param around   the first one's turn comes again after the last one's, as a rule
    Blocks(size_t count, size_t resident, Make make, bool around = true)
        : state_(std::make_unique<State>()), make_(std::move(make)), around_(around) {
        state_->kept.resize(count);
        for (size_t i = 0; i < count; ++i)
            if (resident >= count || (i + 1) * resident / count > i * resident / count)
                state_->kept[i] = made(make_, i);
    }

    size_t size() const { return state_ ? state_->kept.size() : 0; }

    /// The block whose turn it is; it is dropped with the last copy of the pointer.
    std::shared_ptr<const Block> operator[](size_t index) const {
        const std::lock_guard<std::mutex> lock(state_->mutex);
        State& state = *state_;
        std::shared_ptr<const Block> block = state.kept[index];
        if (!block && state.next.valid()) {
            std::shared_ptr<const Block> next = state.next.get();
            if (state.nextIndex == index) block = std::move(next);
        }
        if (!block) block = made(make_, index);
        if (!state.next.valid()) prepare(state, index);
        return block;
    }

  private:
    struct State {
        std::mutex mutex;
        std::vector<std::shared_ptr<const Block>> kept;
        std::future<std::shared_ptr<const Block>> next;
        size_t nextIndex = 0;
    };

    static std::shared_ptr<const Block> made(const Make& make, size_t index) {
        return std::make_shared<const Block>(make(index));
    }

    /// Starts to make the first block after `index` that does not stay.
    void prepare(State& state, size_t index) const {
        const size_t count = state.kept.size();
        for (size_t step = 1; step < (around_ ? count : count - index); ++step) {
            const size_t next = (index + step) % count;
            if (state.kept[next]) continue;
            state.nextIndex = next;
            state.next = std::async(std::launch::async, [make = make_, next] {
                const c10::InferenceMode inference;  // of a thread
                return made(make, next);
            });
            return;
        }
    }

    std::unique_ptr<State> state_;
    Make make_;
    bool around_ = true;
};

}  // namespace derrumbe::model
