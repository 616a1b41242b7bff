"""otactl against a real gateway: what it asks, what it shows, and how it ends."""

import hashlib
import json
import os
import re
import signal

import pytest

from gateway_rig.fake_broker import TOKEN, Refusal
from gateway_rig.fixtures import bench, fake_broker, gateway, make_gateway, otactl, plugin  # noqa: F401

from harness.wait import DEADLINE

pytestmark = pytest.mark.needs_no_plugin

NOW = 1795173797123
PACKAGE = {"id": 3, "productKey": "pk1", "module": "default", "version": "2.0", "size": 2048, "sha256": "0" * 64, "md5": "0" * 32,
           "status": "active", "verification": "verified", "createdAt": NOW, "createdBy": "admin"}


def batch(state="running", outcome=None, **counts):
    full = {name: counts.get(name, 0) for name in ("pending", "pushed", "upgrading", "succeeded", "failed", "canceled")}
    told = {"id": 7, "name": "spring", "productKey": "pk1", "module": "default", "version": "2.0", "package": 3, "kind": "static",
            "state": state, "reason": "", "createdAt": NOW, "createdBy": "admin", "startedAt": NOW, "endsAt": NOW,
            "total": sum(full.values()), "prepared": sum(full.values()), "excluded": {}, "counts": full, "causes": {},
            "strategy": {}, "rev": 1}
    return {**told, "outcome": outcome} if outcome else told


def script(*answers):
    """Gives one answer after the other, the last one for ever."""
    rest = list(answers)

    def answer(_):
        return rest.pop(0) if len(rest) > 1 else rest[0]
    return answer


def refusing(*arguments):
    def answer(_):
        raise Refusal(*arguments)
    return answer


def own(command):
    return {key: value for key, value in command.items() if key not in ("token", "correlationData", "command")}


