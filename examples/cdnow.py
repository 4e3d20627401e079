"""Plan pushes for the customers of a record shop: CDNOW, eighteen months of purchases (Fader & Hardie 2001).

The data come with the package ``lifetimes``. Its customers buy a few times a year, so interest looks 28 days ahead.
"""

import sys
from importlib.metadata import distribution
from pathlib import Path

import duckdb

EVENTS = r"""
    SELECT word[1] AS user_id, 'purchase' AS "type", strptime(word[2], '%Y%m%d') AS "at", word[4]::DOUBLE AS value,
           row_number() OVER () AS event_id
    FROM (SELECT regexp_split_to_array(trim(line), '\s+') AS word
          FROM read_csv('{file}', columns = {{line: 'VARCHAR'}}, delim = '\x01', quote = '', header = true))
"""


def write_tables(folder: Path) -> Path:
    """Write the purchases as Parquet, once, and return the path."""
    file = distribution("lifetimes").locate_file("lifetimes/datasets/CDNOW_master.txt")
    path = folder / "events.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        duckdb.execute(f"COPY ({EVENTS.format(file=file)}) TO '{path}' (FORMAT parquet)")
    return path


if __name__ == "__main__":
    from demonstration import demonstrate

    out = Path(sys.argv[1])
    events = write_tables(out / "logs")
    demonstrate("CDNOW", [str(events), "--horizon", "28", "--budget", "1"], out, write="--write" in sys.argv)
