"""How long tasks take: what was measured, and durations drawn from what that leaves likely.

The model: the logarithm of a task's seconds is a level common to the plan, plus what its effort adds, plus what its
agent adds, plus noise. Each of these is drawn towards what the plan says (`SECONDS_PER_POINT` for each effort point) as
long as little is measured: an agent towards its effort, an effort towards its points, the level towards the prior. The
level's prior has heavy tails, so that a few measured tasks move it however far it was off. Whether agents differ at all
is learnt too. Noise is normal while little is measured; from then on it is drawn more and more from what is left over
of the measured tasks themselves, since real noise is not: a task that is redone takes twice as long. Draws come from a
Gibbs sampler, each with parameters of its own: what is not known about them widens the forecast. A task under way
counts as one that lasts longer than it has lasted so far.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from statistics import NormalDist
from typing import NamedTuple, TypeVar

from orchestrator.status.lasting import SECONDS_PER_POINT, Lasting

_LEVEL_SPREAD, _LEVEL_FREEDOM = 0.6, 3.0
"""Scale and degrees of freedom of the level's prior, a Student distribution around `SECONDS_PER_POINT`."""
_EFFORT_VARIANCE = 0.25**2
_AGENT_SPREADS = {0.02: 0.3, 0.1: 0.4, 0.2: 0.8, 0.3: 1.2, 0.4: 1.5, 0.55: 1.5, 0.7: 1.3, 0.9: 1.0}
"""How much agents may differ (a standard deviation), and how likely each is against the others before all measuring."""
_NOISE_SHAPE, _NOISE_SCALE = 3.0, 0.8
"""The inverse gamma prior of the noise's variance: about 0.6 squared."""
_NORMAL_DRAWS = 25
"""So many draws of normal noise stand beside one of each measured task's own."""
_SMOOTHING = 0.5
"""Measured noise is blurred by this share of the noise's standard deviation."""
_BURN_IN = 100
_LONGEST = 18.0
"""No task is drawn longer than e to this power of seconds (two years): tails must not end in an overflow."""
_NORMAL = NormalDist()


Name = TypeVar("Name", int, str)


class _Draw(NamedTuple):
    """One set of parameters."""

    level: float
    efforts: dict[int, float]
    agents: dict[str, float]
    noise: float
    left: list[float] = []
    """What is left over of the logarithm of each merged task's seconds, in ascending order."""

    def middle(self, agent: str, effort: int) -> float:
        """Return the logarithm of the median seconds of a task."""
        return math.log(SECONDS_PER_POINT * effort) + self.level + self.efforts[effort] + self.agents[agent]

    def any(self, random: Random) -> float:
        """Draw the noise of a task."""
        if random.random() * (_NORMAL_DRAWS + len(self.left)) < _NORMAL_DRAWS:
            return random.gauss(0, self.noise)
        return random.choice(self.left) + random.gauss(0, self.noise * _SMOOTHING)

    def beyond(self, least: float, random: Random) -> float:
        """Draw the noise of a task that is more than `least`."""
        longer = self.left[bisect_right(self.left, least) :]
        normal = _NORMAL_DRAWS * (1 - _NORMAL.cdf(least / self.noise))
        if longer and random.random() * (normal + len(longer)) >= normal:
            return random.choice(longer)
        return _beyond(least / self.noise, random) * self.noise


def draws(
    merged: Sequence[Lasting], running: Sequence[Lasting], ahead: Sequence[Lasting], random: Random
) -> Iterator[list[float]]:
    """Yield again and again the whole seconds of the tasks under way, then of those ahead, each time drawn anew."""
    seen = [*merged, *running]
    logs = [math.log(max(item.seconds, 0.1)) for item in seen]
    known = len(merged)
    agents = dict.fromkeys(sorted({item.agent for item in (*seen, *ahead)}), 0.0)
    efforts = dict.fromkeys(sorted({item.effort for item in (*seen, *ahead)}), 0.0)
    draw = _Draw(0.0, efforts, agents, 0.6)
    count = -_BURN_IN if seen else 0
    while True:
        lasted = logs[:known]
        for item, log in zip(running, logs[known:], strict=True):
            middle = draw.middle(item.agent, item.effort)
            lasted.append(middle + draw.beyond(log - middle, random))
        if count >= 0:
            yield [
                *(math.exp(min(log, _LONGEST)) for log in lasted[known:]),
                *(math.exp(min(draw.middle(item.agent, item.effort) + draw.any(random), _LONGEST)) for item in ahead),
            ]
        count += 1
        offsets = [log - math.log(SECONDS_PER_POINT * item.effort) for log, item in zip(lasted, seen, strict=True)]
        draw = _next(draw, seen, offsets, known, random)