@pytest.mark.parametrize("words, command, members", [
    ("product show pk1", "getProduct", {"productKey": "pk1"}),
    ("product versions pk1 --module mcu", "versionDistribution", {"productKey": "pk1", "module": "mcu"}),
    ("product add pk1 --name One --sign-method sha256 --reason new", "createProduct",
     {"productKey": "pk1", "name": "One", "signMethod": "sha256", "reason": "new"}),
    ("device show pk1 a:b@c", "getDevice", {"productKey": "pk1", "deviceName": "a:b@c"}),
    ("product add --key pk1", "createProduct", {"productKey": "pk1"}),
    ("device renew-secret pk1 a --reason stolen", "renewSecret", {"productKey": "pk1", "deviceName": "a", "reason": "stolen"}),
    ("device unbar pk1 a --reason fixed --request-id r1", "unbarDevice",
     {"productKey": "pk1", "deviceName": "a", "reason": "fixed", "requestId": "r1"}),
    ("device disable pk1 a --reason stolen", "disableDevice", {"productKey": "pk1", "deviceName": "a", "reason": "stolen"}),
    ("device enable pk1 a", "enableDevice", {"productKey": "pk1", "deviceName": "a"}),
    ("package show 3", "getPackage", {"package": 3}),
    ("package show -p pk1 -v 2.0", "getPackage", {"productKey": "pk1", "version": "2.0"}),
    ("batch show 7", "getBatch", {"batch": 7}),
    ("batch pause 7", "pauseBatch", {"batch": 7}),
    ("batch export 7 --all", "exportBatch", {"batch": 7, "all": True}),
    ("batch pause 7 --dry-run --if-rev 12", "pauseBatch", {"batch": 7, "dryRun": True, "ifRev": 12}),
    ("batch resume 7", "resumeBatch", {"batch": 7}),
    ("batch advance 7 --reason fine", "advanceBatch", {"batch": 7, "reason": "fine"}),
    ("batch set 7 --rate 1000 --max-in-flight 20", "updateBatch",
     {"batch": 7, "strategy": {"rate": {"perMinute": 1000}, "maxInFlight": 20}}),
    ("batch confirm 7 a b", "confirmTasks", {"batch": 7, "names": ["a", "b"]}),
    ("batch confirm 7 --all --reason ok", "confirmTasks", {"batch": 7, "all": True, "reason": "ok"}),
    ("device explain pk1 a", "explainDevice", {"productKey": "pk1", "deviceName": "a"}),
    ("batch cancel 7 --level revoke --reason bad", "cancelBatch", {"batch": 7, "level": "revoke", "reason": "bad"}),
    ("task show 5", "getTask", {"task": 5}),
    ("server status", "getServer", {}),
    ("server job 5", "getJob", {"job": 5}),
    ("token add ci --role operator --expires-in 90d --reason builds", "createToken",
     {"name": "ci", "role": "operator", "expiresIn": "90d", "reason": "builds"}),
    ("token revoke ci", "revokeToken", {"name": "ci"}),
    ("log -p pk1 -d a --batch 7 --task 9 --actor ann --event failed --since 2026-11-20 --until 2026-11-20T10:00:30", "listEvents",
     {"productKey": "pk1", "deviceName": "a", "batch": 7, "task": 9, "actor": "ann", "event": "failed", "limit": 500,
      "since": 1795132800000, "until": 1795168830000}),
    ("batch retry 7 --failed --cause lost,burn_failed --retries 5", "retryBatch",
     {"batch": 7, "causes": ["lost", "burn_failed"], "strategy": {"retries": 5}}),
    ("batch clone 7 -v 2.1 --tag wave=2 --rate 100", "cloneBatch",
     {"batch": 7, "version": "2.1", "tags": {"wave": "2"}, "strategy": {"rate": {"perMinute": 100}}}),
    ("batch rollback 7 --to 1.9 --reason bad", "rollbackBatch", {"batch": 7, "version": "1.9", "reason": "bad"}),
    ("batch create --package 3 --of-batch 7 --of-state succeeded", "createBatch",
     {"package": 3, "kind": "static", "targets": {"batch": 7, "state": "succeeded"}}),
    ("batch create --package 3 --all", "createBatch", {"package": 3, "kind": "static", "targets": {"all": True}}),
    ("batch create --package 3 --all --start-at 2026-11-20 --end-at 2026-11-20T10:00:30 --stage 1%", "createBatch",
     {"package": 3, "kind": "static", "targets": {"all": True},
      "strategy": {"startAt": 1795132800000, "endAt": 1795168830000, "stages": [{"percent": 1}]}}),
    ("batch create -p pk1 -v 2.0 --kind verify -d a -d b --soak 10m --retries 1 --override --reason lab", "createBatch",
     {"productKey": "pk1", "version": "2.0", "kind": "verify", "targets": {"names": ["a", "b"]},
      "strategy": {"soak": "10m", "retries": 1}, "override": True, "reason": "lab"}),
])
def test_verb_asks_its_command(plugin, otactl, words, command, members):
    plugin.answers[command] = {"id": 7}
    otactl.good(*words.split())
    assert [own(each) for each in plugin.asked(command)][-1] == members


@pytest.mark.parametrize("words, command", [
    ("product list", "listProducts"), ("device list -p pk1", "listDevices"), ("package list", "listPackages"),
    ("batch list", "listBatches"), ("batch tasks 7", "listTasks"), ("log", "listEvents"),
    ("token list", "listTokens"), ("device log pk1 a", "listEvents"),
])
def test_list_goes_through_all_pages(plugin, otactl, words, command):
    pages = {None: {"items": [{"id": 1}, {"id": 2}], "next": "x"}, "x": {"items": [{"id": 3}]}}
    plugin.answers[command] = lambda asked: pages[asked.get("after")]
    assert [json.loads(line)["id"] for line in otactl.good(*words.split(), "-o", "jsonl").splitlines()] == [1, 2, 3]
    assert [each["id"] for each in json.loads(otactl.good(*words.split(), "-o", "json"))] == [1, 2, 3]
    assert len(otactl.good(*words.split()).splitlines()) == 4
    assert len(otactl.good(*words.split(), "--no-headers").splitlines()) == 3
    assert len(otactl.good(*words.split(), "--limit", "2", "--no-headers").splitlines()) == 2


def test_search_goes_on_over_an_empty_page(plugin, otactl):
    """The server looks at so many events for one answer; what is wanted may lie behind them."""
    pages = {None: {"items": [], "next": "x", "last": 9}, "x": {"items": [{"id": 3}], "last": 9}}
    plugin.answers["listEvents"] = lambda asked: pages[asked.get("after")]
    assert json.loads(otactl.good("log", "--event", "failed", "-o", "jsonl"))["id"] == 3


