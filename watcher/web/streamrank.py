"""StreamRank as it is shown with an account."""

from dataclasses import asdict
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from watcher.core.streamrank import StreamRank

Percent = Annotated[float, Field(ge=0, le=100)]
Average = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class StreamRankShown(BaseModel):
    """What polling the account costs, how seldom it shows anything new, and what being told of changes costs instead, since it
    was first polled. Times are seconds, sizes bytes. Requests for batches and pages are measured that were answered with 200."""

    model_config = ConfigDict(frozen=True)

    polling_total_time_average: Average = Field(description="How long a request took, to the last byte.")
    polling_size_download_average: Average = Field(description="Length of the body of its answer.")
    streaming_total_time_average: Average = Field(description="From the commit of an event to a webhook's acceptance.")
    streaming_size_download_average: Average = Field(description="Length of the body of an event.")
    change_yes: Count = Field(description="Looks at single batches that showed another status than the one before.")
    change_no: Count = Field(description="Looks that showed the same status.")
    time_percentage: Percent = Field(
        description="How much less time the events took than the requests that found them; 0 where one was not measured."
    )
    size_percentage: Percent = Field(
        description="How many bytes less the events had than the answers that showed them."
    )
    change_percentage: Percent = Field(description="How many of the looks showed another status.")
    last_run: str = Field(description='When the account was last polled, RFC 3339 in UTC; "" before the first time.')
    days_run: Count = Field(description="In how many days, of UTC, it was polled.")
    minute_run: Count = Field(description="In how many minutes it was polled.")


def streamrank_shown(rank: StreamRank) -> StreamRankShown:
    """The figures under the names of `x-streamrank`."""
    return StreamRankShown(**asdict(rank))
