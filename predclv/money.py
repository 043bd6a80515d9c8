"""Money is counted in whole units of 1e-4 of the currency, so that sums are exact."""

UNITS = 10_000
"""Spend is counted in units of 1e-4 of the currency."""

LARGEST_SPEND = 9e14
"""The total of all amounts that 64-bit units can hold."""

LARGEST_IN_DOUBLES = 4e11
"""The total of all amounts below which units add up exactly as doubles too, to 2**53 of them.

DuckDB adds doubles faster: the sum of 64-bit integers takes 128 bits.
"""
