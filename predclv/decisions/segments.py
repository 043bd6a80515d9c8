"""Customers by score and tier, how they move between tiers, and lists to act on."""

from predclv.decisions.at_stake import at_stake
from predclv.decisions.migration import Migration, migration
from predclv.decisions.rhythm import at_risk, due_soon
from predclv.decisions.rules import FOUR_TIERS, Rule, RuleSet
from predclv.decisions.scores import rfm_scores
from predclv.decisions.tiers import Tiers, tiers
from predclv.decisions.win_back import win_back

__all__ = [
    "FOUR_TIERS",
    "Migration",
    "Rule",
    "RuleSet",
    "Tiers",
    "at_risk",
    "at_stake",
    "due_soon",
    "migration",
    "rfm_scores",
    "tiers",
    "win_back",
]
