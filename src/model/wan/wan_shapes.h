#pragma once
#include <string>

#include "model/weights/config.h"
#include "model/weights/tensor_source.h"

namespace derrumbe::model {

// Configurations in diffusers' keys for files that come without one, from the shapes of their
// tensors (under diffusers' names). `stated` is a config.json that lies beside the file, or empty:
// what it says in diffusers' keys is taken as it is; of Wan's own keys (dim, num_heads,
// vace_layers) those are taken that are there. What shapes cannot tell has the published models'
// value. Faults are recorded in the result.

/// Heads are of 128 channels and VACE layers evenly spaced where nothing is stated, as in all
/// published models.
Config transformerConfigOf(const TensorSource& tensors, const Config& stated);

/// Of the Wan2.1 form. Latent statistics are those of its published VAE.
Config vaeConfigOf(const TensorSource& tensors, const Config& stated);

Config textConfigOf(const TensorSource& tensors, const Config& stated);

/// Of the CLIP vision tower: 16 heads and GELU where nothing is stated, as in ViT-H/14.
Config clipConfigOf(const TensorSource& tensors, const Config& stated);

}  // namespace derrumbe::model
