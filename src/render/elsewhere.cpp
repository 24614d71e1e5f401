#include "render/elsewhere.h"

namespace derrumbe::render {

shot::Shot deliveredInto(shot::Shot shot, const std::filesystem::path& folder) {
    shot.output.path.path = folder / shot.output.path.path.filename();
    shot.provenance.path.path = folder / shot.provenance.path.path.filename();
    return shot;
}

}  // namespace derrumbe::render
