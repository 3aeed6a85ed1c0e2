"""One request at one provider: admitted, refused, struck by a fault, or performed.

Every attempt gets a tab when it arrives and is entered into the ledger when it ends, in one
`finally`, however it ends.
"""

from dataclasses import dataclass
from random import Random

from aiohttp import web

from router.sandbox.ask import Answer, Ask, Refusal
from router.sandbox.draw import draw
from router.sandbox.faults import Fault, Faults, Kind, Stage
from router.sandbox.fleet import Row
from router.sandbox.floor import Floor
from router.sandbox.ledger import CANCELLED, Tab, Usage
from router.sandbox.orders import distorted, ordered_faults, wish
from router.sandbox.script import weather
from router.sandbox.speech import Prose, Recital
from router.sandbox.stage import Scene, stay_silent, stream, whole
from router.sandbox.voice import Manner
from router.sandbox.wire import JSON, STREAM, Wire

_NOISE_BYTES = 400
_HTML = b"<!doctype html><html><head><title>%s</title></head><body><h1>%s</h1></body></html>"


async def _unworked(kind: Kind, wire: Wire, chance: Random) -> None:
    """Answers that no model had a part in: a gateway's page, noise, a closed connection."""
    if kind is Kind.RESET:
        wire.cut()
        return
    if kind is Kind.GARBAGE:
        await wire.send(chance.randbytes(_NOISE_BYTES))
    else:
        title = b"502 Bad Gateway" if kind is Kind.HTML_502 else b"Welcome"
        await wire.open(status=Fault(kind).spec.status, content_type="text/html; charset=utf-8")
        await wire.send(_HTML % (title, title))
    await wire.end()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request at one row, from its arrival to its last byte, held in one manner."""

    floor: Floor
    request: web.Request
    row: Row
    manner: Manner
    number: int
    tab: Tab

    async def serve(self) -> web.StreamResponse:
        """The response, whatever it is; the attempt is in the ledger when this returns."""
        try:
            return await self._serve()
        except Refusal as why:
            return self._turn_down(why)
        finally:
            self.floor.ledger.enter(self.row, self.tab, now=self.floor.clock.now())

    async def _serve(self) -> web.StreamResponse:
        ask = await self._admit()
        chance = self.floor.chance(self.row)
        now = self.floor.clock.now()
        sky = weather(self.floor.events, self.row.endpoint, now=now, chance=chance)
        asked = ordered_faults(self.request.headers, self.row, self.floor.fleet)
        faults = Faults(asked.chosen + sky.faults.chosen)
        if refused := faults.striking(Stage.REFUSED):
            why = f"The sandbox was asked for a {refused.spec.status}."
            raise Refusal(refused.spec.status, why, retry_after_s=refused.argument)
        wire = Wire(
            self.request, faults, self.manner.headers(self.number), STREAM if ask.stream else JSON
        )
        if spoiled := faults.striking(Stage.UNWORKED):
            self.tab.end = f"fault:{spoiled.kind}"
            await _unworked(spoiled.kind, wire, chance)
            return wire.response
        known = self.floor.prompts.read(self.row, ask.prefixes, ask.marks, now=now)
        wanted = wish(self.request.headers, self.row, ask, faults, sky, known.read)
        take = distorted(draw(self.row, wanted, chance), faults)
        answer = Answer(self.row, ask, take, self.number, int(self.tab.at), known)
        await self._perform(self._scene(answer, faults, wire))
        return wire.response

    async def _admit(self) -> Ask:
        """The parsed request.

        Raises Refusal for a missing key, a bad body, too long a prompt, a model of another kind.
        """
        if not self.manner.admits(self.request.headers):
            raise Refusal(401, "You didn't provide an API key.")
        try:
            raw = await self.request.read()
        except web.HTTPRequestEntityTooLarge:
            raise Refusal(413, "The request is too large.") from None
        ask = self.manner.parse(raw)
        self.tab.stream = ask.stream
        if (ask.inputs is None) != (self.row.dimensions == 0):
            what = "sample" if ask.inputs is None else "generate embeddings"
            raise Refusal(403, f"You are not allowed to {what} from this model")
        if ask.window_tokens > self.row.context:
            raise self.manner.too_long(self.row, ask)
        return ask

    def _scene(self, answer: Answer, faults: Faults, wire: Wire) -> Scene:
        said = answer.ask.said
        return Scene(
            answer=answer,
            voice=self.manner.voice(answer),
            thoughts=Prose(self.number),
            words=Prose(self.number * 7) if said is None else Recital(said),
            faults=faults,
            clock=self.floor.clock,
            tab=self.tab,
            wire=wire,
        )

    async def _perform(self, scene: Scene) -> None:
        silent = scene.faults.striking(Stage.SILENT)
        if silent:
            self.tab.end = f"fault:{silent.kind}"
            await stay_silent(scene, silent.kind)
        elif scene.answer.ask.stream:
            await stream(scene)
        else:
            await whole(scene)

    def _turn_down(self, why: Refusal) -> web.Response:
        """The refusal in this dialect; it costs nothing."""
        self.tab.usage = Usage()
        if self.tab.end == CANCELLED:
            self.tab.end = f"fault:http_{why.status}"
        headers = dict(self.manner.headers(self.number))
        if why.retry_after_s is not None:
            headers["retry-after"] = f"{why.retry_after_s:g}"
        body = self.manner.refusal(why, self.number)
        return web.Response(status=why.status, body=body, headers=headers, content_type=JSON)
