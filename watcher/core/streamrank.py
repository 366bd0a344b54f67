"""StreamRank: what polling an account costs, how seldom it shows anything new, and what being told of changes costs instead.

The figures bear the names that API descriptions give them under `x-streamrank`. Those leave open how they are reckoned; here
they are measured as things go, over all that an account's poller asks, and defined at `StreamRank`.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final, Self

from watcher.core.message import instant

RECORD: Final = 1
"""The version of the record that is kept."""
ABSURD: Final = 1e18
"""What is kept is below this, or it is damaged."""
MINUTE: Final = 60
DAY: Final = 86_400
LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""Nothing was polled later than that, in epoch seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRank:
    """The figures of one account, since it was first polled. Times are seconds, sizes bytes, percentages from 0 to 100.

    - `polling_total_time_average`, `polling_size_download_average`: of a request for a batch or a page that was answered with
      200, from its sending to the last byte, and the length of its body.
    - `streaming_total_time_average`: of a webhook's delivery, from the commit of an event to its acceptance, all attempts and
      the pauses between them included.
    - `streaming_size_download_average`: of an event, the length of its body, which is what a webhook or a stream carries.
    - `change_yes`, `change_no`: looks at single batches (one by itself, or a row of a page) that showed another status than the
      one before, and looks that showed the same.
    - `change_percentage`: how many of these looks showed another status.
    - `time_percentage`, `size_percentage`: what somebody who is told of every event saves, against somebody who asks as often as
      the poller does to learn the same: 1 - (time of the events / time of the requests), and the same of bytes. 0 where it is
      none, or where nothing was measured of one of them.
    - `last_run`: when it was last polled, RFC 3339 in UTC, "" before the first time.
    - `days_run`, `minute_run`: in how many days (of UTC), and minutes, it was polled.
    """

    polling_total_time_average: float = 0.0
    polling_size_download_average: float = 0.0
    streaming_total_time_average: float = 0.0
    streaming_size_download_average: float = 0.0
    change_yes: int = 0
    change_no: int = 0
    time_percentage: float = 0.0
    size_percentage: float = 0.0
    change_percentage: float = 0.0
    last_run: str = ""
    days_run: int = 0
    minute_run: int = 0


@dataclass(slots=True, kw_only=True)
class Meter:
    """Counts for one account what its StreamRank is reckoned from."""

    polls: int = 0
    poll_seconds: float = 0.0
    poll_bytes: int = 0
    events: int = 0
    event_bytes: int = 0
    arrivals: int = 0
    arrival_seconds: float = 0.0
    changed: int = 0
    unchanged: int = 0
    last_run: float = 0.0
    days: int = 0
    minutes: int = 0

    @classmethod
    def from_record(cls, record: bytes) -> Self:
        """What `to_record` gave. One that is damaged, or of another version, tells nothing: then it is as on the first day."""
        try:
            told = json.loads(record)
            version = told.pop("version")
            meter = cls(**told)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return cls()
        sound = all(
            _is_sound(kept, like) for kept, like in zip(asdict(meter).values(), asdict(cls()).values(), strict=True)
        )
        return meter if version == RECORD and sound and meter.last_run < LATEST else cls()

    def to_record(self) -> bytes:
        """All that was counted, as JSON to be kept."""
        return json.dumps({"version": RECORD} | asdict(self), separators=(",", ":")).encode()

    def polled(self, now: datetime, *, took: float, size: int) -> None:
        """A request was answered with 200, in so many seconds with so many bytes."""
        self.polls += 1
        self.poll_seconds += took
        self.poll_bytes += size
        at = now.timestamp()
        if at > self.last_run:  # or the clock was set back: what was counted is not counted again
            self.days += at // DAY > self.last_run // DAY
            self.minutes += at // MINUTE > self.last_run // MINUTE
            self.last_run = at

    def looked(self, *, changed: bool) -> None:
        """A look showed another status than the one before, or the same."""
        if changed:
            self.changed += 1
        else:
            self.unchanged += 1

    def committed(self, size: int) -> None:
        """An event of so many bytes was committed."""
        self.events += 1
        self.event_bytes += size

    def arrived(self, delay: float) -> None:
        """A webhook was accepted, so many seconds after its event was committed."""
        self.arrivals += 1
        self.arrival_seconds += delay

    def change_percentage(self) -> float | None:
        """How many percent of the looks showed another status; None before the first."""
        looks = self.changed + self.unchanged
        return round(100 * self.changed / looks, 1) if looks else None

    def rank(self) -> StreamRank:
        """The figures as they are now."""
        arrival = _share(self.arrival_seconds, self.arrivals)
        return StreamRank(
            polling_total_time_average=round(_share(self.poll_seconds, self.polls), 4),
            polling_size_download_average=round(_share(self.poll_bytes, self.polls), 1),
            streaming_total_time_average=round(arrival, 4),
            streaming_size_download_average=round(_share(self.event_bytes, self.events), 1),
            change_yes=self.changed,
            change_no=self.unchanged,
            time_percentage=_saved(self.events * arrival, self.poll_seconds),
            size_percentage=_saved(self.event_bytes, self.poll_bytes),
            change_percentage=self.change_percentage() or 0.0,
            last_run=instant(datetime.fromtimestamp(self.last_run, UTC)) if self.minutes else "",
            days_run=self.days,
            minute_run=self.minutes,
        )


def _is_sound(kept: object, like: object) -> bool:
    """Whether it may have been counted: a number, and a whole one where the like of it is."""
    kinds = (int, float) if isinstance(like, float) else (int,)
    return type(kept) in kinds and isinstance(kept, int | float) and 0 <= kept < ABSURD


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _saved(streamed: float, polled: float) -> float:
    """How many percent less the one is than the other; 0 where nothing is known of one of them."""
    return round(max(100 * (1 - streamed / polled), 0.0), 1) if streamed and polled else 0.0
