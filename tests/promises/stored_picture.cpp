#include "stored_picture.h"

#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <stdexcept>

int StoredPicture::channel(const std::string& name) const {
    const auto found = std::find(channels.begin(), channels.end(), name);
    return found == channels.end() ? -1 : static_cast<int>(found - channels.begin());
}

float StoredPicture::at(int channel, int x, int y) const {
    return planes[static_cast<size_t>(channel)]
                 [static_cast<size_t>(y - data.y) * data.width + (x - data.x)];
}

std::vector<std::string> StoredPicture::colours() const {
    if (channel("R") >= 0) return {"R", "G", "B"};
    return {"Y"};
}

StoredPicture readStored(const std::string& file) {
    OIIO::ImageSpec wish;
    wish.attribute("oiio:UnassociatedAlpha", 1);
    const auto input = OIIO::ImageInput::open(file, &wish);
    if (!input) throw std::runtime_error(file + ": " + OIIO::geterror());
    StoredPicture picture;
    for (int index = 0; input->seek_subimage(index, 0); ++index) {
        const OIIO::ImageSpec spec = input->spec();
        if (index == 0) {
            picture.data = {spec.x, spec.y, spec.width, spec.height};
            picture.display = {spec.full_x, spec.full_y, spec.full_width, spec.full_height};
            picture.pixelAspect = spec.get_float_attribute("PixelAspectRatio", 1);
        }
        for (int c = 0; c < spec.nchannels; ++c) {
            const bool ids = spec.channelformat(c) == OIIO::TypeUInt32;
            std::vector<float> plane(static_cast<size_t>(spec.width) * spec.height);
            if (!input->read_image(index, 0, c, c + 1, ids ? OIIO::TypeUInt32 : OIIO::TypeFloat,
                                   plane.data()))
                throw std::runtime_error(file + ": " + input->geterror());
            picture.channels.push_back(spec.channelnames[static_cast<size_t>(c)]);
            picture.types.emplace_back(spec.channelformat(c).c_str());
            picture.planes.push_back(std::move(plane));
        }
    }
    return picture;
}

bool sameSample(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}
