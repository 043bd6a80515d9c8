"""What customers are worth against what they cost: equity, ratios, payback, channels, budgets."""

from predclv.decisions.budgets import budget
from predclv.decisions.channels import Channels, by_channel
from predclv.decisions.equity import Equity, customer_equity
from predclv.decisions.new_customer import NewCustomer, new_customer
from predclv.decisions.ratios import benchmarks, clv_to_cac, payback

__all__ = [
    "Channels",
    "Equity",
    "NewCustomer",
    "benchmarks",
    "budget",
    "by_channel",
    "clv_to_cac",
    "customer_equity",
    "new_customer",
    "payback",
]
