"""How programs run under a sanitizer, in one place: what it is told, and where its reports lie."""

import pathlib

MODES = ("address", "undefined", "thread")


def options(directory: pathlib.Path) -> dict[str, str]:
    """The environment that makes the first finding fatal and puts its text into `directory`."""
    common = f"log_path={directory}/report:halt_on_error=1:abort_on_error=0:exitcode=99:print_summary=1"
    return {
        "ASAN_OPTIONS": f"{common}:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
                        ":check_initialization_order=1",
        "LSAN_OPTIONS": f"{common}",
        "UBSAN_OPTIONS": f"{common}:print_stacktrace=1",
        "TSAN_OPTIONS": f"{common}:second_deadlock_stack=1",
    }


def reports(directory: pathlib.Path) -> dict[str, str]:
    """Every report by file name. A program that told nothing left no file."""
    return {path.name: path.read_text(errors="replace") for path in sorted(directory.iterdir()) if path.is_file()}
