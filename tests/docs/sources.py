"""What the C sources define: the log events, the exit codes and the problem types."""

import os
import re

LAYERS = ("service", "routes", "db")
EVENT_NAME = re.compile(r'"([a-z][a-z0-9_]*)"')


def c_files(root):
    for layer in LAYERS:
        for folder, _, files in os.walk(os.path.join(root, layer)):
            for file in sorted(files):
                if file.endswith((".c", ".h")):
                    yield os.path.join(folder, file)


def read(path):
    """The text without comments."""
    with open(path, encoding="utf-8") as file:
        return re.sub(r"(?s)/\*.*?\*/", "", file.read())


def arguments(text, start):
    """The text from `start` to the parenthesis that closes the call."""
    depth = 1
    for end in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            return text[start:end]
    return text[start:]


def event_functions(text):
    """Functions and function pointers with a parameter `const char *event`."""
    return {match.group(1) for match in re.finditer(r"\(?\*?\b(\w+)\)?\s*\(", text)
            if "const char *event" in arguments(text, match.end()).split(")")[0]}


def events_of_calls(functions, text):
    for match in re.finditer(rf"\b(?:{'|'.join(sorted(functions))})\s*\(", text):
        given = arguments(text, match.end())
        found = EVENT_NAME.search(given)
        if found:
            yield found.group(1)
        elif "event" not in given:
            yield f"(an event of {match.group()}{given}), which this test does not understand"


def log_events(root):
    """The names that calls and initializers give to a parameter or member `const char *event`."""
    texts = {path: read(path) for path in c_files(root)}
    headers = "\n".join(text for path, text in texts.items() if path.endswith(".h"))
    shared = event_functions(headers)
    events = set()
    for text in texts.values():
        events |= set(events_of_calls(shared | event_functions(text), text))
        for name in re.findall(r"struct (\w+) \{\s*const char \*event;", text):
            events |= set(re.findall(rf"\(struct {name}\)\{{\s*{EVENT_NAME.pattern}", text))
    return events


def problem_types(root):
    """Pairs (name, status) of the table in routes/core/problem.c."""
    text = read(os.path.join(root, "routes/core/problem.c"))
    return {(name, status) for status, name in re.findall(r'\[ERROR_\w+\] = \{(\d+), "([a-z-]+)"', text)}


def service_exit_codes(root):
    """The codes that the service defines, beside EXIT_SUCCESS and EXIT_FAILURE."""
    defined = set()
    for path in c_files(root):
        defined |= {int(number) for number in re.findall(r"#define EXIT_\w+ (\d+)", read(path))}
    return {0, 1} | defined


def command_exit_codes(root, command):
    """The members of enum command_exit that the command's file names, and that of wrong usage."""
    body = re.search(r"enum command_exit \{(.*?)\}", read(os.path.join(root, "service/cli/command.h")), re.DOTALL).group(1)
    numbers = {name: int(number) for name, number in re.findall(r"(\w+) = (\d+)", body)}
    text = read(os.path.join(root, f"service/cli/{command}.c"))
    usage = {number for name, number in numbers.items() if name.endswith("USAGE")}
    return usage | {number for name, number in numbers.items() if re.search(rf"\b{name}\b", text)}
