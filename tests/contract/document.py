"""openapi.yaml as the tests see it: operations, references, and whether a response fits."""

import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "openapi"))

import jsonschema  # noqa: E402
import yaml_to_json  # noqa: E402

METHODS = ("get", "head", "put", "post", "delete", "options", "patch", "trace")
# What HTTP itself brings; every other header of a response has to be described.
HTTP_HEADERS = {"connection", "content-length", "content-type", "date", "transfer-encoding"}


class Document:
    def __init__(self, path):
        self.path = path
        self.root = yaml_to_json.load(path)
        self.resolver = jsonschema.RefResolver.from_schema(
            self.root, id_of=lambda schema: schema.get("$id", ""))
        self.operations = {}
        for pattern, item in self.root["paths"].items():
            for method in METHODS:
                if method in item:
                    operation = item[method]
                    self.operations[operation["operationId"]] = (method.upper(), pattern, operation)

    def resolve(self, node):
        """The node itself, or what its `$ref` leads to."""
        while "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def parameters(self, operation_id):
        """{(in, name): parameter}, those of the path included."""
        _, pattern, operation = self.operations[operation_id]
        both = self.root["paths"][pattern].get("parameters", []) + operation.get("parameters", [])
        return {(p["in"], p["name"]): p for p in map(self.resolve, both)}

    def responses(self, operation_id):
        """{status: response} of an operation, the statuses as integers."""
        responses = self.operations[operation_id][2]["responses"]
        return {int(status): self.resolve(response) for status, response in responses.items()}

    def allowed(self, pattern):
        """The methods that a path has; HEAD comes with GET."""
        methods = {method.upper() for method in METHODS if method in self.root["paths"][pattern]}
        return methods | ({"HEAD"} if "GET" in methods else set())

    def faults(self, schema, value):
        """Where a value does not fit a schema, and its members that the schema does not name."""
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
        return found + self._undescribed([schema], value, "$")

    def _flatten(self, schema):
        """The schema and all that it is composed of."""
        schema = self.resolve(schema)
        yield schema
        for keyword in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(keyword, []):
                yield from self._flatten(part)

    def _undescribed(self, schemas, value, where):
        parts = [part for schema in schemas for part in self._flatten(schema)]
        found = []
        if isinstance(value, list):
            items = [part["items"] for part in parts if "items" in part]
            for index, item in enumerate(value):
                found += self._undescribed(items, item, f"{where}[{index}]")
        if isinstance(value, dict):
            described = {}
            for part in parts:
                for name, schema in part.get("properties", {}).items():
                    described.setdefault(name, []).append(schema)
            for name, member in value.items() if described else ():
                if name not in described:
                    found.append(f"{where}.{name}: a member that is not described")
                else:
                    found += self._undescribed(described[name], member, f"{where}.{name}")
        return found

    def response_faults(self, operation_id, response):
        """Where a response does not fit its operation. `response` has status, headers, body."""
        described = self.responses(operation_id).get(response.status)
        if described is None:
            return [f"the status {response.status} is not described"]
        return self.header_faults(described.get("headers", {}), response.headers) + \
            self._body_faults(operation_id, described.get("content", {}), response)

    def header_faults(self, described, sent):
        """Where headers do not fit; `sent` has lower-case names."""
        found = []
        for name in sent.keys() - {name.lower() for name in described} - HTTP_HEADERS:
            found.append(f"the header {name} is not described")
        for name, header in described.items():
            header, text = self.resolve(header), sent.get(name.lower())
            if text is None:
                found += [f"the header {name} is missing"] if header.get("required") else []
                continue
            value = int(text) if header["schema"].get("type") == "integer" else text
            found += [f"header {name}: {fault}" for fault in self.faults(header["schema"], value)]
        return found

    def _body_faults(self, operation_id, content, response):
        if self.operations[operation_id][0] == "HEAD" or not content:
            return [f"a body of {len(response.body)} bytes where none is described"] if response.body else []
        sent_type = response.headers.get("content-type", "").split(";")[0].strip()
        if sent_type not in content:
            return [f"the Content-Type {sent_type!r} is not described"]
        if "schema" not in content[sent_type]:
            return []  # binary
        text = response.body.decode("utf-8")
        value = json.loads(text) if sent_type.endswith(("/json", "+json")) else text
        return self.faults(content[sent_type]["schema"], value)

    def named_values_of(self, node):
        """(name, value) of each example of a body, a parameter or a header."""
        if "example" in node:
            yield "example", node["example"]
        for name, example in node.get("examples", {}).items():
            yield name, self.resolve(example)["value"]

    def values_of(self, node):
        return [value for _, value in self.named_values_of(node)]

    def examples(self):
        """(where, schema, value) of every example in the document."""
        yield from self._examples(self.root, "#")

    def _examples(self, node, where):
        if isinstance(node, list):
            for index, item in enumerate(node):
                yield from self._examples(item, f"{where}/{index}")
        if not isinstance(node, dict):
            return
        if isinstance(node.get("schema"), dict):
            for name, value in self.named_values_of(node):
                yield f"{where}/{name}", node["schema"], value
        for name, member in node.items():
            if name not in ("example", "examples"):
                yield from self._examples(member, f"{where}/{name}")

    def problem_types(self):
        """The problem types that responses describe, {name: status}."""
        found = {}
        for operation_id in self.operations:
            for status, response in self.responses(operation_id).items():
                problem = response.get("content", {}).get("application/problem+json")
                for part in self._flatten(problem["schema"]) if problem else ():
                    member = part.get("properties", {}).get("type", {})
                    for urn in member.get("enum", [member["const"]] if "const" in member else []):
                        found[urn.rsplit(":", 1)[1]] = status
        return found
