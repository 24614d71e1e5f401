#pragma once
#include <map>
#include <memory>
#include <string>

#include "model/weights/tensor_source.h"

namespace derrumbe::model {

/// Modules (and bare parameters) under two names: ours, which layers ask for, and a file's.
class NameTable {
  public:
    void add(const std::string& ours, const std::string& theirs);

    /// A tensor's name translated; the name itself where the table has neither the tensor nor its
    /// module ("x.weight" is of module "x").
    std::string ours(const std::string& tensor) const { return translated(toOurs_, tensor); }
    std::string theirs(const std::string& tensor) const { return translated(toTheirs_, tensor); }

  private:
    using Map = std::map<std::string, std::string>;
    static std::string translated(const Map& map, const std::string& tensor);
    Map toOurs_, toTheirs_;
};

/// The tensors of `file` whose names begin with `prefix`, without it and under our names. Throws
/// Error(Model) where two of them come to the same name.
/// @param shapes by our names: shapes that a tensor is given in place of its own, of as many values
std::shared_ptr<const TensorSource> renamed(
    std::shared_ptr<const TensorSource> file, const std::string& prefix, const NameTable& names,
    const std::map<std::string, std::vector<int64_t>>& shapes = {});

/// Two sources as one; a name that both have is the first one's.
std::shared_ptr<const TensorSource> joined(std::shared_ptr<const TensorSource> first,
                                           std::shared_ptr<const TensorSource> second);

}  // namespace derrumbe::model
