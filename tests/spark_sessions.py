"""How the tests start Spark: small, quiet, short-lived, in a time zone that no test's log is of."""

import os
import tempfile
import warnings
from typing import Any

SESSION_ZONE = "Asia/Kolkata"  # not a whole hour from any other in the tests
CONFIG = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    # A short life is not worth more.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.session.timeZone": SESSION_ZONE,
    "spark.sql.warehouse.dir": os.path.join(tempfile.gettempdir(), "predclv-spark-warehouse"),
}


def started(builder: Any, **more: str) -> Any:
    """A session; pyspark warns that it does not know pandas 3 yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in (CONFIG | more).items():
            builder = builder.config(name, value)
        return builder.getOrCreate()
