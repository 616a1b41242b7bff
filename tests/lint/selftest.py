"""The rules find what they are there to find: each is shown a small tree with a planted breach, and one without."""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import calls  # noqa: E402
import includes  # noqa: E402
import promises  # noqa: E402
import shape  # noqa: E402
import tap  # noqa: E402


def found(check, files: dict[str, str]) -> list[str]:
    """What a rule says of a tree of these files."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return check(root)


def include_found(name: str, target: str) -> list[str]:
    """What the layers say of one include of one file."""
    own = target.strip('"')
    others = {own: ""} if target.startswith('"') else {}
    return found(includes.check, {name: f"#include {target}\n", **others})


def promises_without_a_test_are_found():
    """a page that names a test which does not exist, or none, is found"""
    there = {"tests/system/test_a.py": "def test_one(broker):\n", "tests/unit/test_b.c": "Test(suite, two)\n"}
    assert not found(promises.check, {**there, "docs/bad-luck.md": "| `test_one`, `suite/two` |\n"})
    for name in ("test_two", "suite/one", "other/two"):
        for page in ("docs/bad-luck.md", "docs/bad-input.md"):
            assert found(promises.check, {**there, page: f"| `{name}` |\n"}), name
    head = "| what | tests |\n|---|---|\n"
    assert not found(promises.check, {**there, "docs/bad-input.md": head + "| a | `test_one` |\n"})
    assert found(promises.check, {**there, "docs/bad-input.md": head + "| a | nothing |\n"})


def upward_includes_are_found():
    """an include against the direction of the layers is found"""
    for name, target in (
        ("common/x.c", '"plugin/rules/task.h"'), ("plugin/rules/x.c", '"plugin/store/db.h"'),
        ("plugin/store/x.c", '"plugin/fleet/engine.h"'), ("plugin/fleet/x.c", '"plugin/access/rights.h"'),
        ("plugin/access/x.c", '"plugin/fleet/engine.h"'), ("plugin/fleet/x.h", '"plugin/control/control.h"'),
        ("plugin/control/x.c", '"plugin/broker/plugin.h"'), ("agent/core/x.c", '"agent/adapters/curl.h"'),
        ("agent/core/x.c", '"link/link.h"'), ("agent/ports/x.h", '"agent/core/machine.h"'),
        ("gateway/x.c", '"plugin/store/db.h"'), ("ctl/x.c", '"link/link.h"'), ("link/x.c", '"agent/core/machine.h"'),
    ):
        assert include_found(name, target), f"{name} includes {target}"


def downward_includes_are_fine():
    """an include along the layers passes"""
    for name, target in (
        ("common/x.c", '"common/y.h"'), ("plugin/control/x.c", '"plugin/access/rights.h"'),
        ("plugin/broker/x.c", '"plugin/control/control.h"'), ("plugin/store/x.c", '"plugin/rules/task.h"'),
        ("agent/core/x.c", '"agent/ports/fetch.h"'), ("agent/main.c", '"link/link.h"'),
        ("agent/adapters/x.c", '"agent/ports/fetch.h"'), ("plugin/rules/x.c", "<string.h>"), ("plugin/store/x.c", "<sqlite3.h>"),
    ):
        assert not include_found(name, target), include_found(name, target)


def foreign_libraries_have_one_place():
    """a foreign library's header outside its place is found"""
    for name, target in (
        ("plugin/fleet/x.c", "<mosquitto_broker.h>"), ("plugin/access/x.c", "<mosquitto_plugin.h>"),
        ("gateway/x.c", "<MQTTAsync.h>"), ("agent/core/x.c", "<curl/curl.h>"), ("gateway/x.c", "<curl/curl.h>"),
        ("plugin/fleet/x.c", "<sqlite3.h>"), ("common/x.c", "<microhttpd.h>"), ("common/x.c", "  <mosquitto.h>"),
    ):
        assert include_found(name, target), f"{name} includes {target}"


def one_file_speaks_curl():
    """a second file with curl in the same room is found"""
    curl = "#include <curl/curl.h>\n"
    assert not found(includes.check, {"agent/adapters/a.c": curl, "ctl/a.c": curl})
    assert found(includes.check, {"agent/adapters/a.c": curl, "agent/adapters/b.c": curl})


def lost_includes_are_found():
    """an include that is no path from the top of the tree is found, and a file in no room"""
    assert found(includes.check, {"common/x.c": '#include "y.h"\n', "common/y.h": ""})
    assert found(includes.check, {"plugin/x.c": "#include <string.h>\n"})


