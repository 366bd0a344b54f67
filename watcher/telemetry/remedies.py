"""What to do about what the log warns of."""

from typing import Final

WAIT: Final = "run `watcher db migrate`, when the older processes have ended"
"""What to do about steps of the tables that were not taken."""
ALIKE: Final = "give all replicas the same accounts.NAME.parts, and start them anew"
"""What to do where replicas divide an account differently."""
RESTART: Final = "these are read at the start only: start the daemon anew to have them taken up"
"""What to do about settings that changed and are not taken up while it runs."""
ENCRYPT: Final = "make a key with `watcher db key` and set it as database.encryption_key"
"""What to do about secrets that are kept as they are."""
FILES: Final = "allow more open files (LimitNOFILE=, ulimit -n), or fewer clients of streams (http.streams)"
"""What to do where few files may still be opened."""
