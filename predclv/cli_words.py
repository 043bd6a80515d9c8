"""Messages of the package as the command line says them: its options, not Python's arguments."""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from predclv.errors import PredclvWarning

# A call such as pc.rfm_summary(log, unit='day') is Python as a whole, and stays so.
_CALL = r"[\w.]+\((?:[^()]|\([^()]*\))*\)"
_ARGUMENT = r"\b(\w+)=(\.\.\.|'[^']*'|[\w.]*\w)?"
# What is advised in Python and done another way in the shell: the pattern, and what to do there.
_DONE_THERE = {
    r"Convert it with pd\.to_numeric, after column.*removing currency signs\.": (
        "Write them in the file with a decimal point, as 1234.56, without currency signs."
    ),
    r"Convert it with pd\.to_numeric, after .*separators\.": (
        "Write them in the file as 1234.56, without currency signs and thousands separators."
    ),
    r"Convert the column first(, in the format it really has)?: pd\.to_datetime.*": (
        "Write them in the file as 2026-11-28."
    ),
    r"Convert it: pd\.to_datetime.*": "Write them in the file as 2026-11-28.",
    r"in one way first: log.*": "in one way in the file.",
    r"Make it with pc\.rfm_summary\(log\)( or pc\.holdout_split\(log\))?": "Give the log itself",
    r"Say which: k=2; or make the summary from the log: pc\.rfm_summary\(log\)": (
        "Say which, as --purchases MBGCNBD-2; or give the log itself"
    ),
    r"leave memory out: memory=False": "leave --memory out",
    r"base\.add\(orders, batch=\.\.\.\)": "predclv base add FOLDER LOG --batch NAME",
    r"base\.refresh\(model\)": "predclv base refresh FOLDER",
    r"base\.quiet\(\)": "In Python pc.CustomerBase(FOLDER).quiet()",
}
_FIRST = re.compile(r"(\w+) (?=must|is|looks|could|'|\d)")


def in_the_shell(message: str, options: Mapping[str, str]) -> str:
    """A message in which arguments are called as on the command line.

    Parameters
    ----------
    message : str
    options : mapping
        How each argument of a verb is written there: ``{"discount_rate": "--discount-rate"}``.
        What has no option is left as it is.

    Examples
    --------
    >>> options = {"unit": "--unit", "amount": "--amount", "no_amount": "--no-amount"}
    >>> in_the_shell("unit must be a week. Say unit='day', or amount=None.", options)
    '--unit must be a week. Say --unit day, or --no-amount.'
    """

    def written(found: re.Match[str]) -> str:
        name, value = found[1], found[2] or ""
        if value == "None" and f"no_{name}" in options:
            return options[f"no_{name}"]
        if name not in options or value in ("None", "False"):
            return found[0]
        plain = value.strip("'").removeprefix("pc.").removesuffix("...")
        shown = value if " " in plain else plain
        return options[name] if shown in ("", "True") else f"{options[name]} {shown}"

    for advice, there in _DONE_THERE.items():
        message = re.sub(advice, there, message)
    text = re.sub(f"{_CALL}|{_ARGUMENT}", written, message)
    first = _FIRST.match(text)
    if first is not None and first[1] in options:
        text = options[first[1]] + text[len(first[1]) :]
    return text


def options_of(command: Any, words: Iterable[str]) -> dict[str, str]:
    """How the verb among the words of a command line writes its arguments: ``--level``, ``LOG``."""
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    found = {each.name: max(each.opts, key=len) for each in command.params}
    found = {name: said if said.startswith("-") else said.upper() for name, said in found.items()}
    if command.name == "forecast":  # its log may have covariates; those of days ahead are another's
        found["dynamic_covariates"] = found["covariates_ahead"]
    return found


@contextmanager
def warnings_told(tell: Callable[[object, str], None]) -> Iterator[None]:
    """Have the package's warnings told by ``tell`` for a while; others are shown as ever."""
    ordinary = warnings.showwarning

    def one_line(message: Any, category: type[Warning], *details: Any, **more: Any) -> None:
        if issubclass(category, PredclvWarning):
            tell(message, "warning")
        else:
            ordinary(message, category, *details, **more)

    warnings.showwarning = one_line
    try:
        yield
    finally:
        warnings.showwarning = ordinary
