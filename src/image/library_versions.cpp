#include "image/library_versions.h"

#include <OpenEXR/OpenEXRConfig.h>
#include <OpenImageIO/color.h>
#include <OpenImageIO/imageio.h>

#include "support/strings.h"

namespace derrumbe::image {

std::vector<std::pair<std::string, std::string>> libraryVersions() {
    const int oiio = OIIO::openimageio_version();                   // 20407 is 2.4.7
    const int ocio = OIIO::ColorConfig::OpenColorIO_version_hex();  // 0x02010200 is 2.1.2
    return {{"openimageio", cat(oiio / 10000, ".", oiio / 100 % 100, ".", oiio % 100)},
            {"opencolorio", cat(ocio >> 24 & 255, ".", ocio >> 16 & 255, ".", ocio >> 8 & 255)},
            {"openexr", OPENEXR_VERSION_STRING}};
}

}  // namespace derrumbe::image
