"""Writes deploy/settings.md anew: `make settings`."""

from tests.settings.reference import REFERENCE, reference

if __name__ == "__main__":
    REFERENCE.write_text(reference(), encoding="utf-8")