def test_follow_begins_with_the_newest_oldest_first(plugin, otactl):
    def answer(asked):
        if "above" in asked:
            return {"items": [{"id": 6}], "last": 6} if asked["above"] == 5 else {"items": [], "last": 6}
        first = "after" not in asked
        return {"items": [{"id": 5}, {"id": 4}] if first else [{"id": 3}], "next": "4" if first else "3", "last": 5}
    plugin.answers["listEvents"] = answer
    following = otactl.start("log", "--follow", "--limit", "3", "-o", "jsonl")
    assert [json.loads(following.stdout.readline())["id"] for _ in range(4)] == [3, 4, 5, 6]
    following.send_signal(signal.SIGINT)
    assert following.wait(DEADLINE) == -signal.SIGINT  # a shell says 130
    following.stdout.close()
    following.stderr.close()


def test_follow_since_shows_all_from_then_on(plugin, otactl):
    def answer(asked):
        assert asked["since"] == 1795132800000
        return {"items": [{"id": 8}], "last": 8} if asked["above"] == 0 else {"items": [], "last": 8}
    plugin.answers["listEvents"] = answer
    following = otactl.start("log", "--follow", "--since", "2026-11-20", "-o", "name")
    assert following.stdout.readline() == "8\n"
    following.kill()
    following.communicate()


@pytest.mark.parametrize("words, said", [
    ("log --since yesterday", "--since"), ("log --until 2026-13-01", "--until"), ("log --follow --until 1h", "--until"),
    ("log --follow -o json", "jsonl"), ("log --follow --limit x", "--limit"),
    ("log --since 2026-11-20 --until 2026-11-19", "since"), ("device log pk1 a --since x", "--since"),
    ("token add ci", "--role"), ("token add ci --role root", "--role"), ("token add a/b --role viewer", "NAME is"),
    ("token add ci --role viewer --expires-in never", "--expires-in"), ("token revoke", "NAME"),
])
def test_mistakes_about_log_and_token_are_told_by_name(otactl, words, said):
    result = otactl(*words.split())
    assert result.code == 2 and result.out == "" and said in result.err and result.err.count("\n") == 1, result


def test_table_is_clean_of_what_a_device_put_there(plugin, otactl):
    plugin.answers["listEvents"] = {"items": [{"id": 1, "at": NOW, "event": "progress", "deviceName": "a",
                                               "detail": "\x1b]0;owned\x07\u202e"}]}
    for form in ("table", "json", "jsonl"):
        shown = otactl.good("log", "-o", form)
        assert not set(shown) & {"\x1b", "\x07", "\u202e"}
    assert json.loads(otactl.good("log", "-o", "json"))[0]["detail"] == "\x1b]0;owned\x07\u202e"


@pytest.mark.parametrize("code, exit_code", [("invalid", 2), ("not_found", 3), ("conflict", 4), ("denied", 1), ("limit", 1),
                                             ("io", 1)])
def test_refusal_is_a_sentence_and_an_exit_code(plugin, otactl, code, exit_code):
    plugin.answers["getBatch"] = refusing(code, "a sentence", None)
    result = otactl("batch", "show", 7)
    assert (result.code, result.err, result.out) == (exit_code, "otactl: a sentence\n", "")


@pytest.mark.parametrize("words", ["batch", "bacth list", "batch show", "batch show x", "batch list --stat x",
                                   "-o xml batch list", "batch show 1 2", "product add a-b", "product add",
                                   "product add pk1 --key pk1", "batch create --all",
                                   "batch create --package 1", "batch cancel 7 --level now", "device add pk1", "log --limit 0",
                                   "batch watch 7 --interval soon"])
def test_mistake_of_the_typist_is_exit_code_2_with_a_sentence(plugin, otactl, words):
    result = otactl(*words.split())
    assert result.code == 2
    assert re.fullmatch(r"otactl: [^\n]+\n", result.err)
    assert not [each for each in plugin.commands if each["command"] != "getServer"]


def test_refused_member_is_told_as_the_option_it_came_from(plugin, otactl):
    plugin.answers["createBatch"] = refusing("conflict", "too short for this product", "strategy.pushTimeout")
    result = otactl("batch", "create", "--package", 1, "--all", "--push-timeout", "1s")
    assert (result.code, result.err) == (4, "otactl: --push-timeout: too short for this product\n")


