"""StreamRank as it is shown: the names of the block that CallFire's description has, and nothing else."""

from dataclasses import asdict
from pathlib import Path

from tests.web.house import RANK
from watcher.web.streamrank import StreamRankShown, streamrank_shown

DESCRIPTION = Path(__file__).parents[1] / "data" / "callfire-batches.swagger.yaml"


def test_the_figures_are_those_of_the_description_in_its_order() -> None:
    block = DESCRIPTION.read_text(encoding="utf-8").partition("x-streamrank:\n")[2]
    names = [line.strip().partition(":")[0] for line in block.splitlines() if line.startswith("  ")]
    assert list(StreamRankShown.model_fields) == names


def test_every_figure_is_shown() -> None:
    assert streamrank_shown(RANK).model_dump() == asdict(RANK)
