#include "image/read_frame.h"

#include <OpenImageIO/imageio.h>

#include <bit>
#include <new>

#include "image/whole_file.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

[[noreturn]] void fail(const std::string& file, const std::string& why) {
    throw Error(ExitCode::Input, cat("cannot read ", file, ": ", why));
}

void readPart(OIIO::ImageInput& input, const PlateProbe::Part& part, PlateImage& image) {
    const auto check = [&](bool read) {
        if (read) return;
        std::string why = input.geterror();
        if (why.size() > 300) why = why.substr(0, 300) + "...";
        fail(image.file, cat("its pixels are cut off or damaged (", why, "); write it again"));
    };
    const OIIO::stride_t stride = image.frame.channelCount() * OIIO::stride_t{sizeof(float)};
    float* pixels = image.frame.pixels.data() + part.firstChannel;
    check(input.read_image(part.index, 0, 0, part.channelCount, OIIO::TypeFloat, pixels, stride));
    for (int c = 0; c < part.channelCount; ++c) {
        // As floats, ids would be divided by 2^32 and rounded. OpenImageIO writes whatever it is
        // asked for into the pixel's four bytes: the id's own bits.
        if (image.types[part.firstChannel + c] == PixelType::UInt32)
            check(input.read_image(part.index, 0, c, c + 1, OIIO::TypeUInt, pixels + c, stride));
    }
}

}  // namespace

PlateImage readPlate(const std::string& file) {
    PlateImage image{probe(file), {}};
    Frame& frame = image.frame;
    frame.data = image.data;
    frame.display = image.display;
    frame.pixelAspect = image.pixelAspect;
    frame.channels = image.channels;
    try {
        frame.pixels.resize(static_cast<size_t>(frame.data.width) * frame.data.height *
                            frame.channels.size());
    } catch (const std::bad_alloc&) {
        throw Error(ExitCode::Memory,
                    cat("no memory to read ", file, ": ", frame.data.width, "x", frame.data.height,
                        ", ", frame.channels.size(), " channels"));
    }
    OIIO::ImageSpec hints;
    // Else OpenImageIO multiplies a PNG's colours by its alpha, which cannot be undone.
    hints.attribute("oiio:UnassociatedAlpha", 1);
    auto input = OIIO::ImageInput::open(file, &hints);
    if (!input) fail(file, OIIO::geterror());
    for (const PlateProbe::Part& part : image.parts) readPart(*input, part, image);
    // libjpeg fills a cut-off picture with grey and only warns.
    if (image.header->format == "jpeg") checkWhole(image);
    return image;
}

}  // namespace derrumbe::image