def _next(draw: _Draw, seen: Sequence[Lasting], offsets: Sequence[float], known: int, random: Random) -> _Draw:
    """Return the parameters that follow in the chain, given how far each task seen is off what the plan says."""
    noise = draw.noise**2
    spread = _LEVEL_SPREAD**2 / _gamma((_LEVEL_FREEDOM + 1) / 2, _freedom(draw.level), random)
    both = [draw.efforts[item.effort] + draw.agents[item.agent] for item in seen]
    level = _mean(sum(offsets) - sum(both), len(both), noise, spread, random)
    rest = [off - level for off in offsets]
    by_effort = [(item.effort, left - draw.agents[item.agent]) for item, left in zip(seen, rest, strict=True)]
    efforts = _effects(draw.efforts, by_effort, noise, _EFFORT_VARIANCE, random)
    by_agent = [(item.agent, left - efforts[item.effort]) for item, left in zip(seen, rest, strict=True)]
    agents = _effects(draw.agents, by_agent, noise, _agent_spread(by_agent, noise, random) ** 2, random)
    errors = [left - agents[agent] for agent, left in by_agent]
    variance = _variance(_NOISE_SHAPE, _NOISE_SCALE, errors, random)
    return _Draw(level, efforts, agents, math.sqrt(variance), sorted(errors[:known]))


def _agent_spread(rests: Iterable[tuple[str, float]], noise: float, random: Random) -> float:
    """Draw how much agents differ, from the mean of what is left over of each agent's tasks."""
    own: dict[str, list[float]] = {}
    for agent, rest in rests:
        own.setdefault(agent, []).append(rest)
    means = [(sum(left) / len(left), noise / len(left)) for left in own.values()]
    logs = [
        math.log(weight) - sum(math.log(spread**2 + error) + mean**2 / (spread**2 + error) for mean, error in means) / 2
        for spread, weight in _AGENT_SPREADS.items()
    ]
    highest = max(logs)
    return random.choices(list(_AGENT_SPREADS), [math.exp(log - highest) for log in logs])[0]


def _effects(
    names: Iterable[Name], rests: Iterable[tuple[Name, float]], noise: float, prior: float, random: Random
) -> dict[Name, float]:
    """Draw what each of these adds, from what is left over of the tasks that it has to do with."""
    left: dict[Name, list[float]] = {name: [] for name in names}
    for name, rest in rests:
        left[name].append(rest)
    return {name: _mean(sum(own), len(own), noise, prior, random) for name, own in left.items()}


def _freedom(level: float) -> float:
    return (_LEVEL_FREEDOM + (level / _LEVEL_SPREAD) ** 2) / 2


def _mean(total: float, count: int, noise: float, prior: float, random: Random) -> float:
    """Draw the mean of `count` values that sum to `total`, whose prior is around zero."""
    precision = count / noise + 1 / prior
    return random.gauss(total / noise / precision, precision**-0.5)


def _variance(shape: float, scale: float, errors: Sequence[float], random: Random) -> float:
    """Draw the variance of these errors, whose prior is an inverse gamma distribution."""
    return 1 / _gamma(shape + len(errors) / 2, scale + sum(error * error for error in errors) / 2, random)


def _gamma(shape: float, rate: float, random: Random) -> float:
    return random.gammavariate(shape, 1 / rate)


def _beyond(low: float, random: Random) -> float:
    """Draw from the standard normal distribution what is more than `low`."""
    if low > 4:  # so far out the tail is all but exponential, and its mass too small to be computed with
        return low + random.expovariate(low)
    below = _NORMAL.cdf(low)
    return _NORMAL.inv_cdf(min(below + (1 - below) * random.random(), 1 - 1e-12) or 1e-12)
