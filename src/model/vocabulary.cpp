#include "model/description.h"
#include "model/weights/weights_file.h"
#include "support/atomic_file.h"

namespace derrumbe::model {

std::string vocabulary(const Description& model) {
    if (model.tokenizerTensor.empty()) return readFile(model.tokenizerFile, ExitCode::Model);
    const at::Tensor bytes =
        openWeights(model.tokenizerFile)->read(model.tokenizerTensor).contiguous();
    return {static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()};
}

}  // namespace derrumbe::model
