"""Money: counted in whole units of 1e-4, so that sums are exact; shown in its currency."""

from predclv.errors import OptionError

UNITS = 10_000
"""Spend is counted in units of 1e-4 of the currency."""

LARGEST_SPEND = 9e14
"""The total of all amounts that 64-bit units can hold."""

LARGEST_IN_DOUBLES = 4e11
"""The total of all amounts below which units add up exactly as doubles too, to 2**53 of them.

DuckDB adds doubles faster: the sum of 64-bit integers takes 128 bits.
"""

_LONGEST = 12
_COLUMNS = ("currency", "curr", "ccy", "amount", "price", "money")


def currency_named(currency: object) -> str | None:
    """A currency as it is shown, ``"GBP"`` or ``"£"``; None where amounts are in none by name.

    Raises
    ------
    OptionError
        If it is no short text without digits (an exchange rate is not meant), or looks like the
        name of a column.
    """
    if currency is None:
        return None
    name = currency.strip() if isinstance(currency, str) else ""
    if not name or len(name) > _LONGEST or not name.isprintable() or any(map(str.isdigit, name)):
        raise OptionError(
            f"currency must be a code or a symbol, such as 'GBP' or '£', which is shown beside "
            f"amounts; got {currency!r:.60}. Nothing is converted."
        )
    if "_" in name or name.casefold() in _COLUMNS:
        raise OptionError(
            f"currency={currency!r} looks like the name of a column. Say the code or symbol "
            "itself, such as 'GBP' or '£': it is shown beside all amounts, all in one currency."
        )
    return name


def money(value: float, currency: str | None = None, digits: int | None = None) -> str:
    """An amount, by default without pennies from 100 on.

    Examples
    --------
    >>> money(68887.71), money(68887.71, "GBP"), money(-68887.71, "£"), money(8.5, "kr")
    ('68,888', 'GBP 68,888', '-£68,888', 'kr 8.50')
    """
    if digits is None:
        digits = 0 if abs(value) >= 99.995 else 2
    if currency is None:
        return f"{value:,.{digits}f}"
    space = " " if currency[-1].isalpha() else ""
    return f"{'-' if value < 0 else ''}{currency}{space}{abs(value):,.{digits}f}"


def figure(value: float) -> str:
    """A number that is no money: whole from 100 on, else three digits.

    Examples
    --------
    >>> figure(1966.66), figure(12.345), figure(0.0)
    ('1,967', '12.3', '0')
    """
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"


def total_in_words(
    name: str,
    value: float,
    bounds: tuple[float, float] | None = None,
    currency: str | None = None,
) -> str:
    """A total of a customer base, with its interval where it has one.

    Examples
    --------
    >>> total_in_words("clv", 68887.71, (62569.05, 75153.51), "GBP")
    'GBP 68,888 (GBP 62,569 to GBP 75,154)'
    >>> total_in_words("purchases", 1966.66, (1807.95, 2119.05))
    '1,967 (1,808 to 2,119)'
    """
    is_money = name in ("revenue", "clv")
    numbers = (value,) if bounds is None else (value, *bounds)
    text, *rest = (money(n, currency) if is_money else figure(n) for n in numbers)
    return f"{text} ({rest[0]} to {rest[1]})" if rest else text


def in_currency(label: str, currency: str | None) -> str:
    """What is measured, with its currency: ``CLV (GBP)``."""
    return label if currency is None else f"{label} ({currency})"
