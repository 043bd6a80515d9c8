"""How a log is to be read, as one object."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """How a log is to be read: the options that everything which takes a log has in common.

    Public functions spell them one by one, for whoever reads their signature; below, they travel
    as this. What each means is said in :func:`predclv.rfm_summary`.
    """

    customer_id: str = "customer_id"
    date: str = "date"
    amount: str | None = "amount"
    refunds: str = "net"
    timezone: str | None = None
    currency: str | None = None
    static_covariates: Any = None
    dynamic_covariates: Any = None
    segment: str | None = None  # a column that customers are grouped by

    @property
    def columns(self) -> dict[str, str | None]:
        """The log's columns by what they hold; None for what is not there."""
        return {
            "customer_id": self.customer_id,
            "date": self.date,
            "amount": self.amount,
            "segment": self.segment,
        }

    @property
    def said(self) -> list[str]:
        """The names of the options that are not left at their default."""
        found = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return [
            name
            for name, (value, default) in found.items()
            if (value is not None if default is None else value != default)
        ]
