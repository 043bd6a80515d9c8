"""Read back what ``save`` wrote: JSON and Parquet in a folder, with a format version."""

from pathlib import Path
from typing import Any

from predclv.contracts.stored import contracts_from
from predclv.errors import PredclvError, StoreError
from predclv.forecast.fitted import FittedCLV
from predclv.io.folders import read_folder
from predclv.pools.fitted import FittedPool


def load(path: str | Path) -> Any:
    """Load a fitted model that its ``save`` wrote: of CLVModel, Pool or ContractModel.

    Parameters
    ----------
    path : str or Path
        The folder.

    Raises
    ------
    StoreError
        If the folder is missing, damaged, foreign, or written by a newer version.

    See Also
    --------
    predclv.FittedCLV : a fitted recipe, ready to forecast.
    predclv.FittedContracts : fitted, ready to forecast subscribers.

    Examples
    --------
    >>> import predclv as pc, tempfile, pathlib
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fitted.save(pathlib.Path(folder) / "cdnow")
    ...     again = pc.load(pathlib.Path(folder) / "cdnow")
    >>> again.purchases.params == fitted.purchases.params
    True
    """
    kind, content, tables = read_folder(path)
    read = {
        "FittedCLV": FittedCLV.from_document,
        "FittedContracts": contracts_from,
        "FittedPool": FittedPool.from_document,
    }.get(kind)
    if read is None:
        raise StoreError(f"{path} holds a {kind!r}, which this version cannot load.")
    try:
        return read(content, tables)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        Warning,
        PredclvError,
    ) as error:
        raise StoreError(
            f"{path} was read, but its content makes no fitted model ({error!r}). Was it edited? "
            f"Save the model again."
        ) from error
