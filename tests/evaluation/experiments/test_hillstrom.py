import io
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from andante.evaluation.experiments.hillstrom import (
    ARCHIVE,
    MEMBER,
    MENS,
    NONE,
    WOMENS,
    as_decisions,
    by_goods,
    load,
)
from andante.evaluation.experiments.lift import lift
from andante.evaluation.experiments.sample_ratio import sample_ratio
from andante.evaluation.interval import ratio_over_users
from andante.evaluation.offpolicy.estimators import ips, snips
from andante.vocabulary.fault import InputFault, MissingColumn, UnreadableInput

REAL = Path(sys.prefix) / "data" / ARCHIVE
HEADER = "recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,spend\n"
ROWS = (
    "10,2) $100 - $200,142.44,1,0,Surburban,0,Phone,Womens E-Mail,0,0,0\n"
    "6,3) $200 - $350,329.08,1,1,Rural,1,Web,No E-Mail,1,0,0\n"
    "7,2) $100 - $200,180.65,0,1,Urban,1,Web,Mens E-Mail,1,1,29.99\n"
)


def zipped(text):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("hillstrom.csv", text)
    return packed.getvalue()


def archived(path, text, member=MEMBER):
    with tarfile.open(path, "w:gz") as archive:
        packed = zipped(text)
        info = tarfile.TarInfo(member)
        info.size = len(packed)
        archive.addfile(info, io.BytesIO(packed))
    return path


def test_the_trial_is_read_from_the_archive_the_zip_and_the_file(tmp_path):
    archived(tmp_path / "a.tar.gz", HEADER + ROWS)
    (tmp_path / "h.csv.zip").write_bytes(zipped(HEADER + ROWS))
    (tmp_path / "h.csv").write_text(HEADER + ROWS, encoding="utf-8")

    for name in ("a.tar.gz", "h.csv.zip", "h.csv"):
        trial = load(tmp_path / name)
        assert trial.arm.tolist() == [WOMENS, NONE, MENS]
        assert trial.spend.tolist() == [0, 0, 29.99]
        assert trial.recency_months.tolist() == [10, 6, 7]
        assert trial.bought_womens.tolist() == [0, 1, 1]
        assert len(trial) == 3


def test_the_rule_mails_by_what_was_bought(tmp_path):
    trial = load(archived(tmp_path / "a.tar.gz", HEADER + ROWS))

    assert by_goods(trial).tolist() == [MENS, MENS, WOMENS]
    assert as_decisions(trial, trial.visit, by_goods(trial)).target.tolist() == [0, 0, 0]


def test_a_file_that_is_not_there_says_where_to_get_it(tmp_path):
    with pytest.raises(InputFault, match=r"docs/experiments\.md"):
        load(tmp_path / "a.tar.gz")


def test_a_file_that_is_something_else_is_refused(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"no archive")
    with pytest.raises(UnreadableInput, match="download it anew"):
        load(tmp_path / "a.tar.gz")
    with pytest.raises(UnreadableInput):
        load(archived(tmp_path / "b.tar.gz", HEADER + ROWS, member="other"))


def test_a_column_or_an_arm_that_is_not_known_is_named(tmp_path):
    (tmp_path / "h.csv").write_text((HEADER + ROWS).replace("visit", "visits"), encoding="utf-8")
    with pytest.raises(MissingColumn, match="visit"):
        load(tmp_path / "h.csv")
    (tmp_path / "h.csv").write_text((HEADER + ROWS).replace("No E-Mail", "Fax"), encoding="utf-8")
    with pytest.raises(MissingColumn, match="Fax"):
        load(tmp_path / "h.csv")


@pytest.fixture(scope="module")
def real():
    if not REAL.exists():
        pytest.skip(f"Hillstrom's trial is not at {REAL}")
    return load(REAL)


@pytest.mark.parametrize(
    ("arm", "outcome", "mailed", "not_mailed"),
    [
        (MENS, "visit", 0.1828, 0.1062),
        (WOMENS, "visit", 0.1514, 0.1062),
        (MENS, "conversion", 0.0125, 0.0057),
        (WOMENS, "conversion", 0.0088, 0.0057),
        (MENS, "spend", 1.4226, 0.6528),
        (WOMENS, "spend", 1.0772, 0.6528),
    ],
)
def test_the_known_lifts_come_out_and_are_beyond_chance(real, arm, outcome, mailed, not_mailed):
    both = (real.arm == NONE) | (real.arm == arm)

    found = lift(getattr(real, outcome)[both], real.arm[both] == arm, seed=1, resamples=400)

    assert found.treated.value == pytest.approx(mailed, abs=6e-5)
    assert found.held.value == pytest.approx(not_mailed, abs=6e-5)
    assert found.difference.low > 0


def test_the_real_split_is_as_planned(real):
    assert np.bincount(real.arm).tolist() == [21_306, 21_307, 21_387]
    assert not sample_ratio(np.bincount(real.arm).tolist(), [1, 1, 1]).fires


@pytest.mark.parametrize("outcome", ["visit", "conversion", "spend"])
def test_weights_and_the_plain_mean_of_those_who_agreed_say_the_same_of_a_rule(real, outcome):
    reward, chosen = getattr(real, outcome), by_goods(real)
    agreed = real.arm == chosen
    decisions = as_decisions(real, reward, chosen)

    direct = ratio_over_users(reward * agreed, agreed, seed=1, resamples=400)

    assert snips(decisions).value == pytest.approx(direct.value, abs=1e-12)
    assert ips(decisions).value == pytest.approx(direct.value * 3 * agreed.mean(), abs=1e-12)
    assert direct.low < ips(decisions).value < direct.high