def test_conflict_is_not_blamed_on_an_option_nobody_typed(plugin, otactl):
    plugin.answers["createBatch"] = refusing("conflict", "package 3 (2.0) is unverified", "package")
    assert otactl("batch", "create", "-p", "pk1", "-v", "2.0", "--all").err == "otactl: package 3 (2.0) is unverified\n"
    assert otactl("batch", "create", "--package", 3, "--all").err == "otactl: --package: package 3 (2.0) is unverified\n"


def test_help_names_every_noun_and_exit_code(otactl):
    text = otactl.good("--help")
    for word in ("product list", "device add", "package add [FILE...]", "batch watch ID", "server status", "OTA_TOKEN",
                 "5 the watched batch", "6 the verified package"):
        assert word in text
    assert "--abort-percent" in otactl.good("batch", "create", "--help")
    assert "watch ID" in otactl.good("batch", "--help")
    assert otactl().code == 2


def test_devices_are_registered_from_words_and_files(plugin, otactl, tmp_path):
    plugin.answers["registerDevices"] = lambda asked: {"registered": len(asked["names"]) - 1, "already": 1}
    names = tmp_path / "names"
    names.write_text("# the lab\n  d1  \r\n\nd2\n")
    shown = otactl.good("device", "add", "pk1", "x", "--names-file", names)
    assert plugin.asked("registerDevices")[0]["names"] == ["x", "d1", "d2"]
    assert re.search(r"registered +2\n", shown)
    assert otactl.good("device", "register", "pk1", "--names-file", "-", "-o", "json", stdin="a\nb\n")
    assert plugin.asked("registerDevices")[1]["names"] == ["a", "b"]


def test_many_devices_go_in_pieces_and_are_summed_up(plugin, otactl):
    plugin.answers["registerDevices"] = lambda asked: {"registered": len(asked["names"]), "already": 0}
    lines = "".join(f"{'n' * 50}{number}\n" for number in range(2500))
    shown = json.loads(otactl.good("device", "add", "pk1", "-f", "-", "-o", "json", "--request-id", "r", stdin=lines))
    assert shown == {"registered": 2500, "already": 0}
    asked = plugin.asked("registerDevices")
    assert len(asked) >= 3 and all(len(each["names"]) <= 1000 for each in asked)
    assert len({each["requestId"] for each in asked}) == len(asked)


def test_bad_name_in_a_file_is_told_with_its_line(plugin, otactl):
    result = otactl("device", "add", "pk1", "-f", "-", stdin="good\nno good\n")
    assert result.code == 2 and "standard input:2" in result.err
    assert plugin.asked("registerDevices") == []


def test_package_is_uploaded_with_its_digest(plugin, gateway, otactl, tmp_path):
    data = os.urandom(3_000_000)
    file = tmp_path / "fw.bin"
    file.write_bytes(data)
    shown = json.loads(otactl.good("package", "add", file, "-p", "pk1", "-v", "1.0+5", "--notes", "a & b", "-o", "json"))
    assert shown["sha256"] == hashlib.sha256(data).hexdigest()
    dry, real = plugin.asked("addPackage")
    assert dry["sha256"] == shown["sha256"]
    assert (real["version"], real["notes"]) == ("1.0+5", "a & b")
    assert gateway.packages() == [shown["sha256"]]


def test_upload_draws_a_bar_on_a_terminal_only(plugin, otactl, tmp_path):
    file = tmp_path / "fw.bin"
    file.write_bytes(bytes(3_000_000))
    words = ("package", "add", file, "-p", "pk1", "-v", "1")
    assert otactl(*words).err == ""
    code, shown = otactl.on_terminal(*words)
    assert code == 0 and "100.0%" in shown and "2.9 MiB of 2.9 MiB" in shown


@pytest.mark.parametrize("size", [10, 900_000, 20_000_000])
def test_refused_upload_keeps_its_sentence(plugin, otactl, tmp_path, size):
    file = tmp_path / "fw.bin"
    file.write_bytes(bytes(size))
    plugin.answers["addPackage"] = refusing("conflict", "version 1 exists", "version")
    result = otactl("package", "add", file, "-p", "pk1", "-v", "1")
    assert (result.code, result.err) == (4, "otactl: --version: version 1 exists\n")


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_bytes(b""), lambda path: path.mkdir()],
                         ids=["missing", "empty", "directory"])
