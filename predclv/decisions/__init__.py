"""From forecasts to decisions: whom to treat how, and what a customer may cost.

``segments`` and ``economics`` are the public faces; one file per question stands behind them.
"""
