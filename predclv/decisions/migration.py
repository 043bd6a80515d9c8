"""Migration: which customers changed their tier between two dates."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from predclv.decisions.as_html import as_html
from predclv.decisions.tiers import Tiers
from predclv.errors import DataError, some
from predclv.notices import counted

NEW = "not a customer yet"
LEFT = "no longer listed"

_WORDS = {
    "stayed": "stayed",
    "risen": "rose",
    "fallen": "fell",
    "moved": "moved",
    "new": "came",
    "gone": "left",
}
"""What became of one customer, and of several in a sentence."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Migration:
    """Who rose, fell, came and left: customers by tier at two dates.

    Attributes
    ----------
    counts : DataFrame
        One row per tier before, the highest first, and a last one for customers who were none yet;
        one column per tier after and a last one for those who are no longer listed.
    frame : DataFrame
        One row per customer of either date:

        - ``customer_id``;
        - ``before``, ``after``: the tiers, ordered categories from the lowest up; missing where
          the customer was in none. With the same tiers at both dates ``after < before`` holds for
          those who fell, and for nobody else;
        - ``change``: risen, fallen, stayed, new (in no tier before) or gone (in none after). With
          different tiers nobody rises or falls: moved.

    See Also
    --------
    predclv.segments.migration : who moved between tiers.
    predclv.plots.tier_migration : where customers of a tier went.

    Examples
    --------
    >>> import predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> def tiers(day):
    ...     rfm = pc.rfm_summary(log[log["date"] <= day], observation_end=day)
    ...     return pc.segments.tiers(fitted.forecast("52 weeks", level=None, rfm=rfm))
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(log))
    >>> moved = pc.segments.migration(tiers("1997-12-31"), tiers("1998-06-30"))
    >>> print(moved.headline())
    2,357 customers: 1,874 stayed, 221 rose, 262 fell, 0 came, 0 left
    """

    counts: pd.DataFrame
    frame: pd.DataFrame

    @property
    def shares(self) -> pd.DataFrame:
        """``counts`` as shares of their row: where the customers of a tier went.

        The shares of a row without customers are 0.
        """
        rows = self.counts.sum(axis=1)
        return self.counts.div(rows.where(rows > 0, 1), axis=0)

    def summary(self) -> pd.Series:
        """How many stayed, rose, fell, came and left.

        Rose and fell go by the order of the tiers, which must be the same at both dates; with
        different tiers there are ``moved`` instead.
        """
        number = self.frame["change"].value_counts()
        known = [word for word in _WORDS if word in number.index]
        return pd.Series({_WORDS[word]: int(number[word]) for word in known}, name="customers")

    def headline(self) -> str:
        """The migration in a sentence."""
        told = ", ".join(f"{number:,} {word}" for word, number in self.summary().items())
        return f"{counted(len(self.frame), 'customer')}: {told}"

    def __repr__(self) -> str:
        return f"{self.headline()}\n{self.counts.to_string()}"

    def _repr_html_(self) -> str:
        return as_html(self.headline(), self.counts.map("{:,}".format), index=True)


def migration(before: Tiers, after: Tiers) -> Migration:
    """Who moved between tiers from one date to another.

    Tiers by quantiles are relative: as many rise as fall, whatever the customer base did as a
    whole. To see whether it got better, use rules.

    Parameters
    ----------
    before, after : Tiers
        Of the same customer base at two dates, made in the same way. Customers of one date alone
        are counted in a row and a column of their own.

    Returns
    -------
    Migration

    Raises
    ------
    DataError
        If no customer is in both.

    See Also
    --------
    predclv.segments.Migration : customers by tier at two dates.
    predclv.segments.tiers : each customer in one tier, with the reason.

    Examples
    --------
    >>> import pandas as pd
    >>> from predclv.decisions.tiers import Tiers
    >>> def at(date_ids, date_tiers):
    ...     tier = pd.Categorical(date_tiers, categories=["low", "high"], ordered=True)
    ...     frame = pd.DataFrame({"customer_id": date_ids, "tier": tier, "clv": 1.0})
    ...     return Tiers(frame, ("high", "low"), "clv", "clv", ("clv",), "")
    >>> migration(at([1, 2, 3], ["low", "low", "high"]), at([1, 2, 4], ["high", "low", "low"]))
    4 customers: 1 stayed, 1 rose, 0 fell, 1 came, 1 left
    after               high  low  no longer listed
    before
    high                   0    0                 1
    low                    1    1                 0
    not a customer yet     0    1                 0
    """
    for name, found in (("before", before), ("after", after)):
        if not isinstance(found, Tiers):
            raise DataError(
                f"{name} must be Tiers (pc.segments.tiers(...)); got {type(found).__name__}."
            )
    ids_before, ids_after = before.frame["customer_id"], after.frame["customer_id"]
    if not ids_before.isin(ids_after).any():
        raise DataError(
            f"No customer is in both: ids look like {some(ids_before, 3)} before and "
            f"{some(ids_after, 3)} after. Are they of one type?"
        )
    both = pd.merge(
        _tier_by_id(before, "before"), _tier_by_id(after, "after"), on="customer_id", how="outer"
    )
    counts = (
        pd.crosstab(_told(both["before"], NEW), _told(both["after"], LEFT), dropna=False)
        .reindex(index=[*before.names, NEW], columns=[*after.names, LEFT], fill_value=0)
        .rename_axis(index="before", columns="after")
    )
    return Migration(counts, both.assign(change=_change(both, before.names == after.names)))


def _tier_by_id(found: Tiers, when: str) -> pd.DataFrame:
    """Each customer's tier, an ordered category from the lowest up."""
    kind = pd.CategoricalDtype(list(found.names[::-1]), ordered=True)
    return pd.DataFrame(
        {"customer_id": found.frame["customer_id"], when: found.frame["tier"].astype(kind)}
    )


def _told(tier: pd.Series, absent: str) -> pd.Series:
    """Tiers as text, with a word for none."""
    return tier.astype(object).fillna(absent)


def _change(both: pd.DataFrame, same_tiers: bool) -> pd.Categorical:
    """What became of each customer."""
    was, now = (both[when].cat.codes.to_numpy() for when in ("before", "after"))
    new, gone = was < 0, now < 0
    words = ["new", "gone"]
    if same_tiers:
        words = [*words, "risen", "fallen", "stayed"]
        word = np.select([new, gone, now > was, now < was], words[:4], "stayed")
    else:
        words = [*words, "moved"]
        word = np.select([new, gone], words[:2], "moved")
    return pd.Categorical(word, categories=pd.Index(words))
