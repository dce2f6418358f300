r"""
# Telling

What the person at the [console](console.html) hears of a run: how it began, where it is, how each
round went, and once of everything that is odd. The numbers are the [session](session.html)'s.
"""

from pathlib import Path
from typing import Any

from labnn.configs.position import Position
from labnn.runs.console import Console


class Teller:
    """
    ## Teller

    The mean loss of a round is the only thing that it keeps, and a run that goes on has to go on
    with it.
    """

    def __init__(self, asked: set[str]):
        """
        * `asked` are the options that the person set
        """
        self.asked = asked
        self.console = Console()
        self.conf: Any = None
        self.warned: set[str] = set()
        self.is_told = False
        # The sum and the number of the losses of this round
        self.losses = [0.0, 0]

    def state_dict(self) -> dict:
        """The losses of a round that is not over"""
        return {"losses": list(self.losses)}

    def load_state_dict(self, state: dict) -> None:
        """Go on with them."""
        self.losses = list(state["losses"])

    def begin(self, conf: Any, folder: Path) -> None:
        """What is run, and on what"""
        self.conf = conf
        n_parameters = sum(p.numel() for p in conf.model.parameters())
        precision = getattr(conf, "mixed_precision", None)
        # Rounds alone know of no device.
        where = f", on {conf.device} in {precision.name}" if precision is not None else ""
        self.console.line(
            f"{folder.parent.name} {folder.name}: {n_parameters:,} parameters, "
            f"{len(conf.train_loader):,} batches an epoch{where}"
        )
        if overview := conf.overview():
            self.console.line(overview)

    def progress(self, position: Position, total: int, values: dict) -> None:
        """
        Where the run is.

        * `total` is the number of batches of the phase
        * `values` is what was tracked last
        """
        self.console.progress(position, total, self._share(position), values)

    def _share(self, position: Position) -> float:
        """How much of the whole run is done, counted in training batches"""
        total = len(self.conf.train_loader)
        done = position.batch
        if position.phase != "train":
            done = self.conf.trainer.bounds(position.round + (position.phase == "valid"))[0]
        # A round that was left is not over, and may not have begun.
        if position.phase != "train" and position.left:
            done = max(position.left, 0)
        share = (position.epoch + done / total) / self.conf.epochs
        # The updates may be enough before the epochs are over.
        most = self.conf.max_updates
        return max(share, position.updates / most) if most else share

    def update(self, loss: float) -> None:
        """After the first update all that is ever read has been read."""
        self.losses[0] += loss
        self.losses[1] += 1
        self.unread()

    def round_end(self, position: Position, step: int, values: dict) -> None:
        """A round, or what came since the last validation, with the mean of its losses"""
        total, n_losses = self.losses
        if n_losses:
            values = {**values, "loss.train": total / n_losses}
        self.losses = [0.0, 0]
        self.console.round_end(position, step, values, self.conf.is_last())
        # A step of a person's own does not tell of its updates. Before the first round not much has
        # been read.
        if position.left >= 0:
            self.unread()

    def unread(self) -> None:
        """Options that were asked for and change nothing, once"""
        if self.is_told:
            return
        self.is_told = True
        if names := [name for name in self.conf.unread_overrides() if name in self.asked]:
            self.warn(f"nothing reads {', '.join(names)}: no effect in this run")

    def end(
        self, error: BaseException | None, folder: Path, *, story: str, kept: str, how: str
    ) -> None:
        """
        What came of it, where it is, and how it goes on.

        * `error` is what ended the run, `None` if it is complete
        * `story` says why that was before its last epoch, if it was
        * `kept` says what is saved, if anything is
        * `how` is the command that goes on with it
        """
        if error is None:
            for line in filter(None, (self.conf.summary(), story)):
                self.console.line(line)
        self.console.line(f"{'run' if error is None else 'stopped; run'}: {folder}")
        if error is not None and kept:
            self.console.line(f"{kept}; resume with: {how}")

    def end_early(self, error: BaseException | None, how: str) -> None:
        """
        A signal came before there was anything to save.

        * `how` is the command that goes on with a run that was to go on
        """
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            again = f"; resume with: {how}" if how else ""
            self.console.line(f"stopped while data was prepared: there was nothing to save{again}")

    def warn(self, text: str) -> None:
        """Each warning once"""
        if text not in self.warned:
            self.warned.add(text)
            self.console.warn(text)
