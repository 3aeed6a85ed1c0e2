"""The board: what this process knows of every endpoint right now, ready to decide from.

Decisions read prepared beliefs, never sums. A belief is prepared again when the endpoint was
observed, when another process' sums arrived, and twice a second, since doubt grows with time. What
nobody would read yet is learned when there is time: an outcome that waits for its peers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from math import log, sqrt
from typing import Final, NamedTuple

from router.core import effects, lengths, stakes, stats, tokens
from router.core.answer import Usage
from router.core.ask import Ask
from router.core.candidate import COLD, Candidate, Standing, Warm, candidate
from router.core.catalogue import Dialect, Endpoint, ModelName
from router.core.decay import Increment
from router.core.decide import LIKELY
from router.core.decision import Decision, Reason, Status
from router.core.effects import Outlook, Pair
from router.core.faults import FAULTS, Kind
from router.core.lengths import Lengths
from router.core.measure import MIN_TOKENS_FOR_SPEED, Attempt, Outcome, Verdict
from router.core.portrait import Survey, class_portrait, portrait
from router.core.stakes import Leeway, Stakes
from router.core.stats import Stats
from router.core.surface import Surface
from router.core.tokens import Rates
from router.ports import Clock
from router.store.journal import Journal

_CANCELLED: Final = Kind.CANCELLED
_COUNT_TOKENS: Final = Surface.COUNT_TOKENS
_OK: Final = Status.OK
_KEPT: Final = Verdict.KEPT
_MISSED: Final = Verdict.MISSED
# What every request is booked by: found in its enumeration a member costs a call.

GROUPS: Final = (*stats.GROUPS, lengths.LENGTHS, tokens.TOKENS, stakes.STAKES)
_QUICK: Final = tuple(g for g in stats.GROUPS if g is not stats.SHAPE)

REFRESH_S = 0.5
"""How old a belief may grow before doubt is counted again."""
READ_SHARE = 0.01
"""An own observation is read at once, unless it is under 1 % of what the last seconds brought:
then it waits for its peers, half a second at most."""
MOST_WAITING = 200
"""How many may wait to be learned from, if nobody finds the time: it bounds memory, and a pause."""
REFRESH_SLOW_S = 0.7
"""The same for distributions, which change over hours."""
REFRESH_EFFECTS_S, MAX_FITTED, MAX_PAIRS = 2.0, 300, 5000
"""How often models and workloads are fitted anew, over how many pairs (under a millisecond), and
how many pairs' lengths are held ready."""
FEW = 60
"""Below so many answers every one of them is read at once."""

ALL_VISIBLE = 0.95
"""Share of an answer's tokens that is streamed, above which nothing is hidden."""

LONG_ANSWER = 0.97
"""Quantile of lengths at which what is still silent is taken to hang, not to generate."""

TRIPS_AFTER, OPEN_S, OPEN_MOST_S = 3, 10.0, 90.0
"""Failures in a row that open the breaker, and for how long: doubled each time (study:
docs/decision.md). At most for 90 s, so that two minutes after an outage hold the rest of that and a
request that tries it."""
BESIDE = 4
"""Attempts begun since the first failure of a row, above which the next one begins a new row: where
answers take long, none of a busy endpoint's may have ended between three chance failures. A guess:
at ten requests a second, answers of 20 s and 1 % failures nothing is refused, a thirtieth at 3 %.
"""
RATE_LIMIT_S = 2.0
"""How long a 429 without Retry-After blocks (study: docs/decision.md)."""
RATE_LIMIT_MOST_S = 600.0
"""A provider that asks for longer is asked again after ten minutes."""
TRIALS = 2.0
"""Requests in the last minutes, for each endpoint they could go to, at which half of what a trial
finds out of the present will be of use to somebody."""
TERSE = 0.02
"""Verbosity closer to its model's than this makes no difference."""
MAX_LISTS = 1000
"""Lists of candidates kept at once, one for each model and class of requests."""
MOST_TOLD = 50
"""Classes of requests that a survey tells: those that were active last."""
MAX_CLASSES = 1000
"""Classes steered for on their own; further ones share the fate of their policy."""


