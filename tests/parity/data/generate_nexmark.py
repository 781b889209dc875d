#!/usr/bin/env python3
"""Writes nexmark.json: 600 events in the nested form of the Nexmark benchmark, the same ones at every run.

Of 50 events 1 is a person, 3 are auctions and 46 are bids. Event time passes midnight (and a month) half way; events are up to
three seconds out of order, which the watermark delay of four seconds in the cases allows for, so no row is late.
"""

import json
import pathlib
from datetime import datetime, timedelta

EVENTS = 600
STEP_MS = 250
BASE = datetime(2024, 1, 31, 23, 58, 45)
FIRST_PERSON, FIRST_AUCTION, FIRST_CATEGORY = 1000, 1090, 10


class Random:
    """A linear congruential generator: the same numbers under every version of Python."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit

    def pick(self, items):
        return items[self.below(len(items))]

    def word(self, shortest, longest):
        return "".join(self.pick("abcdefghijklmnopqrstuvwxyz") for _ in range(shortest + self.below(longest - shortest + 1)))


def text(moment):
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def person(r, number, at):
    first = r.pick(["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"])
    last = r.pick(["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"])
    return {
        "id": FIRST_PERSON + number,
        "name": f"{first} {last}",
        "emailAddress": f"{r.word(4, 7)}@{r.word(3, 5)}.com",
        "creditCard": " ".join(f"{r.below(10000):04d}" for _ in range(4)),
        "city": r.pick(["Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"]),
        "state": r.pick(["AZ", "CA", "ID", "OR", "WA", "WY"]),
        "dateTime": text(at),
        "extra": r.word(5, 20),
    }


def auction(r, number, at, persons):
    initial = 100 + r.below(10000)
    return {
        "id": FIRST_AUCTION + number,
        "itemName": r.word(4, 12),
        "description": r.word(8, 24),
        "initialBid": initial,
        "reserve": initial + r.below(5000),
        "dateTime": text(at),
        "expires": text(at + timedelta(milliseconds=5000 + r.below(60000))),
        "seller": FIRST_PERSON + r.below(max(persons, 1)),
        "category": FIRST_CATEGORY + r.below(5),
        "extra": r.word(5, 20),
    }


def bid(r, at, auctions):
    hot = r.below(2) == 0
    number = (auctions - 1) // 6 * 6 if hot else r.below(auctions)
    # A few bidders bid often and about forty seldom, so that sessions of ten seconds open and close.
    bidder = FIRST_PERSON + (r.below(3) if r.below(4) == 0 else 3 + r.below(40))
    channel = r.pick(["Google", "Facebook", "Baidu", "Apple", f"channel-{r.below(100)}", f"channel-{r.below(100)}"])
    url = f"https://www.nexmark.com/{r.word(3, 5)}/{r.word(3, 5)}/{r.word(3, 5)}/item.htm?query=1"
    if channel.startswith("channel-") and r.below(8) > 0:
        url += "&channel_id=" + channel.removeprefix("channel-")
    return {
        "auction": FIRST_AUCTION + number,
        "bidder": bidder,
        # Spread over seven powers of ten, as in the benchmark.
        "price": (10 ** r.below(6)) * (100 + r.below(900)),
        "channel": channel,
        "url": url,
        "dateTime": text(at),
        "extra": r.word(5, 30),
    }


def main():
    r = Random(20240131)
    persons = auctions = 0
    lines = []
    for n in range(EVENTS):
        back = r.below(3000) if r.below(7) == 0 else 0
        at = BASE + timedelta(milliseconds=n * STEP_MS - back)
        event = {"event_type": 2, "person": None, "auction": None, "bid": None}
        place = n % 50
        if place == 0:
            event.update(event_type=0, person=person(r, persons, at))
            persons += 1
        elif place < 4:
            event.update(event_type=1, auction=auction(r, auctions, at, persons))
            auctions += 1
        else:
            event.update(bid=bid(r, at, auctions))
        lines.append(json.dumps(event, separators=(",", ":")))
    (pathlib.Path(__file__).parent / "nexmark.json").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
