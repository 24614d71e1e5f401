#include "model/weights/packed_matrix.h"

#include <algorithm>

namespace derrumbe::model {

namespace {

/// Values that are unpacked at once: their float32 form stays in a processor's cache, and on a card
/// is small beside what is computed.
constexpr int64_t kAtOnce = 1 << 18, kAtOnceOnCards = 1 << 24;

bool areBytes(const at::Tensor& numbers) {
    return numbers.scalar_type() == at::kFloat8_e4m3fn || numbers.scalar_type() == at::kChar;
}

class Numbers : public PackedMatrix {
  public:
    explicit Numbers(at::Tensor numbers)
        : PackedMatrix(numbers.size(0), numbers.size(1)), numbers_(std::move(numbers)) {}

    at::Tensor unpackedRows(int64_t first, int64_t count) const override {
        return numbers_.narrow(0, first, count);
    }
    /// A copy in any case: what is packed may be the file itself.
    at::Tensor unpacked(at::ScalarType dtype) const override {
        return numbers_.to(dtype, /*non_blocking=*/false, /*copy=*/true);
    }
    std::optional<ByteRows> byteRows() const override {
        if (!areBytes(numbers_)) return std::nullopt;
        return ByteRows{numbers_.contiguous(),
                        at::ones({rows(), 1}, numbers_.options().dtype(at::kFloat))};
    }
    std::shared_ptr<const PackedMatrix> to(at::Device device) const override {
        return std::make_shared<Numbers>(numbers_.to(device));
    }
    void readAhead() const override {
        if (numbers_.is_cpu()) touchPages(numbers_);
    }

  private:
    at::Tensor numbers_;
};

class Product : public PackedMatrix {
  public:
    Product(at::Tensor numbers, at::Tensor factors)
        : PackedMatrix(numbers.size(0), numbers.size(1)),
          numbers_(std::move(numbers)),
          factors_(std::move(factors)) {}

    at::Tensor unpackedRows(int64_t first, int64_t count) const override {
        const at::Tensor factors =
            factors_.size(0) == 1 ? factors_ : factors_.narrow(0, first, count);
        const int64_t blocks = factors.size(1);
        at::Tensor values = numbers_.narrow(0, first, count).to(at::kFloat, false, /*copy=*/true);
        values.view({count, blocks, columns() / blocks}).mul_(factors.unsqueeze(2));
        return values;
    }
    std::optional<ByteRows> byteRows() const override {
        if (!areBytes(numbers_) || factors_.size(1) != 1) return std::nullopt;
        return ByteRows{numbers_.contiguous(), factors_.expand({rows(), 1}).contiguous()};
    }
    std::shared_ptr<const PackedMatrix> to(at::Device device) const override {
        return std::make_shared<Product>(numbers_.to(device), factors_.to(device));
    }
    void readAhead() const override {
        if (numbers_.is_cpu()) touchPages(numbers_);
    }

  private:
    at::Tensor numbers_, factors_;
};

}  // namespace

at::Tensor PackedMatrix::unpacked(at::ScalarType dtype) const {
    const at::Tensor none = unpackedRows(0, 0);
    at::Tensor all = at::empty({rows_, columns_}, none.options().dtype(dtype));
    const int64_t values = none.is_cpu() ? kAtOnce : kAtOnceOnCards;
    const int64_t step = std::max<int64_t>(1, values / std::max<int64_t>(1, columns_));
    for (int64_t first = 0; first < rows_; first += step) {
        const int64_t count = std::min(step, rows_ - first);
        all.narrow(0, first, count).copy_(unpackedRows(first, count));
    }
    return all;
}

std::shared_ptr<const PackedMatrix> packedNumbers(const at::Tensor& numbers) {
    return std::make_shared<Numbers>(numbers);
}

std::shared_ptr<const PackedMatrix> packedProduct(const at::Tensor& numbers,
                                                  const at::Tensor& factors) {
    return std::make_shared<Product>(numbers, factors);
}

void touchPages(const at::Tensor& tensor) {
    constexpr size_t kPage = 4096;
    const auto* bytes = static_cast<const volatile char*>(tensor.const_data_ptr());
    for (size_t at = 0; at < tensor.nbytes(); at += kPage) static_cast<void>(bytes[at]);
}

}  // namespace derrumbe::model
