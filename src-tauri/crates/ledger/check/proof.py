#!/usr/bin/env python3
"""Checks a proof that an entry stands in a Hausrecht log, with nothing of Hausrecht's: python3 proof.py VKEY PROOF LEAF

VKEY is what `hausrecht log key` prints, PROOF a C2SP tlog-proof (`hausrecht log prove NUMBER`), LEAF the entry as it was hashed.
Written from c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-proof and RFC 9162, section 2.1.3.2. Needs openssl 3 for Ed25519.
"""
import base64, hashlib, json, subprocess, sys, tempfile


def fail(text):
    sys.exit(print(text) or 1)


def sha(data):
    return hashlib.sha256(data).digest()


def signed(note, vkey):
    """The text of a note that the key signed."""
    name, hash_hex, key64 = vkey.split("+", 2)
    public = base64.b64decode(key64)
    if public[0] != 1 or sha(name.encode() + b"\n" + public)[:4].hex() != hash_hex:
        fail("the key is malformed")
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    for line in lines.splitlines():
        dash, who, data = line.split(" ", 2)
        data = base64.b64decode(data)
        if dash == "\u2014" and who == name and data[:4].hex() == hash_hex:
            with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as sig, tempfile.NamedTemporaryFile() as body:
                # SubjectPublicKeyInfo of Ed25519, RFC 8410.
                for file, content in ((key, bytes.fromhex("302a300506032b6570032100") + public[1:]), (sig, data[4:]), (body, text.encode())):
                    file.write(content), file.flush()
                ran = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key.name, "-rawin", "-in", body.name, "-sigfile", sig.name], capture_output=True)
            return text if ran.returncode == 0 else fail("the signature is wrong")
    fail(f"not signed by {name}")


def record(leaf):
    """What the tree hashes of an entry; FORMAT.md, "Tree"."""
    entry = json.loads(leaf)
    if entry["v"] == 1:
        return leaf
    tags = {entry.get("clip"), *entry.get("facts", {}).get("tags", [])} - {None}
    return "".join(line + "\n" for line in ["hausrecht-record-v2", sha(leaf).hex(), *sorted(tags)]).encode()


def root_from(leaf, index, size, hashes):
    """The root that the hashes lead to; RFC 9162, 2.1.3.2."""
    node, last, hash_ = index, size - 1, sha(b"\0" + record(leaf))
    for other in hashes:
        if last == 0:
            return None
        if node & 1 or node == last:
            hash_ = sha(b"\1" + other + hash_)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            hash_ = sha(b"\1" + hash_ + other)
        node, last = node >> 1, last >> 1
    return hash_ if last == 0 else None


if __name__ == "__main__":
    vkey, proof, leaf = sys.argv[1], open(sys.argv[2], encoding="utf-8").read(), open(sys.argv[3], "rb").read()
    head, _, note = proof.partition("\n\n")
    first, *lines = head.split("\n")
    lines = [line for line in lines if not line.startswith("extra ")]
    if first != "c2sp.org/tlog-proof@v1" or not lines or not lines[0].startswith("index "):
        fail("not a tlog-proof")
    origin, size, root = signed(note, vkey).split("\n")[:3]
    index = int(lines[0][6:])
    if index >= int(size) or root_from(leaf, index, int(size), [base64.b64decode(line) for line in lines[1:]]) != base64.b64decode(root):
        fail("the entry does not stand in the log at this place")
    print(f"entry {index} stands in the log {origin} of {size} entries")
