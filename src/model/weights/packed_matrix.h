#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <optional>

namespace derrumbe::model {

/// A matrix in 8 bits: row i is numbers[i] times factors[i].
struct ByteRows {
    at::Tensor numbers;  ///< [rows, columns] float8_e4m3fn or int8, contiguous
    at::Tensor factors;  ///< [rows, 1] float32
};

/// A matrix [out, in] in fewer bytes than a layer computes with, which is unpacked at each use. How
/// is fixed, so that every use gets the same bits, those that reading the whole tensor gives.
class PackedMatrix {
  public:
    PackedMatrix(int64_t rows, int64_t columns) : rows_(rows), columns_(columns) {}
    virtual ~PackedMatrix() = default;

    /// Some of the rows, [count, in], as exact as they are packed; where the packed values lie.
    virtual at::Tensor unpackedRows(int64_t first, int64_t count) const = 0;
    /// All of them in the type that is computed with; where the packed values lie.
    virtual at::Tensor unpacked(at::ScalarType dtype) const;
    /// The very numbers, where they are packed as that; nothing where they are not.
    virtual std::optional<ByteRows> byteRows() const { return std::nullopt; }
    /// The same on a card; null where its numbers would be others there.
    virtual std::shared_ptr<const PackedMatrix> to(at::Device device) const = 0;
    /// Brings in the packed values of a mapped file, which are else read at the first use.
    virtual void readAhead() const {}

    int64_t rows() const { return rows_; }
    int64_t columns() const { return columns_; }

  private:
    int64_t rows_, columns_;
};

/// Numbers of any type [out, in], in place: a mapped file's stay where they lie.
std::shared_ptr<const PackedMatrix> packedNumbers(const at::Tensor& numbers);

/// Numbers [out, in] times float32 factors [out, blocks] or [1, 1]: one a row, several along it, or
/// one for all.
std::shared_ptr<const PackedMatrix> packedProduct(const at::Tensor& numbers,
                                                  const at::Tensor& factors);

/// Reads a byte of every page of a tensor, which brings the pages of a mapped file in.
void touchPages(const at::Tensor& tensor);

}  // namespace derrumbe::model
