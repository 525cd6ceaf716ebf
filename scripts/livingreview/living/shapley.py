"""Order-averaged shares of a move between several changes that were made together."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shares:
    """What each change contributes, averaged over orders.

    Attributes
    ----------
    shares : array of shape (n, m)
        Per change and number; each column adds up to the whole move.
    n_orders, n_orders_possible : int
        Orders averaged over, and all n! orders. They differ where an order passes through a state that has no
        numbers (an empty pool).
    """

    shares: np.ndarray
    n_orders: int
    n_orders_possible: int


def order_averaged(n, value):
    """The Shapley value of `n` changes, exactly, from the numbers of all 2^n combinations.

    Parameters
    ----------
    n : int
        Number of changes, at least one.
    value : callable
        Given the changes made as a frozenset of 0 ... n - 1, the numbers then as an array of shape (m,); or
        None where that combination has none.

    Returns
    -------
    Shares or None
        None if every order passes through a combination without numbers.

    Notes
    -----
    The share of change i is the mean, over orders, of value(S + i) - value(S) with S the changes before it.
    Only orders all of whose combinations have numbers count, each as much; where all do, this is Shapley's
    value. Along any order the differences add up to the whole, and so do their means.

    References
    ----------
    Shapley 1953, Annals of Mathematics Studies 28:307-317.
    """
    everything = (1 << n) - 1
    values = [value(_members(state)) for state in range(everything + 1)]
    if values[0] is None or values[everything] is None:
        return None
    until, after = _orders_until(n, values), _orders_after(n, values)
    if not until[everything]:
        return None
    shares = np.zeros((n, len(values[0])))
    for state in range(everything):
        for change in range(n):
            larger = state | 1 << change
            orders = until[state] * after[larger] if larger != state else 0
            if orders:
                shares[change] += orders / until[everything] * (values[larger] - values[state])
    return Shares(shares, until[everything], _factorial(n))


def _members(state):
    return frozenset(at for at in range(state.bit_length()) if state >> at & 1)


def _orders_until(n, values):
    """For each combination, the number of orders of its changes that pass only through numbers."""
    found = [0] * len(values)
    found[0] = 1
    for state in range(1, len(values)):
        if values[state] is not None:
            found[state] = sum(found[state ^ 1 << at] for at in range(n) if state >> at & 1)
    return found


def _orders_after(n, values):
    """For each combination, the number of such orders of the changes that it lacks."""
    found = [0] * len(values)
    found[-1] = 1
    for state in reversed(range(len(values) - 1)):
        if values[state] is not None:
            found[state] = sum(found[state | 1 << at] for at in range(n) if not state >> at & 1)
    return found


def _factorial(n):
    return 1 if n < 2 else n * _factorial(n - 1)
