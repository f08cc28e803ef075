"""yaml_to_json.py reads YAML with the types that JSON has and refuses the rest."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "openapi", "yaml_to_json.py")


def convert(text):
    """(exit status, the JSON written or None, standard error)."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "in.yaml"), os.path.join(folder, "out.json")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([sys.executable, "-B", SCRIPT, source, target], capture_output=True, text=True)
        if not os.path.exists(target):
            return done.returncode, None, done.stderr
        with open(target, encoding="utf-8") as file:
            return done.returncode, json.load(file), done.stderr


class YamlToJson(unittest.TestCase):
    def test_what_yaml_1_1_guesses_stays_a_string(self):
        for text in ("2026-11-23", "2026-11-23T06:36:00.123456Z", "yes", "No", "on", "OFF", "y", "True",
                     "0x1F", "0o17", "017", "1_000", "12:30", "1:2:3", ".5", "1.", "+1", ".inf", ".NaN",
                     "~", "Null", "NULL", "=", "<<"):
            status, value, errors = convert(f"value: {text}\n")
            self.assertEqual((status, value), (0, {"value": text}), f"{text}: {errors}")

    def test_json_types(self):
        for text, expected in (("null", None), ("", None), ("true", True), ("false", False), ("0", 0),
                               ("-12", -12), ("1.5", 1.5), ("1e3", 1000.0), ("'1'", "1"), ('"true"', "true"),
                               ("[a, {b: 1}]", ["a", {"b": 1}]), ("'\\u0041'", "\\u0041"), ('"\\u0041"', "A")):
            self.assertEqual(convert(f"value: {text}\n")[1], {"value": expected}, text)

    def test_order_is_kept(self):
        self.assertEqual(list(convert("b: 1\na: 2\nc: 3\n")[1]), ["b", "a", "c"])

    def test_what_is_refused(self):
        for text in ("a: 1\na: 2\n", "200: x\n", "true: x\n", "a: &x 1\n", "a: &x 1\nb: *x\n", "a: !!str 1\n",
                     "a: [1\n"):
            status, value, errors = convert(text)
            self.assertNotEqual(status, 0, text)
            self.assertIsNone(value, text)
            self.assertIn("in.yaml", errors, text)
            self.assertNotIn("Traceback", errors, text)


if __name__ == "__main__":
    unittest.main()
