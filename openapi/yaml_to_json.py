"""Writes openapi.yaml as JSON: yaml_to_json.py IN OUT.

The YAML is read with the types that JSON has and no others (the JSON schema of
YAML 1.2): a time or a `yes` stays a string. Member order is kept. Refused:
duplicate members, names that are not strings, anchors, aliases and tags.
"""

import json
import os
import re
import sys

import yaml


class JsonTypesLoader(yaml.SafeLoader):
    """SafeLoader without YAML 1.1's guesses."""

    yaml_implicit_resolvers = {}

    def compose_node(self, parent, index):
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.constructor.ConstructorError(
                None, None, "anchors and aliases are not used here", event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise yaml.constructor.ConstructorError(
                None, None, "tags are not used here", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
        result = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the name {key!r} is not a string", key_node.start_mark)
            if key in result:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the member {key!r} is repeated", key_node.start_mark)
            result[key] = self.construct_object(value_node, deep=True)
        return result


def _add(tag, pattern, first):
    JsonTypesLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)


_add("null", r"^(?:null|)$", ["n", ""])
_add("bool", r"^(?:true|false)$", ["t", "f"])
_add("int", r"^-?(?:0|[1-9][0-9]*)$", list("-0123456789"))
_add("float", r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", list("-0123456789"))


def load(path):
    """The document in openapi.yaml's JSON form, as Python values."""
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=JsonTypesLoader)


def main(source, target):
    text = json.dumps(load(source), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with open(f"{target}.part", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{target}.part", target)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: yaml_to_json.py IN OUT")
    try:
        main(sys.argv[1], sys.argv[2])
    except yaml.YAMLError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