def test_file_that_is_no_package_is_refused_here(plugin, otactl, tmp_path, make):
    make(tmp_path / "fw.bin")
    result = otactl("package", "add", tmp_path / "fw.bin", "-p", "pk1", "-v", "1")
    assert result.code in (2, 3) and "fw.bin" in result.err
    assert plugin.asked("addPackage") == []


def test_batch_is_taken_from_a_file(plugin, otactl, tmp_path):
    order = {"productKey": "pk1", "version": "2.0", "kind": "verify", "targets": {"all": True},
             "strategy": {"retries": 5, "soak": "1h"}}
    (tmp_path / "b.json").write_text(json.dumps(order))
    plugin.answers["createBatch"] = batch()
    otactl.good("batch", "create", "-f", tmp_path / "b.json", "--retries", 1, "-v", "2.1")
    assert own(plugin.asked("createBatch")[0]) == {**order, "version": "2.1", "strategy": {"retries": 1, "soak": "1h"}}
    otactl.good("batch", "create", "-f", tmp_path / "b.json", "-d", "a")
    assert plugin.asked("createBatch")[1]["targets"] == {"names": ["a"]}


@pytest.mark.parametrize("text, said", [
    ('{"kind": "static",}', "b.json: "), ('{"kinds": "static"}', 'did you mean "kind"?'), ("[]", "batch export"),
    ('{"strategy": {"retries": 11}}', "strategy.retries: retries is 11; allowed: 0..10"), ("", "b.json: ")],
    ids=["no JSON", "unknown member", "no object", "out of range", "empty"])
def test_file_that_is_no_batch_is_refused_by_name_and_member(plugin, otactl, tmp_path, text, said):
    (tmp_path / "b.json").write_text(text)
    result = otactl("batch", "plan", "-f", tmp_path / "b.json")
    assert result.code == 2 and "b.json" in result.err and said in result.err
    assert plugin.asked("createBatch") == []


def test_export_is_json_in_every_form(plugin, otactl):
    order = {"productKey": "pk1", "version": "2.0", "kind": "verify", "targets": {"all": True}}
    plugin.answers["exportBatch"] = order
    assert json.loads(otactl.good("batch", "export", 7)) == json.loads(otactl.good("batch", "export", 7, "-o", "json")) == order


def test_dry_run_shows_the_plan(plugin, otactl):
    plugin.answers["createBatch"] = {"dryRun": True, "matches": 12, "excluded": {"already_at_target": 3, "barred": 0},
                                     "conflicts": ["a"], "bytes": 4096}
    shown = otactl.good("batch", "create", "--package", 1, "--all", "--dry-run")
    assert shown == otactl.good("batch", "plan", "--package", 1, "--all")
    assert re.search(r"devices +12 would get it\n", shown) and "already_at_target 3" in shown and "4.0 KiB" in shown
    assert plugin.asked("createBatch")[0]["dryRun"] is True


def test_watch_in_a_pipe_prints_each_change_once(plugin, otactl):
    plugin.answers["getBatch"] = script(batch(pending=2), batch(pending=2), batch(pending=1, succeeded=1),
                                        batch("completed", "succeeded", succeeded=2))
    lines = otactl.good("batch", "watch", 7, "--interval", "20ms").splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        "batch=7 state=running pending=2 pushed=0 upgrading=0 succeeded=0 failed=0 canceled=0",
        "batch=7 state=running pending=1 pushed=0 upgrading=0 succeeded=1 failed=0 canceled=0",
        "batch=7 state=completed pending=0 pushed=0 upgrading=0 succeeded=2 failed=0 canceled=0 outcome=succeeded"]


@pytest.mark.parametrize("end, exit_code", [
    (batch("completed", "succeeded", succeeded=2), 0),
    (batch("completed", "failed", succeeded=1, failed=1), 5),
    (batch("canceled", "canceled", succeeded=1, canceled=1), 5),
])
def test_watch_ends_as_the_batch_ended(plugin, otactl, end, exit_code):
    plugin.answers["getBatch"] = script(batch(pending=2), end)
    assert otactl("batch", "watch", 7, "--interval", "20ms").code == exit_code


def test_watch_on_a_terminal_draws_bars_in_place(plugin, otactl):
    plugin.answers["getBatch"] = script(batch(pending=2), batch(pending=1, failed=1),
                                        batch("completed", "failed", succeeded=1, failed=1))
    code, shown = otactl.on_terminal("batch", "watch", 7, "--interval", "20ms", columns=60)
    assert code == 5
    frames = shown.split("\x1b[7A")
    assert len(frames) == 3, shown
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", frames[-1]).replace("\r", "")
    assert "batch 7  spring  pk1 default 2.0  completed" in plain
    assert re.search(r"succeeded +█+▌? +1 +50\.0%", plain)
    assert all(len(line) <= 60 for line in plain.splitlines())


