#!/usr/bin/env python3
"""Generates the rule tables of the crate `apple` from a checkout of Apple's device-management schema and `overlay.json`.

    python3 crates/apple/src/tables/generate.py CHECKOUT [--check]

CHECKOUT is a checkout of https://github.com/apple/device-management (MIT). Needs PyYAML. `--check` writes nothing and
fails if a table would change. README.md in this folder describes the tables.
"""

import datetime
import json
import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
# Maps `accessrights` (docs/schema.md) to the bit of `AccessRights` (mdm/profiles/com.apple.mdm.yaml).
RIGHTS = {
    "AllowInspection": 1,
    "AllowInstallationRemoval": 2,
    "AllowPasscodeRemovalAndLock": 4,
    "AllowDeviceErase": 8,
    "AllowProvisioningInspection": 64,
    "AllowProvisioningInstallationRemoval": 128,
    "AllowQueryApplications": 256,
    "AllowQueryRestrictions": 512,
    "AllowQuerySecurity": 1024,
    "AllowSettings": 2048,
    "AllowAppInstallation": 4096,
}
FORMS = {
    "^https://.*$": "https",
    "^[0-9A-Za-z]{8}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{12}$": "uuid",
}


class Loader(yaml.SafeLoader):
    """Reads dates as text, because the schema contains no dates."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader)


def ios(of):
    return (of.get("supportedOS") or {}).get("iOS") or {}


def is_foreign(of):
    """Returns whether it is not available on iOS, or only on Shared iPad."""
    shared = (ios(of).get("sharedipad") or {}).get("mode")
    return str(ios(of).get("introduced")) == "n/a" or shared == "required"


def availability(of):
    system, row = ios(of), {}
    for name, key in [("since", "introduced"), ("until", "removed"), ("deprecated", "deprecated")]:
        if key in system:
            row[name] = str(system[key])
    mode = (system.get("userenrollment") or {}).get("mode")
    if mode:
        row["user_enrollment"] = mode
    if system.get("supervised"):
        row["supervised"] = True
    return row


def is_any(key):
    return key["key"].startswith("ANY")


def inside_of(of):
    return [key for key in of.get("subkeys") or [] if not is_foreign(key)]


def is_open(of):
    """Returns whether a dictionary may have any keys: no key is listed, or the one listed key stands for any key."""
    inside = of.get("subkeys") or []
    if not inside:
        return True
    if len(inside) != 1:
        return False
    below = inside[0].get("subkeys") or []
    return is_any(inside[0]) or (len(below) == 1 and is_any(below[0]))


def plain(value):
    return value.isoformat() if isinstance(value, datetime.date) else value


def rule(of, named, answers, above):
    """Returns the rule of one key. `above` are the enclosing lists of keys (a folder on the home screen contains the same keys)."""
    kind = of["type"].strip("<>")
    row = {"key": of["key"]} if named else {}
    row["type"] = kind
    if named and of.get("presence") == "required" and not answers:
        row["required"] = True
    row.update(availability(of))
    if not answers:
        if of.get("rangelist"):
            row["values"] = [plain(value) for value in of["rangelist"]]
        if of.get("format") in FORMS:
            row["form"] = FORMS[of["format"]]
        # The value that applies if the key is missing. For strings it is omitted, because the schema also gives
        # examples there.
        if kind in ("boolean", "integer", "real") and isinstance(of.get("default"), (bool, int, float)):
            row["default"] = of["default"]
    below = of.get("subkeys")
    if below is None or id(below) in above:
        if kind == "dictionary":
            row["open"] = True
        return row
    above = above | {id(below)}
    if kind == "dictionary" and is_open(of):
        row["open"] = True
        if answers:
            row["items"] = [rule(key, False, answers, above) for key in inside_of(of)]
    elif kind == "dictionary":
        row["keys"] = [rule(key, True, answers, above) for key in inside_of(of)]
    elif kind == "string" and not answers:
        row["words"] = [rule(key, True, answers, above) for key in inside_of(of)]
    elif kind == "array":
        row["items"] = [rule(key, False, answers, above) for key in inside_of(of)]
    return row


def keys(of, answers=False):
    return [rule(key, True, answers, frozenset()) for key in of or [] if not is_foreign(key)]


def subject(schema, source):
    payload = schema["payload"]
    row = {"source": source, **availability(payload)}
    right = RIGHTS.get(ios(payload).get("accessrights"))
    if right:
        row["rights"] = right
    listed = schema.get("payloadkeys") or []
    if any(is_any(key) for key in listed):
        row["open"] = True
    row["keys"] = keys(key for key in listed if not is_any(key))
    return row


def tables(checkout):
    made = {"profiles": {}, "commands": {}, "check_in": {}, "results": {}}
    elsewhere = set()
    for folder, table, name_key in [
        ("mdm/profiles", "profiles", "payloadtype"),
        ("mdm/commands", "commands", "requesttype"),
        ("mdm/checkin", "check_in", "requesttype"),
    ]:
        for path in sorted((checkout / folder).glob("*.yaml")):
            schema = read(path)
            name = schema["payload"].get(name_key)
            if name is None:
                continue
            source = f"{folder}/{path.name}"
            if not ios(schema["payload"]) or is_foreign(schema["payload"]):
                if table == "profiles":
                    elsewhere.add(name)
                continue
            made[table][name] = subject(schema, source)
            if table == "commands" and schema.get("responsekeys"):
                made["results"][name] = {"source": source, "keys": keys(schema["responsekeys"], answers=True)}
    made["elsewhere"] = sorted(name for name in elsewhere if name not in made["profiles"])
    return made


def find(row, name):
    """Returns the rule `name` in a subject or rule. A setting is found by its `Item`."""
    below = row.get("keys", []) + row.get("words", []) + row.get("items", [])
    for candidate in below:
        item = [key for key in candidate.get("keys", []) if key.get("key") == "Item"]
        if candidate.get("key") == name or (item and name in item[0].get("values", [])):
            return candidate
    if len(row.get("items", [])) == 1:
        return find(row["items"][0], name)
    return None


def lay_over(made, overlay):
    """Applies later facts. Each names a row by its path and the values to change; with `type`, it adds a new row."""
    for fact in overlay["facts"]:
        table, name, *path = fact["at"]
        row = made[table].get(name)
        for step in path[:-1]:
            row = row and find(row, step)
        if row is None:
            sys.exit(f"overlay.json: no row {fact['at']}")
        says = {key: value for key, value in fact.items() if key not in ("at", "source")}
        if path:
            target = find(row, path[-1])
            if target is None and "type" in says:
                if len(row.get("items", [])) == 1 and "keys" not in row:
                    row = row["items"][0]
                target = {"key": path[-1]}
                row.setdefault("words" if row.get("words") else "keys", []).append(target)
            row = target
        if row is None:
            sys.exit(f"overlay.json: no row {fact['at']}")
        row.update(says)
        row["source"] = fact["source"]


def one_line(value):
    return json.dumps(value, ensure_ascii=False)


def written(table):
    """Writes one line for each key, so that a later release gives a readable diff."""
    if isinstance(table, list):
        return "[\n" + ",\n".join(f" {one_line(name)}" for name in table) + "\n]\n"
    subjects = []
    for name in sorted(table):
        row = dict(table[name])
        rows = row.pop("keys")
        head = one_line(row)[1:-1]
        inside = ",\n".join(f"   {one_line(key)}" for key in rows)
        listed = f"[\n{inside}\n ]" if rows else "[]"
        subjects.append(f' {one_line(name)}: {{{head}, "keys": {listed}}}')
    return "{\n" + ",\n".join(subjects) + "\n}\n"


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    made = tables(pathlib.Path(arguments[0]))
    lay_over(made, json.loads((HERE / "overlay.json").read_text(encoding="utf-8")))
    stale = []
    for name, table in made.items():
        path = HERE / f"{name}.json"
        text = written(table)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    if stale:
        sys.exit(f"these tables differ from what the generator makes: {', '.join(stale)}")


if __name__ == "__main__":
    main()
