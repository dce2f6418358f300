r"""
# Scheduler

A [schedule](schedules.html) knows rates and an optimizer takes steps. Between the two stands a
counter, and the question which group of parameters gets which part of the rate. A group that began
with twice the rate of the others keeps twice their rate:

$$\alpha_{g, t} = \frac{\alpha_g}{\alpha} \, \alpha_t$$

| symbol | code | meaning |
|---|---|---|
| $\alpha_t$ | `self.rate(t)` | the schedule |
| $\alpha_g$ | `group["lr"]` | rate that a group had when it joined |
| $\alpha$ | `optimizer.defaults["lr"]` | rate of groups that ask for none of their own |
| $\alpha_{g, t}$ | `group["lr"]` | what the group gets |
| $t$ | `self.updates` | how many updates were made before |

One update of a training step reads

```python
scheduler.begin_update()
optimizer.step()
scheduler.end_update()
```

An update that is skipped, because a gradient in half precision was infinite for instance, has no
`end_update`: the next one is the same update again. Torch's schedulers step after the optimizer, by
a count of their own, and go on when the optimizer did not.

[Noam](noam.html) is an optimizer with a schedule inside, and needs no scheduler.
"""

from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer

from labnn.optimizers.noam import Noam


class Scheduler:
    """
    ## Scheduler

    The rate in force is in `param_groups[i]["lr"]`, where optimizers look for it: that which the
    latest update used, and before there is one, that of the first.
    """

    def __init__(self, optimizer: Optimizer, rate: Callable[[int], float]):
        """
        * `optimizer` is any whose groups have an `lr`
        * `rate` is a schedule, a function from the number of an update, from 0, to the rate
        """
        if isinstance(optimizer, Noam):
            raise ValueError("Noam has a schedule of its own: use Adam, or leave out the scheduler")
        if not optimizer.defaults["lr"] > 0:
            lr = optimizer.defaults["lr"]
            raise ValueError(f"lr must be above 0 for an optimizer under a schedule, not {lr}")
        self.optimizer, self.rate = optimizer, rate
        self.updates = 0
        # What part of the rate each group gets
        self.factors: list[float] = []
        self.begin_update()

    def begin_update(self) -> None:
        """Set the rate of the update that comes, in all groups."""
        groups = self.optimizer.param_groups
        # A group that joined since still has the rate that it was given.
        for group in groups[len(self.factors) :]:
            self.factors.append(float(group["lr"]) / float(self.optimizer.defaults["lr"]))
        rate = self.rate(self.updates)
        for group, factor in zip(groups, self.factors, strict=True):
            group["lr"] = factor * rate

    def end_update(self) -> None:
        """The update was made, and counts."""
        self.updates += 1

    def observe(self, value: float) -> None:
        """A validation came to `value`, which schedules that look at the training want to know."""
        if hasattr(self.rate, "observe"):
            self.rate.observe(value, self.updates)

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers that JSON can hold; most schedules have nothing to add to them."""
        rate = self.rate.state_dict() if hasattr(self.rate, "state_dict") else {}
        return {"updates": self.updates, "factors": list(self.factors), "rate": rate}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """
        Go on where the state was taken.

        The optimizer may be loaded before or after: the parts of the rate are those that were
        saved, and not computed from the rates that happen to be in its groups.
        """
        n_saved, n_groups = len(state["factors"]), len(self.optimizer.param_groups)
        if n_saved != n_groups:
            raise ValueError(
                f"the scheduler was saved for {n_saved} groups and the optimizer has {n_groups}: "
                f"make the groups that it was saved with"
            )
        if hasattr(self.rate, "load_state_dict"):
            self.rate.load_state_dict(state["rate"])
        self.factors = list(state["factors"])
        # The rate in force is that of the latest update, until the next one begins.
        self.updates = max(state["updates"] - 1, 0)
        self.begin_update()
        self.updates = state["updates"]
