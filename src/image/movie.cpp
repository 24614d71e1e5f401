#include "image/movie.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <vector>

#include "support/error.h"
#include "support/strings.h"

extern char** environ;

namespace derrumbe::image {

struct MovieWriter::Process {
    std::filesystem::path path, temporary;
    double fps = 24;
    int width = 0, height = 0;  ///< even; 0 until the first picture
    pid_t child = -1;
    int input = -1;    ///< our end of ffmpeg's standard input
    int message = -1;  ///< what ffmpeg says, in memory

    void start();
    int end();
    [[noreturn]] void fail(const std::string& why);
};

namespace {

/// H.264 in 4:2:0 as every player takes it, tagged for what the pixels are (sRGB's function, Rec.
/// 709 primaries). One thread, so that the same pictures give the same file.
std::vector<std::string> arguments(int width, int height, double fps, const std::string& file) {
    char rate[32];
    std::snprintf(rate, sizeof rate, "%.10g", fps);
    return {"ffmpeg",
            "-nostdin",
            "-loglevel",
            "error",
            "-y",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
            cat(width, "x", height),
            "-r",
            rate,
            "-i",
            "pipe:0",
            "-vf",
            "scale=out_color_matrix=bt709:out_range=tv",
            "-pix_fmt",
            "yuv420p",
            "-c:v",
            "libx264",
            "-preset",
            "medium",
            "-crf",
            "17",
            "-threads",
            "1",
            "-color_primaries",
            "bt709",
            "-color_trc",
            "iec61966-2-1",
            "-colorspace",
            "bt709",
            "-color_range",
            "tv",
            "-map_metadata",
            "-1",
            "-fflags",
            "+bitexact",
            "-movflags",
            "+faststart",
            "file:" + file};
}

}  // namespace

void MovieWriter::Process::fail(const std::string& why) {
    throw Error(ExitCode::Output, cat("cannot write ", path.string(), ": ", why));
}

void MovieWriter::Process::start() {
    // A socket instead of a pipe: writing to a dead ffmpeg must be an error here, not a SIGPIPE.
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail(std::strerror(errno));
    message = ::memfd_create("ffmpeg", MFD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, message, STDERR_FILENO);
    const std::vector<std::string> words = arguments(width, height, fps, temporary.string());
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const int error = ::posix_spawnp(&child, "ffmpeg", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    input = ends[0];
    if (error != 0) {
        child = -1;
        fail(error == ENOENT
                 ? "ffmpeg is not installed; install it (apt-get install ffmpeg) or ask "
                   "for a contact sheet (-o sheet.png)"
                 : std::string("ffmpeg does not start: ") + std::strerror(error));
    }
}

/// Closes ffmpeg's input and waits for it; its exit status, or -1.
int MovieWriter::Process::end() {
    if (input >= 0) ::close(input);
    input = -1;
    int status = 0;
    if (child > 0)
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    child = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

MovieWriter::MovieWriter(const std::filesystem::path& path, double fps)
    : process_(std::make_unique<Process>()) {
    const std::string ending = path.extension().string();
    if (ending != ".mp4" && ending != ".mov")
        throw Error(ExitCode::Usage, cat(path.string(), ": a movie's name ends in .mp4 or .mov"));
    process_->path = path;
    process_->fps = fps > 0 ? fps : 24;
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) process_->fail(error.message());
    process_->temporary =
        folder / cat(".", path.stem().string(), ".", ::getpid(), ".partial", ending);
}

MovieWriter::~MovieWriter() {
    if (process_->child > 0) ::kill(process_->child, SIGTERM);
    process_->end();
    if (process_->message >= 0) ::close(process_->message);
    std::error_code ignored;
    std::filesystem::remove(process_->temporary, ignored);
}

void MovieWriter::add(const Picture& picture) {
    Process& process = *process_;
    if (process.width == 0) {
        process.width = picture.width & ~1;
        process.height = picture.height & ~1;
        if (process.width < 2 || process.height < 2) process.fail("the pictures are too small");
        process.start();
    }
    if (picture.width < process.width || picture.height < process.height)
        process.fail("the pictures have different sizes; render them alike");
    for (int y = 0; y < process.height; ++y) {
        const std::uint8_t* row = picture.rgb.data() + static_cast<size_t>(y) * picture.width * 3;
        size_t left = static_cast<size_t>(process.width) * 3;
        while (left > 0) {
            const ssize_t sent = ::send(process.input, row, left, MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent <= 0) return finish();  // says what ffmpeg said
            row += sent;
            left -= static_cast<size_t>(sent);
        }
    }
}

void MovieWriter::finish() {
    Process& process = *process_;
    if (process.width == 0) process.fail("there is no picture to show");
    const int status = process.end();
    std::string said(2000, '\0');
    const ssize_t length = ::pread(process.message, said.data(), said.size(), 0);
    said.resize(length > 0 ? static_cast<size_t>(length) : 0);
    while (!said.empty() && said.back() == '\n') said.pop_back();
    if (status != 0) process.fail(cat("ffmpeg ended with ", status, ": ", said));
    std::error_code error;
    std::filesystem::rename(process.temporary, process.path, error);
    if (error) process.fail(error.message());
}

}  // namespace derrumbe::image
