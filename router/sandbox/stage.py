"""An answer performed in time: the wait, the tokens as they fall due, the end, or the fault.

Tokens that are due are sent together, at most one chunk in 10 ms of real time, so that a market
running 50 times too fast costs no more than one running at its own pace. What was sent (or, where
nothing is shown, generated) is on the tab before it is on the wire: however an attempt ends, it
is billed for what the client may have seen.
"""

from dataclasses import dataclass

from router.sandbox.ask import Answer, Refusal
from router.sandbox.clock import Clock
from router.sandbox.draw import Take
from router.sandbox.faults import Faults, Kind, Stage
from router.sandbox.fleet import UsageStyle
from router.sandbox.ledger import COMPLETE, Tab, Usage
from router.sandbox.speech import Speech
from router.sandbox.voice import Voice
from router.sandbox.wire import Wire

TICK_S = 0.01
HANG_S = 600.0
_PING_S = 1.0
_HALF_AFTER = 5


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything one performance needs."""

    answer: Answer
    voice: Voice
    thoughts: Speech
    words: Speech
    faults: Faults
    clock: Clock
    tab: Tab
    wire: Wire

    @property
    def take(self) -> Take:
        """The drawn answer."""
        return self.answer.take

    @property
    def style(self) -> UsageStyle:
        """Where usage is reported: as the row does, unless a fault says otherwise."""
        if self.faults.has(Kind.NO_USAGE):
            return UsageStyle.NONE
        if self.faults.has(Kind.USAGE_LAST):
            return UsageStyle.LAST_CHOICE
        return self.answer.row.usage_style

    @property
    def limit(self) -> int:
        """Visible tokens until the end, or until a fault strikes."""
        struck = self.faults.striking(Stage.MIDWAY)
        if struck is None:
            return self.take.visible
        after = _HALF_AFTER if struck.argument is None else int(struck.argument)
        return min(self.take.visible, after)

    def elapsed_s(self) -> float:
        """Virtual seconds since the request arrived."""
        return self.clock.now() - self.tab.at

    def bill(self, visible: int) -> None:
        """Put `visible` tokens and the thinking done by now on the tab."""
        seen = min(visible, self.take.reasoning)
        thought = self.take.thought(self.elapsed_s())
        self.tab.usage = Usage(
            prompt=self.answer.ask.prompt_tokens,
            cached=self.answer.remembered.read,
            cache_write=self.answer.remembered.written,
            cache_write_1h=self.answer.remembered.written_1h,
            reasoning=thought + seen,
            text=visible - seen,
        )

    def piece(self, first: int, last: int) -> bytes:
        """The visible tokens [first, last) as events."""
        turn = self.take.reasoning
        events = b""
        if first < turn:
            events = self.voice.reasoning(self.thoughts.between(first, min(last, turn)))
        if last > turn:
            start = max(first, turn)
            opening = self.voice.turn() if start == turn else b""
            events += opening + self.voice.text(self.words.between(start - turn, last - turn))
        return events


async def stay_silent(scene: Scene, kind: Kind) -> None:
    """Hang: before the headers, after them, or with signs of life only; at most ten minutes."""
    until = scene.tab.at + HANG_S
    scene.bill(0)
    if kind is Kind.HANG_HEADERS:
        await scene.wire.open()
    if kind is Kind.PINGS_ONLY and scene.answer.ask.stream:
        await _keep_alive(scene, until, every_s=_PING_S)
    await scene.clock.sleep_until(until)
    scene.wire.cut()


async def _keep_alive(scene: Scene, until: float, *, every_s: float) -> None:
    """Send signs of life until `until`."""
    pause = max(every_s, TICK_S * scene.clock.speed)
    while (now := scene.clock.now()) < until - pause:
        await scene.clock.sleep_until(now + pause)
        await scene.wire.send(scene.voice.keepalive())


async def _wait(scene: Scene) -> None:
    """The time to the first token."""
    until = scene.tab.at + scene.take.ttft_s
    row = scene.answer.row
    if row.keepalive_s and not row.holds_headers:
        await _keep_alive(scene, until, every_s=row.keepalive_s)
    await scene.clock.sleep_until(until)


async def _speak(scene: Scene) -> None:
    """The tokens up to the limit, as they fall due; the first one alone."""
    sent, limit = 0, scene.limit
    at_once = scene.faults.has(Kind.BIG_LINE)
    while sent < limit:
        elapsed = scene.elapsed_s()
        due = min(limit, scene.take.due(elapsed))
        if sent == 0 and not at_once:
            due = min(due, 1)
        resume = scene.tab.at + scene.take.due_at_s(max(sent, due))
        if due > sent:
            if sent == 0:
                scene.tab.ttft_s = elapsed
            scene.bill(due)
            await scene.wire.send(scene.piece(sent, due))
            sent = due
            resume = max(resume, scene.clock.now() + TICK_S * scene.clock.speed)
        if sent < limit:
            await scene.clock.sleep_until(resume)


async def _strike(scene: Scene, kind: Kind) -> None:
    """The fault in the middle of a stream."""
    match kind:
        case Kind.HALF_CHUNK:
            event = scene.voice.text("half")
            await scene.wire.send(event[: len(event) // 2])
            await scene.wire.end()
        case Kind.ERROR_MID:
            await scene.wire.send(scene.voice.failing())
            await scene.wire.end()
        case Kind.STALL_MID:
            await scene.clock.sleep_until(scene.clock.now() + HANG_S)
            scene.wire.cut()
        case _:
            scene.wire.cut()


async def stream(scene: Scene) -> None:
    """Perform the answer as events."""
    scene.bill(0)
    try:
        if not scene.answer.row.holds_headers:
            await scene.wire.send(scene.voice.opening())
        await _wait(scene)
        if scene.answer.row.holds_headers:
            await scene.wire.send(scene.voice.opening())
        await _speak(scene)
        struck = scene.faults.striking(Stage.MIDWAY)
        if struck:
            scene.tab.end = f"fault:{struck.kind}"
            await _strike(scene, struck.kind)
            return
        done = scene.answer.row.done and not scene.faults.has(Kind.NO_DONE)
        scene.bill(scene.take.visible)
        await scene.wire.send(scene.voice.closing(scene.tab.usage, scene.style, done=done))
        scene.tab.end = COMPLETE
        await scene.wire.end()
    finally:
        _settle(scene)


def _settle(scene: Scene) -> None:
    """Bring the thinking on the tab up to date: it went on while nothing was sent."""
    shown = scene.tab.usage.text + (scene.tab.usage.reasoning if scene.take.reasoning else 0)
    scene.bill(shown)


async def whole(scene: Scene) -> None:
    """Perform the answer as one document, when its last token is there.

    An error strikes while it is made; what strikes the wire strikes its body, which was made, and
    is billed, in full. Its length was announced by then.
    """
    take, tab = scene.take, scene.tab
    struck = scene.faults.striking(Stage.MIDWAY)
    limit = scene.limit if struck and struck.kind is Kind.ERROR_MID else take.visible
    try:
        await scene.clock.sleep_until(tab.at + take.due_at_s(max(0, limit - 1)))
    finally:
        scene.bill(min(limit, take.due(scene.elapsed_s())))
    scene.bill(limit)
    tab.ttft_s = take.ttft_s
    if struck:
        tab.end = f"fault:{struck.kind}"
        if struck.kind is Kind.ERROR_MID:
            raise Refusal(500, "The server had an error while processing your request.")
    body = scene.voice.whole(
        scene.thoughts.between(0, take.reasoning),
        scene.words.between(0, take.text),
        tab.usage,
        scene.style,
    )
    if struck is None:
        tab.end = COMPLETE
        scene.wire.response.content_length = len(body)
        await scene.wire.send(body)
        await scene.wire.end()
        return
    sent = body[: 1 + len(body) * scene.limit // max(1, take.visible) // 2]
    half_told = struck.kind is Kind.HALF_CHUNK
    scene.wire.response.content_length = len(sent) if half_told else len(body)
    await scene.wire.send(sent)
    if half_told:
        await scene.wire.end()
    else:
        await _strike(scene, struck.kind)
