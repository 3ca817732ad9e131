"""Means and standard deviations of answers in whole steps (GRIM, GRIMMER)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from geopoverty.audit.conventions import Conventions
from geopoverty.audit.findings import (
    BLIND,
    CONSISTENT,
    INCONSISTENT,
    Finding,
    compare,
    lacking,
)
from geopoverty.audit.intervals import Interval
from geopoverty.audit.printed import Printed
from geopoverty.audit.sheet import Line

GRIM = "mean of whole steps (GRIM)"
GRIMMER = "standard deviation of whole steps (GRIMMER)"
SPREAD = "standard deviation within the scale"


@dataclass(frozen=True)
class _Answers:
    """What n answers can be: `low` plus whole steps, `most` steps at most."""

    n: int
    step: Fraction
    low: Fraction
    most: int | None

    def mean(self, total: int) -> Fraction:
        """Return the mean of answers whose steps sum to `total`."""
        return self.low + self.step * Fraction(total, self.n)

    def totals(self, printed: Printed) -> range:
        """Return the sums of steps whose mean lies in the printed range, or nearly."""
        found, scale = printed.range, self.n / self.step
        first = math.ceil((Fraction(found.low) - self.low) * scale)
        last = math.floor((Fraction(found.high) - self.low) * scale)
        if self.most is not None:
            first, last = max(first, 0), min(last, self.n * self.most)
        return range(first, last + 1)

    def fine(self, printed: Printed) -> bool:
        """Say whether means lie closer than printed digits, so that any is possible."""
        return self.step / self.n <= printed.range.high - printed.range.low

    def squares(self, total: int) -> tuple[int, int | None]:
        """Return the least and greatest sum of squared steps for a sum of steps."""
        each, rest = divmod(total, self.n)
        least = self.n * each * each + rest * (2 * each + 1)
        if not self.most:
            return least, None
        full, rest = divmod(total, self.most)
        return least, full * self.most**2 + rest * rest


def check_mean(line: Line, _: Conventions) -> Iterator[Finding]:
    """Check that n answers in whole steps can have the printed mean (GRIM).

    n times the mean must be a whole number of steps. Not checkable without n and step,
    or where n is so large that every printed mean is possible.

    References
    ----------
    Brown, N. J. L. & Heathers, J. A. J. (2017). The GRIM test. Social Psychological
    and Personality Science 8, 363-369.
    """
    target = line.cells.get("mean")
    if target is None or target.limit or line.printed("step") is None:
        return
    answers = _answers(line)
    if answers is None:
        yield lacking(line.place, GRIM, target.text, ["n"])
        return
    sums = answers.totals(target)
    if answers.fine(target) and sums:
        reason = f"With n = {answers.n} any mean of so few digits is possible."
        yield Finding(line.place, GRIM, BLIND, target.text, "", reason)
        return
    fits = [t for t in sums if target.stands_for(answers.mean(t))]
    near = _nearest(answers, target)
    reason = (
        f"A sum of {float(answers.mean(fits[0]) * answers.n):g} over {answers.n}."
        if fits
        else f"No {answers.n} answers in steps of {float(answers.step):g} have this "
        f"mean; the nearest is {float(near):.6g}. Missing answers would change n."
    )
    verdict = CONSISTENT if fits else INCONSISTENT
    yield Finding(line.place, GRIM, verdict, target.text, f"{float(near):.6g}", reason)


def check_sd(line: Line, _: Conventions) -> Iterator[Finding]:
    """Check that n answers in whole steps can have this mean and SD (GRIMMER).

    The sum of squared steps is a whole number, odd if the sum of steps is odd, and
    within what the sum allows. The divisor may be n - 1 or n. Not checkable without
    n, step and mean, where no mean fits, or where the digits are too few.

    References
    ----------
    Anaya, J. (2016). The GRIMMER test: a method for testing the validity of reported
    measures of variability. PeerJ Preprints 4, e2400v1.
    """
    target, mean = line.cells.get("sd"), line.cells.get("mean")
    answers = _answers(line)
    if target is None or mean is None or answers is None or target.limit or mean.limit:
        return
    tried = answers.totals(mean)[: _MANY + 1]
    sums = [t for t in tried if mean.stands_for(answers.mean(t))]
    if not sums or len(tried) > _MANY:
        reason = "No mean fits." if not sums else "Too many sums have this mean."
        yield Finding(line.place, GRIMMER, BLIND, target.text, "", reason)
        return
    fits = [_possible(answers, t, target) for t in sums]
    verdict, reason = (
        INCONSISTENT,
        (
            f"No {answers.n} answers in steps of {float(answers.step):g} have this "
            "mean and this standard deviation."
        ),
    )
    if any(fit is not None for fit in fits):
        sharp = answers.most is not None or any(fits)
        verdict = CONSISTENT if sharp else BLIND
        reason = "Such answers exist." if sharp else "Its digits are too few to tell."
    yield Finding(line.place, GRIMMER, verdict, target.text, "", reason)


# Sums of steps tried for one printed mean.
_MANY = 5000


def _possible(answers: _Answers, total: int, sd: Printed) -> bool | None:
    """Return None if no sum of squares fits, else whether it could have failed."""
    ends = sd.range.clipped(0)
    least, most = answers.squares(total)
    centre = Fraction(total * total, answers.n)
    sharp = None
    for divisor in {max(answers.n - 1, 1), answers.n}:
        low = divisor * (Fraction(ends.low) / answers.step) ** 2 + centre
        high = divisor * (Fraction(ends.high) / answers.step) ** 2 + centre
        first = max(math.ceil(low), least)
        first += (first - total) % 2
        last = math.floor(high) if most is None else min(math.floor(high), most)
        if first <= last:
            sharp = bool(sharp) or high - low < 2
    return sharp


def check_spread(line: Line, _: Conventions) -> Iterator[Finding]:
    """Check that the standard deviation is possible on its scale.

    Its square is at most (mean - low)(high - mean) n / (n - 1), that of answers at the
    two ends. Not checkable without mean and both ends of the scale.
    """
    target, mean = line.cells.get("sd"), line.cells.get("mean")
    low, high = line.printed("scale_low"), line.printed("scale_high")
    if target is None or mean is None or low is None or high is None or mean.limit:
        return
    a, b = low.value, high.value
    middle = min(max((a + b) / 2, mean.range.low), mean.range.high)
    middle = min(max(middle, a), b)
    n = line.count("n") or 2
    largest = math.sqrt(float((middle - a) * (b - middle)) * n / max(n - 1, 1))
    allowed = Interval(0, largest * (1 + 1e-9))
    what = f"The standard deviation on {low.text} to {high.text} with mean {mean.text}"
    yield compare(line.place, SPREAD, target, allowed, what)


def _answers(line: Line) -> _Answers | None:
    n, step = line.count("n"), line.printed("step")
    if not n or n < 1 or step is None or step.value <= 0:
        return None
    low, high = line.printed("scale_low"), line.printed("scale_high")
    start = Fraction(0) if low is None else low.value
    steps = None if low is None or high is None else (high.value - start) / step.value
    return _Answers(n, step.value, start, None if steps is None else math.floor(steps))


def _nearest(answers: _Answers, printed: Printed) -> Fraction:
    total = round((printed.value - answers.low) * answers.n / answers.step)
    if answers.most is not None:
        total = min(max(total, 0), answers.n * answers.most)
    return answers.mean(total)
