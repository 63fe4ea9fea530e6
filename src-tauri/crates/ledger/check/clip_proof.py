#!/usr/bin/env python3
"""Checks that a clip's proof is complete, with nothing of Hausrecht's: python3 clip_proof.py VKEY PROOF

VKEY is what `hausrecht log key` prints, PROOF what `hausrecht log prove --clip ID` prints. Written from FORMAT.md and RFC 6962, section 2.1.
The signature of the checkpoint is checked by proof.py's `signed`, which stands beside this file; that of each entry is left to `hausrecht log check`.
"""
import base64, hashlib, json, sys
from proof import fail, sha, signed


def record(entry, tags):
    return "".join(line + "\n" for line in ["hausrecht-record-v2", entry, *sorted(set(tags))]).encode()


def merge(stack, node, level):
    """Puts a complete subtree to the right of those that are there."""
    while stack and stack[-1][1] == level:
        node, level = sha(b"\1" + stack.pop()[0] + node), level + 1
    stack.append((node, level))


if __name__ == "__main__":
    vkey, text = sys.argv[1], open(sys.argv[2], encoding="utf-8").read()
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != "hausrecht-clip-proof-v1" or lines[1][:4] != "tag " or lines[2][:5] != "from ":
        fail("not a clip's proof")
    tag, number = lines[1][4:], int(lines[2][5:])
    origin, size, root = signed(note, vkey).split("\n")[:3]
    levels = [level for level in range(63, -1, -1) if number >> level & 1]
    stack = [(base64.b64decode(line[5:]), level) for line, level in zip(lines[3:], levels)]
    told = []
    for line in lines[3 + len(levels):]:
        word, _, rest = line.partition(" ")
        if word == "entry":
            entry = json.loads(rest)
            tags = [entry.get("clip"), *entry.get("facts", {}).get("tags", [])]
            tags = [one for one in tags if one]
            hashed = rest.encode() if entry["v"] == 1 else record(sha(rest.encode()).hex(), tags)
            if tag in tags:
                told.append((number, entry["kind"]))
        elif word == "other":
            entry, *tags = rest.split(" ")
            if tag in tags:
                fail(f"entry {number} is about this clip and was not shown")
            hashed = record(entry, tags)
        else:
            fail(f"a line that is neither an entry nor another: {word}")
        merge(stack, sha(b"\0" + hashed), 0)
        number += 1
    node = None
    for left, _ in reversed(stack):
        node = left if node is None else sha(b"\1" + left + node)
    if number != int(size) or node != base64.b64decode(root):
        fail("the entries do not give the root that the checkpoint fixes")
    if not told or told[0][1] not in ("recorded", "cut_short") or told[0][0] != int(lines[2][5:]):
        fail("what came before is missing")
    print(f"complete: {len(told)} of {size} entries of {origin} are about this clip")
    for index, kind in told:
        print(index, kind)
