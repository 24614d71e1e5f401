#include "support/interrupt.h"

#include <unistd.h>
#include <csignal>

#include "support/error.h"

namespace derrumbe {

namespace {

volatile std::sig_atomic_t signalsSeen = 0;

extern "C" void onSignal(int) {
    if (signalsSeen > 0) ::_exit(static_cast<int>(ExitCode::Interrupted));
    signalsSeen = 1;
}

}  // namespace

void installInterruptHandler() {
    struct sigaction action = {};
    action.sa_handler = onSignal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    // Some launchers hand them down blocked.
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, SIGTERM);
    sigaddset(&asked, SIGINT);
    sigprocmask(SIG_UNBLOCK, &asked, nullptr);
    // A closed pipe (a farm's log reader that died) must not end a render without a message.
    std::signal(SIGPIPE, SIG_IGN);
}

void forgetInterrupt() {
    signalsSeen = 0;
}

bool interrupted() {
    return signalsSeen > 0;
}

void throwIfInterrupted() {
    if (interrupted())
        throw Error(ExitCode::Interrupted,
                    "interrupted; finished frames are kept, run the same command again to go on");
}

}  // namespace derrumbe
