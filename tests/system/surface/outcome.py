"""What came of a case, against what its row says."""

CODES = ("invalid", "not_found", "conflict", "denied", "limit", "unavailable", "io")


def shape_problem(value):
    """What is wrong with a refusal: {"error": {"code", "message"[, "path"]}}, a sentence without control characters or end mark.
    """
    if not isinstance(value, dict) or set(value) != {"error"} or not isinstance(value["error"], dict):
        return f"no refusal: {value}"
    error = value["error"]
    if not {"code", "message"} <= set(error) <= {"code", "message", "path"}:
        return f"a refusal of other members: {error}"
    if error["code"] not in CODES or not all(isinstance(each, str) and each for each in error.values()):
        return f"a refusal of other values: {error}"
    if any(ord(letter) < 32 for letter in error["message"]) or error["message"].endswith("."):
        return f"not written as a sentence: {error}"
    return None


def mismatch(case, error, path):
    """What is wrong with the outcome; None if it is as it must be. error None: the command was carried out."""
    code = error["code"] if error else None
    if case.code is None:
        # the one command without a token proves itself by the signature of a download, which no case has
        unsigned = code == "denied" and "signed by this server" in error["message"]
        # and whether a command names an object that has a rev is no matter of the field
        revless = code == "invalid" and error["path"] == "ifRev" and "names nothing that has a rev" in error["message"]
        return None if unsigned or revless or code in (None, "not_found", "conflict") else f"{case}: is refused: {error}"
    if code != case.code or error.get("path", "") != path:
        return f"{case}: must be {case.code} at {path}, is {error}"
    silent = [word for word in case.words if word not in error["message"]]
    return f"{case}: {silent} not in: {error['message']}" if silent else None