def banned_calls_are_found():
    """banned calls are found in code, not in comments, texts or longer names"""
    assert len(found(calls.check, {"common/x.c": "a = atoi(b);\nstrcpy (c, d);\n"})) == 2
    fine = '// atoi(b)\n/* strcpy(a, b) */ char *x = "system(1)"; mkstemp(t); my_system(); snprintf(a);\n'
    assert not found(calls.check, {"common/x.c": fine})


def function_of(lines: int) -> str:
    return "int f(void)\n{\n" + "\tg();\n" * (lines - 4) + "\treturn 0;\n}\n"


def long_functions_are_found():
    """a function may have 100 lines and not 101"""
    many = "".join(f"int f{number}(void)\n{{\n\treturn {number};\n}}\n" for number in range(100))
    assert not found(shape.check, {"common/x.c": function_of(100).split("\n", 1)[0] + "\n" + function_of(100).split("\n", 1)[1],
                                   "common/y.c": many})
    assert found(shape.check, {"common/x.c": function_of(101), "common/y.c": many})


def the_share_of_long_functions_is_counted():
    """95 % of the functions have at most 60 lines"""
    short = "".join(f"int f{number}(void)\n{{\n\treturn {number};\n}}\n" for number in range(19))
    assert not found(shape.check, {"common/x.c": function_of(61), "common/y.c": short})
    assert found(shape.check, {"common/x.c": function_of(61), "common/z.c": function_of(61).replace("f(", "h("),
                               "common/y.c": short})


def long_files_are_found():
    """a file may have 600 lines and not 601"""
    assert not found(shape.check, {"common/x.h": "\n" * 600})
    assert found(shape.check, {"common/x.h": "\n" * 601})


def wide_lines_are_found():
    """a line may have 130 columns and not 131, tabs are 8 wide, and a table that the formatter leaves alone may be wider"""
    assert not found(shape.check, {"common/x.h": "x" * 130 + "\n\t" + "x" * 122 + "\n"})
    assert found(shape.check, {"common/x.h": "x" * 131}) == ["common/x.h:1: has 131 columns; at most 130"]
    assert found(shape.check, {"common/x.h": "\n\t" + "x" * 123})
    assert found(shape.check, {"tests/x.py": "x" * 131})
    table = "/* clang-format off */\n" + "x" * 200 + "\n/* clang-format on */\n"
    assert not found(shape.check, {"common/x.h": table})
    assert found(shape.check, {"common/x.h": table + "x" * 131})


def many_parameters_are_found():
    """a function may have 5 parameters and not 6"""
    assert not found(shape.check, {"common/x.c": "int f(int a, int b, int c, void (*d)(int, int), int e)\n{\n\treturn 0;\n}\n"})
    assert found(shape.check, {"common/x.c": "int f(int a, int b, int c, int d, int e, int g)\n{\n\treturn 0;\n}\n"})


def deep_nesting_is_found():
    """nesting counts blocks and statements without braces, not initialisers or else-if chains"""
    for body, depth in (
        ("return;", 0), ("if (a) b();", 1), ("if (a) { b(); } else if (c) { d(); } else { e(); }", 1),
        ("for (;;) if (a) while (b) c();", 3), ("switch (a) { case 1: if (b) c(); break; default: d(); }", 2),
        ("struct x y = {.a = {1, 2}}; f((struct x){{1}});", 0), ("do { if (a) b(); } while (c);", 2),
        ("cJSON_ArrayForEach(a, b) { if (c) d(); }", 2), ("if (a) for (;;) if (b) { while (c) { if (d) e(); } }", 5),
        ("if (a) b(); if (c) d();", 1), ("{ { a(); } }", 2), ("x = a ? b : c; if (x) y();", 1),
    ):
        assert shape.nesting(f"void f(void)\n{{ {body} }}\n") == depth, (body, shape.nesting(f"void f(void)\n{{ {body} }}\n"))


TESTS = [
    upward_includes_are_found, downward_includes_are_fine, foreign_libraries_have_one_place, one_file_speaks_curl,
    lost_includes_are_found, banned_calls_are_found, long_functions_are_found, the_share_of_long_functions_is_counted,
    promises_without_a_test_are_found, long_files_are_found, wide_lines_are_found, many_parameters_are_found, deep_nesting_is_found,
]

if __name__ == "__main__":
    sys.exit(tap.run(TESTS))
