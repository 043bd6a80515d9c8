"""Customer ids replaced by a keyed hash: the same customer keeps one name, nobody learns which."""

import hashlib
import hmac

import pandas as pd

from predclv.errors import DataError, OptionError

_SHORTEST = 16  # characters of a key: shorter ones can be tried out


def pseudonymise(frame: pd.DataFrame, key: str | bytes) -> pd.DataFrame:
    """A copy of a frame whose customer_id is a keyed hash of what it was.

    The same id and key always give the same pseudonym, so that tables written with one key can be
    joined. Whoever has the key can find out the pseudonym of an id they know; without it, trying
    out ids leads nowhere. That makes it pseudonymous, not anonymous: rare histories can still give
    a customer away.

    Parameters
    ----------
    frame : DataFrame
        With a column customer_id: a forecast, a list, a summary.
    key : str or bytes
        A secret of at least 16 characters, such as ``secrets.token_hex(16)``.

    Returns
    -------
    DataFrame
        customer_id is text, 32 hexadecimal digits: HMAC-SHA-256 of the id's text, cut to 128 bits.

    Raises
    ------
    OptionError
        If the key is too short.
    DataError
        If there is no customer_id.

    See Also
    --------
    predclv.Forecast : one row per customer, and the base as a whole.

    References
    ----------
    Krawczyk, Bellare & Canetti (1997), HMAC: keyed-hashing for message authentication, RFC 2104.

    Examples
    --------
    >>> list_of_two = pd.DataFrame({"customer_id": [17, 52], "clv": [120.0, 80.5]})
    >>> pseudonymise(list_of_two, key="a secret of my own")
                            customer_id    clv
    0  010b4cbe9f249f6494bd6d28bd9d148e  120.0
    1  f3c4c52bd909563d6b20205450a8c08e   80.5
    """
    secret = key.encode() if isinstance(key, str) else key
    if not isinstance(secret, bytes) or len(secret) < _SHORTEST:
        raise OptionError(
            f"pseudonymise needs a secret key of at least {_SHORTEST} characters, such as "
            "secrets.token_hex(16); keep it, for another key gives other names."
        )
    if "customer_id" not in frame:
        raise DataError("There is no column customer_id to pseudonymise.")
    names = [
        hmac.new(secret, str(customer).encode(), hashlib.sha256).hexdigest()[:32]
        for customer in frame["customer_id"]
    ]
    return frame.assign(customer_id=pd.Series(names, index=frame.index, dtype="str"))


def named(frame: pd.DataFrame, key: str | bytes | None) -> pd.DataFrame:
    """The frame with its ids as they are, or pseudonymised where there is a key."""
    return frame if key is None else pseudonymise(frame, key)
