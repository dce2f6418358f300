r"""
# Optimizers

From gradients to updates of the weights.

* An [optimizer](optimizer.html) goes through the parameters and leaves the rule to the pages below.
* [Stochastic gradient descent](sgd.html) is the plain form, with momentum or without.
* [Adam and AdamW](adam.html) say how far a weight moves, and what weight decay does to it.
* [Noam](noam.html) adds the schedule of the transformer to that, a learning rate that warms up and
  then falls.
* [NovoGrad](novograd.html) divides by the length of the gradient, one number for a whole tensor.
* [Schedules](schedules.html) change the learning rate of any of them from update to update: a
  [warm-up](warmup.html) and then [annealing](annealing.html), a [polynomial](polynomial.html),
  [stages](stages.html), or less after a [plateau](plateau.html). The [scheduler](scheduler.html)
  hands it to the optimizer.
* [Groups](groups.html) keep weight decay to the matrices that it is meant for.
"""

from labnn.optimizers.adam import Adam as Adam
from labnn.optimizers.adam import AdamW as AdamW
from labnn.optimizers.groups import decay_groups as decay_groups
from labnn.optimizers.noam import Noam as Noam
from labnn.optimizers.novograd import NovoGrad as NovoGrad
from labnn.optimizers.optimizer import Optimizer as Optimizer
from labnn.optimizers.plateau import Plateau as Plateau
from labnn.optimizers.scheduler import Scheduler as Scheduler
from labnn.optimizers.schedules import SCHEDULES as SCHEDULES
from labnn.optimizers.schedules import make_rate as make_rate
from labnn.optimizers.sgd import SGD as SGD