@dataclass(slots=True)
class _Seen:
    """What this process remembers of one endpoint besides the shared sums.

    ``subject`` names its sums, ``open`` and ``limit`` the times until which it is not used. The
    first of its failures in a row was sent at ``row_sent`` (monotonic): answers to earlier attempts
    do not tell that they are over. ``row_begun`` attempts have begun since that failed. While one
    request tries an open breaker, ``trial_wall`` is when it was let.
    """

    endpoint: Endpoint
    subject: str
    open: str
    limit: str
    view: Stats | None = None
    fresh_until: float = 0.0
    shape_until: float = 0.0
    failures: int = 0
    row_sent: float = 0.0
    row_begun: int = 0
    trial_wall: float | None = None
    outlier: bool = False
    unread: int = 0


class _Listed(NamedTuple):
    """Candidates that stand until a time, and until something changes.

    ``news`` concern all of them, ``changes`` only those that are no longer fresh.
    """

    until: float
    news: int
    changes: int
    candidates: Sequence[Candidate]


class Board:
    """In-process state of all endpoints; implements ``ports.Board``."""

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        clock: Clock,
        ready: Callable[[Dialect], bool] = lambda _: True,
    ) -> None:
        self.journal = Journal(GROUPS, clock.wall, self.catch_up)
        self._clock = clock
        self._ready = ready
        self._seen = {e.id: _seen(e) for e in endpoints}
        self._serving: dict[ModelName, list[_Seen]] = {}
        for seen in self._seen.values():
            for name in seen.endpoint.serves:
                self._serving.setdefault(name, []).append(seen)
        self._waiting: list[tuple[_Seen, Stats, Attempt, Ask, float]] = []
        self._latest: dict[str, Ask] = {}
        self._lengths: dict[tuple[str, str], tuple[float, Lengths]] = {}
        self._pairs: dict[Pair, None] = {}
        self._prior_log = {
            e.family: log(e.prior.answer_tokens) for e in reversed(list(self.endpoints))
        }
        self._effects = effects.NOTHING
        self._effects_until = 0.0
        self._rates: dict[str, tuple[float, Rates]] = {}
        self._classes: dict[str, str] = {}
        self._leeways: dict[str, Leeway] = {}
        self._listed: dict[tuple[str, str], _Listed] = {}
        self._news = 0
        self._changes = 0
        self._by_subject = {seen.subject: seen for seen in self._seen.values()}

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """Every endpoint, in the operator's order."""
        return [seen.endpoint for seen in self._seen.values()]

    def candidates(self, ask: Ask) -> Sequence[Candidate]:
        """Return the endpoints serving the model asked for, as they stand now."""
        wall = self._clock.wall()
        self._heed_others()
        model = ask.model
        key = (model, ask.kind)
        listed = self._listed.get(key)
        news = self._news + self.journal.version
        if listed is None or listed.news != news or wall >= listed.until:
            before: Sequence[Candidate | None] = [None] * len(self._serving.get(model, ()))
            until = wall + REFRESH_S
        elif listed.changes == self._changes:
            return listed.candidates
        else:
            before, until = listed.candidates, listed.until
        found = [
            old
            if old is not None and old.stats is seen.view and wall < seen.fresh_until
            else self._candidate(seen, ask, wall)
            for seen, old in zip(self._serving.get(model, ()), before, strict=True)
        ]
        if any(c.standing is not None for c in found):
            until = 0.0
        if len(self._listed) >= MAX_LISTS:
            self._listed.clear()
        self._listed[key] = _Listed(until, news, self._changes, found)
        return found

    def warm(self, ask: Ask) -> Warm:
        """Return how many tokens of its conversation each endpoint should still remember."""
        if not ask.session or ask.compacted:
            return COLD
        return self.journal.sessions.warm(ask.session, self._clock.wall())

    def survey(self) -> Survey:
        """Tell everything that is known, for people; nothing is decided from it."""
        wall = self._clock.wall()
        self._heed_others()
        asks = list(self._latest.values())
        told = []
        for seen in self._seen.values():
            serves = seen.endpoint.serves
            served = [(a.kind, self._candidate(seen, a, wall)) for a in asks if a.model in serves]
            drawn = served[0][1] if served else self._unasked(seen, wall)
            told.append(portrait(drawn, [(kind, c.lengths) for kind, c in served], wall=wall))
        classes = tuple([class_portrait(ask, self.stakes(ask.kind)) for ask in asks])
        return Survey(wall, tuple(told), classes)

    def _unasked(self, seen: _Seen, wall: float) -> Candidate:
        """Prepare an endpoint that no class has asked yet, leaving no trace of a class."""
        endpoint, view = seen.endpoint, self._stats(seen, wall)
        outlook = self._effects.outlook((endpoint.family, ""), self._prior_log[endpoint.family])
        nothing = [0.0] * lengths.LENGTHS.size
        found = lengths.believed(outlook, nothing, nothing, endpoint.prior.hidden_share)
        rates = self._rate(endpoint.family, wall)
        return candidate(endpoint, view, found, rates, self._standing(seen, wall))

    def _candidate(self, seen: _Seen, ask: Ask, wall: float) -> Candidate:
        endpoint, view = seen.endpoint, self._stats(seen, wall)
        lengths = self._length(endpoint, ask, wall)
        if abs(view.verbosity - 1) > TERSE:
            lengths = lengths.scaled(view.verbosity)
        return candidate(
            endpoint,
            view,
            lengths,
            self._rate(endpoint.family, wall),
            self._standing(seen, wall),
        )

    def rates(self, endpoint: Endpoint) -> Rates:
        """Return what the endpoint's model makes of bytes."""
        return self._rate(endpoint.family, self._clock.wall())

    def count(self, ask: Ask) -> int:
        """Estimate a prompt's tokens at the first endpoint that serves its model."""
        endpoint = self._serving[ask.model][0].endpoint
        return round(self.rates(endpoint).prompt_tokens(ask.prompt))

    def unseen_tokens(
        self,
        endpoint: Endpoint,
        ask: Ask,
        elapsed_s: float,
        *,
        done: bool = False,
        shown: float = 0.0,
        tps: float | None = None,
    ) -> float:
        """Expect what was generated in ``elapsed_s`` seconds of which nothing was seen.

        A whole answer grows at the usual speed; where it is known to show ``shown`` tokens, the
        usual share of thinking is a second opinion, ``done`` that it was made to its end. Of a
        stream only hidden thinking is unseen, and ``tps`` its own speed.
        """
        wall = self._clock.wall()
        found = self._length(endpoint, ask, wall)
        share = 1 - found.visible if found.visible < ALL_VISIBLE else 0.0
        if not share and (shown or done):
            return 0.0
        most = found.quantile(LONG_ANSWER) * (share if ask.stream else 1.0)
        if ask.max_tokens is not None:
            most = min(most, ask.max_tokens)
        prompt_k = self._rate(endpoint.family, wall).prompt_tokens(ask.prompt) / 1000
        view = self._stats(self._seen[endpoint.id], wall)
        hidden = found.quantile(0.5) * share
        made = view.tokens_after(elapsed_s, prompt_k, hidden=hidden, most=most, tps=tps)
        if shown >= MIN_TOKENS_FOR_SPEED:
            made = sqrt(max(made, shown) * shown / found.visible)
        elif done and ask.max_tokens is not None:
            made = most  # Thinking that ends without an answer was cut off.
        return max(0.0, min(made, most) - shown)

    def stakes(self, kind: str) -> Stakes:
        """Return the price of a miss and the typical cost of a class."""
        subject = self._class(kind)
        return stakes.believed(self.journal.read(subject, stakes.STAKES, self._clock.wall()))

    def begun(self, endpoint: Endpoint) -> None:
        """Note that an attempt was sent."""
        seen = self._seen[endpoint.id]
        seen.row_begun += 1
        if seen.failures >= TRIPS_AFTER:
            seen.trial_wall = self.journal.times.get(seen.open, 0.0)
            self._news += 1

    def observe(self, attempt: Attempt, ask: Ask, retry_after_s: float | None) -> None:
        """Book one finished attempt."""
        seen = self._seen[attempt.endpoint]
        wall = self._clock.wall()
        broken = seen.failures >= TRIPS_AFTER
        if broken:
            self._news += 1
        if ask.surface is _COUNT_TOKENS:
            # Nothing was generated: how long it took tells nothing of an answer.
            self._breaker(seen, attempt, wall, retry_after_s)
            return
        view = self._stats(seen, wall)
        seen.unread += 1
        is_due = seen.unread >= view.recent * READ_SHARE
        self._waiting.append((seen, view, attempt, ask, wall))
        if (
            is_due
            or broken
            or attempt.fault is not None
            or self._is_new(ask, seen.endpoint, view)
            or len(self._waiting) >= MOST_WAITING
        ):
            self.catch_up()
        if is_due:
            seen.fresh_until = 0.0
            self._changes += 1
        self._breaker(seen, attempt, wall, retry_after_s)

    def _is_new(self, ask: Ask, endpoint: Endpoint, view: Stats) -> bool:
        """Whether what one attempt teaches of its class or conversation is wanted at once."""
        known = self._lengths.get((endpoint.family, ask.kind))
        few = known is None or known[1].samples < FEW or view.ttft_samples < FEW
        return few or bool(ask.session)

    def catch_up(self) -> None:
        """Learn from what waits: called when there is time, and before it would be missed."""
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            self._learn(*told)

    def _learn(self, seen: _Seen, view: Stats, attempt: Attempt, ask: Ask, wall: float) -> None:
        """Learn from an attempt that ended at ``wall``, when ``view`` was believed."""
        endpoint, usage = seen.endpoint, attempt.usage
        prompt = (
            usage.fresh_input + usage.cache_write
            if usage is not None and not usage.estimated
            else self._rate(endpoint.family, wall).prompt_tokens(ask.prompt)
        )
        outlier = stats.is_outlier(attempt, view, prompt / 1000)
        # What fails while the breaker is open or tries it out is the outage that opened it: counted
        # again at every trial it would outlive the outage by as long as that lasted.
        added = (
            []
            if seen.failures >= TRIPS_AFTER and attempt.fault is not None and attempt.first is None
            else stats.learned(
                attempt,
                view,
                prompt / 1000,
                expected=self._expected(attempt, ask, wall),
                in_a_row=outlier and seen.outlier,
            )
        )
        if usage is not None and not usage.estimated:
            added += self._habits(attempt, usage, ask, view, wall)
        if attempt.first is not None:
            seen.outlier = outlier
        self.journal.add(seen.subject, added, wall)
        if view.ttft_samples < FEW:
            seen.shape_until = 0.0
        self._learn_tokens(attempt, ask, endpoint, wall)

    def settle(self, outcome: Outcome, decision: Decision, ask: Ask) -> None:
        """Book how a request ended for its class."""
        nobody_waited = outcome.fault is _CANCELLED or not outcome.attempts
        if nobody_waited or ask.surface is _COUNT_TOKENS:
            return
        verdict = outcome.verdict()
        missed = verdict is _MISSED
        # In conversations a miss that is only avoidable sometimes would make certainty too dear.
        avoidable = ask.sla.percentile if ask.session else LIKELY
        steerable = (
            # Who was not weighed may keep it: the price rises until somebody looks.
            decision.status is _OK
            or decision.unweighed > 0
            or any(o.p_keep >= avoidable for o in decision.plan)
        ) and (missed or verdict is _KEPT)
        if ask.preferences.ranks:
            steerable = False  # Who was chosen did not depend on the price of a miss.
        kind, wall = ask.kind, self._clock.wall()
        subject = self._class(kind)
        self._latest.pop(kind, None)
        self._latest[kind] = ask
        if len(self._latest) > MOST_TOLD:
            del self._latest[next(iter(self._latest))]
        found = stakes.learned(
            missed=missed if steerable else None,
            percentile=ask.sla.percentile,
            cost_usd=outcome.cost_nano_usd / 1e9,
            sums=self.journal.read(subject, stakes.STAKES, wall),
            lowest=stakes.WASTED if ask.sla.decodes else stakes.LOWEST,
            leeway=self._leeway(subject, decision) if steerable else 0.0,
            decided_at=decision.lam,
        )
        final = outcome.attempts[-1]
        if ask.session and final.usage is not None:
            found += stakes.turned(first=ask.session not in self.journal.sessions)
            if ask.compacted:
                self.journal.sessions.forget(ask.session, wall)
            self.journal.sessions.turn(ask.session, final.endpoint, final.usage.input, wall)
        self.journal.add(subject, [(stakes.STAKES, found)], wall)

    def _leeway(self, subject: str, decision: Decision) -> float:
        """How far the price of a miss of a class could lately fall, with one more decision."""
        found = self._leeways.get(subject, Leeway()).followed(decision.leeway)
        self._leeways[subject] = found
        return found.mean

    def _stats(self, seen: _Seen, wall: float) -> Stats:
        view = seen.view
        if view is not None and wall < seen.fresh_until:
            return view
        self.catch_up()
        subject = seen.subject
        sums = {g.name: self.journal.read(subject, g, wall) for g in _QUICK}
        if wall >= seen.shape_until:
            sums["shape"] = self.journal.read(subject, stats.SHAPE, wall)
            seen.shape_until = wall + REFRESH_SLOW_S
        view = stats.believed(seen.endpoint.prior, sums, view, self._reuse(seen))
        seen.view, seen.fresh_until, seen.unread = view, wall + REFRESH_S, 0
        return view

    def _reuse(self, seen: _Seen) -> float:
        """Tell which share of news about an endpoint will be of use before it is old."""
        most = 0.0
        for name in seen.endpoint.serves:
            serving = self._serving[name]
            lately = sum([s.view.lately for s in serving if s.view is not None])
            most = max(most, lately / (lately + TRIALS * len(serving)))
        return most

    def _expected(self, attempt: Attempt, ask: Ask, wall: float) -> stats.Expected | None:
        """Expect the answer of which an attempt that was cut off showed nothing."""
        if attempt.streamed or attempt.complete:
            return None
        found = self._length(self._seen[attempt.endpoint].endpoint, ask, wall)
        return stats.Expected(found.mean_capped(ask.max_tokens) * found.visible, found.spread)

    def _habits(
        self, attempt: Attempt, usage: Usage, ask: Ask, view: Stats, wall: float
    ) -> list[Increment]:
        known = self._length(self._seen[attempt.endpoint].endpoint, ask, wall)
        expected = None if known.doubt else known.mean
        warm = self.warm(ask).get(attempt.endpoint, 0.0)
        return stats.habits(attempt, usage, view, expected_tokens=expected, warm_tokens=warm)

    def _length(self, endpoint: Endpoint, ask: Ask, wall: float) -> Lengths:
        family, kind = endpoint.family, ask.kind
        key = (family, kind)
        until, found = self._lengths.get(key, (0.0, None))
        if found is None or wall >= until:
            self.catch_up()
            pair = (family, self._class(ask.sla.policy))
            own = self._answers((family, self._class(kind)), wall)
            if len(self._lengths) >= MAX_PAIRS:
                self._lengths.clear()
            self._pairs.setdefault(pair)
            outlook = self._outlook(pair, wall)
            hidden = endpoint.prior.hidden_share
            found = lengths.believed(outlook, own, self._answers(pair, wall), hidden)
            self._lengths[key] = (wall + REFRESH_SLOW_S, found)
        return found

    def _answers(self, pair: Pair, wall: float) -> list[float]:
        return self.journal.read(f"m:{pair[0]}:{pair[1]}", lengths.LENGTHS, wall)

    def _outlook(self, pair: Pair, wall: float) -> Outlook:
        """Expect a pair's answers from its neighbours, of which the first ones are heeded."""
        if wall >= self._effects_until:
            seen: dict[Pair, effects.Seen] = {}
            for other in islice(self._pairs, MAX_FITTED):
                told = lengths.seen(self._answers(other, wall))
                if told is not None:
                    seen[other] = told
            self._effects = effects.fitted(seen, self._prior_log)
            self._effects_until = wall + REFRESH_EFFECTS_S
        return self._effects.outlook(pair, self._prior_log[pair[0]])

    def _rate(self, family: str, wall: float) -> Rates:
        until, found = self._rates.get(family, (0.0, None))
        if found is None or wall >= until:
            self.catch_up()
            found = tokens.believed(self.journal.read(f"t:{family}", tokens.TOKENS, wall))
            self._rates[family] = (wall + REFRESH_SLOW_S, found)
        return found

    def _learn_tokens(self, attempt: Attempt, ask: Ask, endpoint: Endpoint, wall: float) -> None:
        family = endpoint.family
        found = lengths.learned(attempt)
        if found:
            kind, told = ask.kind, [(lengths.LENGTHS, found)]
            for name in (kind, ask.sla.policy):
                self.journal.add(f"m:{family}:{self._class(name)}", told, wall)
            known = self._lengths.get((family, kind))
            if known is not None and known[1].samples < FEW:
                self._lengths[family, kind] = (0.0, known[1])
                self._news += 1
        counted = tokens.learned(attempt, ask.prompt)
        if counted:
            self.journal.add(f"t:{family}", [(tokens.TOKENS, counted)], wall)

    def _breaker(
        self, seen: _Seen, attempt: Attempt, wall: float, retry_after_s: float | None
    ) -> None:
        if seen.trial_wall is not None and attempt.started_wall >= seen.trial_wall:
            seen.trial_wall = None
        if attempt.fault is None:
            if attempt.sent >= seen.row_sent:
                seen.failures = 0
            return
        self._news += 1
        if attempt.fault is Kind.RATE_LIMITED:
            wait = RATE_LIMIT_S if retry_after_s is None else min(retry_after_s, RATE_LIMIT_MOST_S)
            self.journal.note(seen.limit, wall + wait)
        elif FAULTS[attempt.fault].blames:
            if attempt.started_wall < self.journal.times.get(seen.open, 0.0):
                return  # It was under way when the breaker opened: that news is known.
            if seen.failures < TRIPS_AFTER and seen.row_begun > BESIDE:
                seen.failures = 0
            if not seen.failures:
                seen.row_sent, seen.row_begun = attempt.sent, 0
            seen.failures += 1
            if seen.failures >= TRIPS_AFTER:
                doublings = min(seen.failures - TRIPS_AFTER, 8)
                self.journal.note(seen.open, wall + min(OPEN_S * 2**doublings, OPEN_MOST_S))

    def _standing(self, seen: _Seen, wall: float) -> Standing | None:
        if not self._ready(seen.endpoint.dialect):
            return Standing(Reason.ADAPTER_LOADING, wall + 2, "its adapter is still loading")
        times = self.journal.times
        until = times.get(seen.limit, 0.0)
        if wall < until:
            return Standing(
                Reason.RATE_LIMITED, until, f"rate limited for another {until - wall:.0f} s"
            )
        until = times.get(seen.open, 0.0)
        if wall < until:
            return Standing(Reason.COOLING, until, f"failing; tried again in {until - wall:.0f} s")
        if seen.failures >= TRIPS_AFTER and seen.trial_wall is not None:
            return Standing(Reason.COOLING, wall + 1, "failing; one request is trying it out")
        return None

    def _class(self, kind: str) -> str:
        found = self._classes.get(kind)
        if found is None:
            shared = len(self._classes) >= MAX_CLASSES
            name = kind.split("|", 1)[0] if shared else kind
            found = "c:" + hashlib.blake2s(name.encode(), digest_size=8).hexdigest()
            if not shared:
                self._classes[kind] = found
        return found

    def _heed_others(self) -> None:
        touched = self.journal.touched
        if touched:
            for subject in touched:
                seen = self._by_subject.get(subject)
                if seen is not None:
                    seen.fresh_until = 0.0
            touched.clear()
            self._changes += 1


def _seen(endpoint: Endpoint) -> _Seen:
    name = endpoint.fingerprint
    return _Seen(endpoint, f"e:{name}", f"open:{name}", f"limit:{name}")
