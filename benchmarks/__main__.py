"""``python -m benchmarks [--short] [--json FILE] [relay|decide|start|redis|market|profile ...]``.

Ends with status 1 when a bound is broken. ``--short`` is for CI, whose cores are shared: few
rounds, and bounds so loose that only a real mistake breaks them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import uvloop

from benchmarks import decide, market, profile, redis_down, relay, start
from benchmarks.finding import Finding

_PARTS = ("relay", "decide", "start", "redis")
_MORE = ("market", "profile")
"""What only runs when it is named: ``market`` takes hours, but not in its short form."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    known = ", ".join((*_PARTS, *_MORE))
    parser.add_argument("parts", nargs="*", metavar="part", help=known)
    parser.add_argument("--short", action="store_true", help="few rounds and loose bounds, for CI")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    said = parser.parse_args()
    parts = said.parts or [*_PARTS, *(["market"] if said.short else [])]
    if wrong := [part for part in parts if part not in {*_PARTS, *_MORE}]:
        parser.error(f"there is no part {wrong[0]}; there are {known}")
    load = os.getloadavg()[0]
    print(f"meritorder benchmarks; {os.cpu_count()} cores, load {load:.1f} when it began")
    if said.short:
        print("SHORT: few rounds; cores of CI are shared, so only a loose sanity bound is held.")
    found = uvloop.run(_measure(parts, short=said.short))
    if said.json is not None:
        told = {name: finding.as_json() for name, finding in found.items()}
        said.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    broken = [line for finding in found.values() for line in finding.broken]
    print("\n" + ("\n".join(f"BROKEN  {line}" for line in broken) or "All bounds are kept."))
    return 1 if broken else 0


async def _measure(parts: list[str], *, short: bool) -> dict[str, Finding]:
    found: dict[str, Finding] = {}
    for part in parts:
        if part == "relay":
            found[part] = await relay.measure(short=short)
        elif part == "start":
            found[part] = await start.measure(short=short)
        elif part == "redis":
            found[part] = await redis_down.measure(short=short)
        elif part == "market":
            found[part] = market.measure(short=short)
        elif part == "profile":
            found[part] = await profile.measure(short=short)
        else:
            before = found.get("relay")
            if before is not None:
                bare_us = float(before.figures["whole"]["bare_us"])
            else:
                bare_us = await relay.bare_us(short=short)
            found[part] = decide.measure(bare_us, short=short)
        print(f"\n{found[part].title}\n", *found[part].text, sep="\n", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
