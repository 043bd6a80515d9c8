"""Customers told apart by more than their history, joined and counted where their log lies."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from predclv.summaries.rfm import RFM
from predclv.warehouse.base import fresh


def told_apart(rfm: RFM, known: Mapping[str, tuple[str, str]]) -> RFM:
    """The same customers, whose cells are alike in these columns too.

    ``cells()`` is then one group by history and all of them, wherever the log lies: no customer
    comes here. The table lasts as long as this summary or until `forgotten`.

    Parameters
    ----------
    rfm : RFM
        With its log.
    known : mapping of str to (str, str)
        By the name of the new column: a table in the warehouse of the log with customer_id, and
        its column of whole numbers; of customers who are not in it 0.
    """
    own: Any = rfm._summary
    table = fresh("summary")
    columns = "".join(
        f", CAST(coalesce(t{i}.{column}, 0) AS BIGINT) AS {name}"
        for i, (name, (_, column)) in enumerate(known.items())
    )
    joins = "".join(
        f" LEFT JOIN {other} t{i} ON t{i}.customer_id = s.customer_id"
        for i, (other, _) in enumerate(known.values())
    )
    own.warehouse.store(table, f"SELECT s.*{columns} FROM {own.table} s{joins}")
    return replace(rfm, _summary=own.on(table, tuple(known), own.recalls))


def forgotten(rfm: RFM) -> None:
    """Drop the table of customers who were `told_apart`."""
    own: Any = rfm._summary
    own.warehouse.drop(own.table)
