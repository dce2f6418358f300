r"""
# Interrupts

Ctrl-C and SIGTERM ask a run to stop, and it does between two batches, with everything written. A
second signal does not wait. Before the first update there is nothing to write, and a run that is
still reading its text ends at once.

A script that starts a run with `&` hands it a Ctrl-C that is ignored; the handler counts either
way.
"""

import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(SystemExit):
    """
    ## Terminated

    SIGTERM ended the run. It leaves with 143, as if the signal had ended it.
    """

    def __init__(self):
        """128 and the number of the signal, 15, by convention"""
        super().__init__(128 + signal.SIGTERM)


class Interrupts:
    """
    ## Interrupts

    What came, and what to do about it
    """

    def __init__(self):
        """No signal came yet, and nothing is handled."""
        self.received: int | None = None
        # Whether there is something to finish first
        self.is_patient = False
        # Who handled the signals before
        self.before: dict[int, object] = {}

    def install(self, is_patient: bool = False) -> None:
        """
        Handle signals from here on. Only the main thread may; elsewhere nothing changes.

        * `is_patient` says that there is something to lose
        """
        self.is_patient = is_patient
        if not self.before and threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self.before[number] = signal.signal(number, self.handle)

    def restore(self) -> None:
        """Handle them as before."""
        for number, handler in self.before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self.before = {}

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The first signal is noted, the second one ends the run where it is."""
        if self.received is not None:
            raise self.exception()
        self.received = number
        if not self.is_patient:
            raise self.exception()

    def exception(self) -> BaseException:
        """What the signal means for the caller of the run"""
        return Terminated() if self.received == signal.SIGTERM else KeyboardInterrupt()
