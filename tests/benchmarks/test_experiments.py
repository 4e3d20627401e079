from andante.benchmarks.experiments import experiments


def test_every_tool_is_judged_beside_what_it_replaces(capsys):
    rows = experiments(runs=10, users=3000)

    parts = {row["part"].split(",")[0].split(" of ")[0] for row in rows}
    assert parts == {
        "looking at visits",
        "looking at spending",
        "sample ratio",
        "CUPED",
        "opens per push",
        "Qini",
    }
    found = {row["what"]: row["value"] for row in rows if row["part"].startswith("looking at visits")}
    assert found["wrong, confidence sequence, every look"] <= found["wrong, usual test, every look"]
    assert all(row["low"] is None or row["low"] <= row["value"] <= row["high"] for row in rows)
    assert "wanted" in capsys.readouterr().out
