#include "image/picture.h"

#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "support/atomic_file.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

/// Five rows of three pixels each, as digits 0..7 (4 is the left pixel).
const char* glyph(char c) {
    static const std::map<char, const char*> glyphs = {
        {'0', "75557"}, {'1', "26227"}, {'2', "71747"}, {'3', "71717"}, {'4', "55711"},
        {'5', "74717"}, {'6', "74757"}, {'7', "71122"}, {'8', "75757"}, {'9', "75717"},
        {'A', "25755"}, {'B', "65656"}, {'C', "34443"}, {'D', "65556"}, {'E', "74647"},
        {'F', "74644"}, {'G', "34553"}, {'H', "55755"}, {'I', "72227"}, {'J', "11152"},
        {'K', "55655"}, {'L', "44447"}, {'M', "57755"}, {'N', "65555"}, {'O', "25552"},
        {'P', "65644"}, {'Q', "25563"}, {'R', "65655"}, {'S', "34216"}, {'T', "72222"},
        {'U', "55557"}, {'V', "55552"}, {'W', "55775"}, {'X', "55255"}, {'Y', "55222"},
        {'Z', "71247"}, {'.', "00002"}, {',', "00024"}, {'-', "00700"}, {'_', "00007"},
        {'=', "07070"}, {':', "02020"}, {'/', "11244"}, {'+', "02720"}, {'%', "51245"},
        {'#', "57575"}, {'(', "24442"}, {')', "21112"}};
    const auto found = glyphs.find(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    return found == glyphs.end() ? "00000" : found->second;
}

void fill(Picture& picture, int x, int y, int width, int height, std::uint8_t grey) {
    for (int row = std::max(0, y); row < std::min(picture.height, y + height); ++row)
        for (int column = std::max(0, x); column < std::min(picture.width, x + width); ++column)
            std::fill_n(picture.at(column, row), 3, grey);
}

}  // namespace

Picture Picture::filled(int width, int height, std::uint8_t grey) {
    Picture picture{width, height, {}};
    picture.rgb.assign(static_cast<size_t>(width) * height * 3, grey);
    return picture;
}

void paste(Picture& into, const Picture& from, int x, int y) {
    const int first = std::max(0, -x), last = std::min(from.width, into.width - x);
    if (first >= last) return;
    for (int row = std::max(0, -y); row < std::min(from.height, into.height - y); ++row)
        std::copy_n(from.rgb.data() + (static_cast<size_t>(row) * from.width + first) * 3,
                    static_cast<size_t>(last - first) * 3, into.at(x + first, y + row));
}

Picture beside(const Picture& left, const Picture& right) {
    Picture both =
        Picture::filled(left.width + right.width, std::max(left.height, right.height), 0);
    paste(both, left, 0, 0);
    paste(both, right, left.width, 0);
    return both;
}

void drawLabel(Picture& picture, int x, int y, const std::string& text, int size) {
    fill(picture, x, y, (static_cast<int>(text.size()) * 4 + 1) * size, 7 * size, 24);
    for (size_t i = 0; i < text.size(); ++i) {
        const char* rows = glyph(text[i]);
        for (int row = 0; row < 5; ++row)
            for (int column = 0; column < 3; ++column)
                if ((rows[row] - '0') >> (2 - column) & 1)
                    fill(picture, x + (static_cast<int>(i) * 4 + 1 + column) * size,
                         y + (1 + row) * size, size, size, 235);
    }
}

void writePng(const std::filesystem::path& path, const Picture& picture) {
    writeAtomically(path, [&](const std::filesystem::path& temporary) {
        OIIO::ImageSpec spec(picture.width, picture.height, 3, OIIO::TypeUInt8);
        auto output = OIIO::ImageOutput::create("png");
        const bool done = output && output->open(temporary.string(), spec) &&
                          output->write_image(OIIO::TypeUInt8, picture.rgb.data()) &&
                          output->close();
        if (!done)
            throw Error(ExitCode::Output, cat("cannot write ", path.string(), ": ",
                                              output ? output->geterror() : OIIO::geterror()));
    });
}

}  // namespace derrumbe::image
