"""What is to be said of a pool's members, each thing once for all it holds of."""

import re
from collections.abc import Iterable, Sequence

from predclv.errors import some

_NUMBERS = re.compile(r"\d+([.,]\d+)*(e[+-]?\d+)?")


class Doubts:
    """Notes on members, and warnings of their fits: alike but for numbers they are one."""

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}
        self._warnings: dict[str, tuple[str, dict[str, None], dict[str, None]]] = {}

    def note(self, text: str) -> None:
        """Something that is said as it is."""
        self._notes[text] = None

    def left_out(self, name: str, why: object) -> None:
        """A member takes no part, and why."""
        self.note(f"{name} takes no part: {why}")

    def warned(self, name: str, warnings: Iterable[object], at: object = None) -> None:
        """What a member's fit warned of, at an earlier day or now."""
        for warning in warnings:
            text = str(getattr(warning, "message", warning))
            key = _NUMBERS.sub("#", text)
            _, names, days = self._warnings.setdefault(key, (text, {}, {}))
            names[name] = None
            if at is not None:
                days[str(at)] = None

    def told(self) -> tuple[str, ...]:
        """All of it, in the order in which it was heard; of numbers those heard first."""
        found = list(self._notes)
        for text, names, days in self._warnings.values():
            at = f" at {_listed(list(days))}" if days else ""
            found.append(f"{_listed(list(names))}{at}: {text}")
        return tuple(found)


def _listed(names: Sequence[str]) -> str:
    return some(names, most=max(len(names), 1))
