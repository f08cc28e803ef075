"""Runs the checks of a test program, one by one, and says how each went."""

import os
import sys
import time
import traceback

SHOWN = 2000
FULL = "--full" in sys.argv  # at the size, and within the bounds, that are promised


class Failed(Exception):
    """What is not as it should be, in a sentence."""


def check(holds, sentence):
    if not holds:
        raise Failed(sentence)


def under_test(argument):
    """The binary to test: SESSIOND_BINARY, where set, goes before the argument."""
    return os.environ.get("SESSIOND_BINARY") or argument


def went_well(one, *arguments):
    """A check fails by raising, or by returning sentences."""
    began = time.monotonic()
    try:
        wrong = one(*arguments) or []
    except (Failed, OSError) as sentence:
        wrong = [f"{type(sentence).__name__}: {sentence}"]
    except Exception:  # the other checks run all the same
        wrong = [traceback.format_exc()[-SHOWN:]]
    print(f"{'FAILED' if wrong else 'ok    '} {one.__name__} ({time.monotonic() - began:.1f} s)")
    for sentence in wrong:
        print(f"       {sentence[:SHOWN]}")
    return not wrong


def run(checks, *arguments, end=None):
    """Runs those that the command line names, or all; `end` is called afterwards and returns what was wrong with
    the whole. The exit status."""
    named = [argument for argument in sys.argv[2:] if argument != "--full"]
    chosen = [one for one in checks if not named or one.__name__ in named]
    failed = sum(not went_well(one, *arguments) for one in chosen)
    wrong = end() if end else []
    print("\n".join(wrong))
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or wrong or not chosen else 0
