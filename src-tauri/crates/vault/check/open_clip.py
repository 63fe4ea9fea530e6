#!/usr/bin/env python3
"""Opens a clip of a Hausrecht data folder, checks its entry and lists who may view it, with nothing of Hausrecht's:
python3 open_clip.py FOLDER IDENTITY CLIP OUTPUT

FOLDER is the data folder, IDENTITY a file with the owner's AGE-SECRET-KEY-1..., OUTPUT is where the film goes. Written from the two
FORMAT.md, of the vault and of the ledger; it needs the program `age`. The checkpoint's signature is left to the ledger's proof.py.
"""
import base64, hashlib, json, os, sqlite3, subprocess, sys, tempfile, time


def age(identity, sealed):
    """Decrypts bytes with the text of an identity."""
    with tempfile.NamedTemporaryFile() as key:
        key.write(identity.encode()), key.flush()
        return subprocess.run(["age", "-d", "-i", key.name], input=sealed, capture_output=True, check=True).stdout


def sha(data):
    return hashlib.sha256(data).digest()


def record(leaf):
    """What the tree hashes of an entry."""
    entry = json.loads(leaf)
    if entry["v"] == 1:
        return leaf
    tags = {entry.get("clip"), *entry.get("facts", {}).get("tags", [])} - {None}
    return "".join(line + "\n" for line in ["hausrecht-record-v2", sha(leaf).hex(), *sorted(tags)]).encode()


def root(leaves):
    """RFC 6962, section 2.1, one leaf after the other."""
    stack = []
    for leaf in leaves:
        node, level = sha(b"\0" + record(leaf)), 0
        while stack and stack[-1][1] == level:
            node, level = sha(b"\1" + stack.pop()[0] + node), level + 1
        stack.append((node, level))
    node = stack.pop()[0]
    while stack:
        node = sha(b"\1" + stack.pop()[0] + node)
    return node


folder, identity, clip, output = sys.argv[1], open(sys.argv[2], encoding="utf-8").read(), sys.argv[3], sys.argv[4]
base = sqlite3.connect(f"file:{os.path.join(folder, 'hausrecht.db')}?mode=ro", uri=True)
camera, number = base.execute("SELECT camera, entry FROM clips WHERE id = ? AND NOT erasing", (clip,)).fetchone()
sealed = open(os.path.join(folder, "clips", camera, clip + ".age"), "rb").read()

entry = json.loads(base.execute("SELECT leaf FROM entries WHERE idx = ?", (number,)).fetchone()[0])
if entry["facts"]["sha256"] != hashlib.sha256(sealed).hexdigest():
    sys.exit(f"the file is not the one that entry {number} recorded")
size, note = base.execute("SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
leaves = [leaf for (leaf,) in base.execute("SELECT leaf FROM entries WHERE idx < ? ORDER BY idx", (size,))]
if len(leaves) != size or root(leaves) != base64.b64decode(note.split("\n")[2]) or number >= size:
    sys.exit("the log is not the one that the newest checkpoint is of")
print(f"untouched since it was recorded: entry {number} of {size}, {entry['kind']}")

wrap, = base.execute("SELECT wrap FROM wraps WHERE clip = ? AND grant_id IS NULL", (clip,)).fetchone()
open(output, "wb").write(age(age(identity, wrap).decode(), sealed))

now = time.time() * 1e6
start, length = base.execute("SELECT start_us, duration_us FROM clips WHERE id = ?", (clip,)).fetchone()
who = "SELECT name_owner, until, back, rights FROM (SELECT people.*, NULL AS until, NULL AS back, 63 AS rights FROM people WHERE owner UNION ALL SELECT people.*, \
       grants.until_us, grants.back_us, grants.rights FROM wraps JOIN grants ON grants.id = wraps.grant_id JOIN people ON people.id = grants.person \
       WHERE wraps.clip = ? AND grants.ended_us IS NULL)"
for name, until, back, rights in base.execute(who, (clip,)):
    if rights & 2 and (until is None or now < until) and (back is None or start + length >= now - back):
        print("may view:", age(identity, name).decode())
