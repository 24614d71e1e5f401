#pragma once

namespace derrumbe {

/// SIGTERM and SIGINT ask the render to stop at the next safe moment; a second one ends the process
/// at once (nothing needs cleaning up: files are whole or absent at any moment). Unblocks both.
/// May be called before the libraries' initialisers have run, and more than once.
void installInterruptHandler();
/// As if no signal had come: for a process that renders again after it was stopped.
void forgetInterrupt();
bool interrupted();
/// Throws Error(Interrupted) when a signal has come.
void throwIfInterrupted();

}  // namespace derrumbe
