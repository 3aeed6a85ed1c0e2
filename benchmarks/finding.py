"""What a part found: tables to print, figures to keep, and which bounds were broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Finding:
    """``figures`` go into the JSON file; ``broken`` says each bound that was not held."""

    title: str
    text: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def hold(self, what: str, value: float, bound: float, unit: str) -> str:
        """Note a bound that does not hold, and return how it stands, in words."""
        if value <= bound:
            return f"kept (at most {bound:g}{unit})"
        self.broken.append(f"{what}: {value:.3g}{unit}, at most {bound:g}{unit} is allowed")
        return f"BROKEN (at most {bound:g}{unit})"

    def as_json(self) -> Mapping[str, Any]:
        return {"title": self.title, "figures": self.figures, "broken": self.broken}