def refused_once(*arguments, then):
    """Refuses the second question, and only that."""
    asked = []

    def answer(_):
        asked.append(1)
        if len(asked) == 2:
            raise Refusal(*arguments)
        return then(asked)
    return answer


@pytest.mark.parametrize("code", ["io", "timeout", "unavailable"])
def test_watch_goes_on_after_an_error_that_may_pass(plugin, otactl, code):
    answers = {1: batch(pending=2), 3: batch("completed", "succeeded", succeeded=2)}
    plugin.answers["getBatch"] = refused_once(code, "the disk refused", then=lambda asked: answers[len(asked)])
    result = otactl("batch", "watch", 7, "--interval", "20ms")
    assert result.code == 0
    assert result.err.splitlines() == ["otactl: the disk refused; trying again", "otactl: the server answers again"]


def test_follow_goes_on_after_an_error_of_the_servers_disk(plugin, otactl):
    event = {"id": 1, "at": NOW, "event": "progress"}
    plugin.answers["listEvents"] = refused_once(
        "io", "the disk refused", then=lambda asked: {"items": [{**event, "id": len(asked)}] if len(asked) in (1, 3) else []})
    following = otactl.start("log", "--follow", "--since", "1h", "-o", "jsonl")
    assert json.loads(following.stdout.readline())["id"] == 1
    assert following.stderr.readline() == "otactl: the disk refused; trying again\n"
    assert json.loads(following.stdout.readline())["id"] == 3
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=DEADLINE)


def test_watch_goes_on_while_the_broker_is_away(plugin, gateway, fake_broker, otactl):
    plugin.answers["getBatch"] = batch(pending=2)
    watching = otactl.start("batch", "watch", "7", "--interval", "20ms")
    assert "pending=2" in watching.stdout.readline()
    fake_broker.stop()
    assert "trying again" in watching.stderr.readline()
    plugin.answers["getBatch"] = batch("completed", "succeeded", succeeded=2)
    fake_broker.start()
    assert "state=completed" in watching.stdout.readline()
    assert watching.wait(15) == 0
    watching.stdout.close()
    watching.stderr.close()


def test_watch_gives_up_at_its_timeout(plugin, otactl):
    plugin.answers["getBatch"] = batch(pending=2)
    result = otactl("batch", "watch", 7, "--interval", "20ms", "--timeout", "100ms")
    assert result.code == 1 and "had not ended" in result.err


def test_gateway_that_cannot_be_reached_is_named(otactl):
    result = otactl("product", "list", OTA_URL="http://127.0.0.1:1")
    assert result.code == 1 and "http://127.0.0.1:1" in result.err


def test_stranger_that_answers_is_told_as_one(otactl, gateway):
    result = otactl("product", "list", OTA_URL=gateway.url + "/strange")
    assert result.code in (1, 3) and result.err.startswith("otactl: ")


def test_access_comes_from_environment_files_and_options(plugin, otactl, tmp_path, gateway):
    plugin.answers["listProducts"] = {"items": []}
    none = {"OTA_URL": None, "OTA_TOKEN": None}
    assert "no token" in otactl("product", "list", **none).err
    config = tmp_path / "home" / ".config" / "otactl.conf"
    config.parent.mkdir()
    config.write_text(f"url = {gateway.url}/\ntoken = {TOKEN}\n")
    config.chmod(0o644)
    assert "chmod 600" in otactl("product", "list", **none).err
    config.chmod(0o600)
    otactl.good("product", "list", **none)
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    otactl.good("--token-file", token, "--gateway", gateway.url, "product", "list", OTA_TOKEN="ota_" + "E" * 43)
    assert otactl("product", "list", OTA_TOKEN="ota_" + "E" * 43).code == 1
    otactl.good("product", "list", OTA_TOKEN=None, OTA_TOKEN_FILE=str(token))
    config.write_text("urll = x\n")
    assert "url" in otactl("product", "list", **none).err


def test_token_is_no_argument(otactl):
    assert otactl("product", "list", "--token", TOKEN).code == 2
